/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of this process, and its children. */
#ifndef WB_TESTS_PROCESS_H
#define WB_TESTS_PROCESS_H

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A number of /proc/self/status, such as "Threads:" or "VmRSS:" (kB); -1 where it is not there. */
static inline long process_status(const char *name) {
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name));
    if (file) fclose(file);
    return value;
}

/* Whether this process comes to have so many threads within a minute: one that was joined counts for a moment more. */
static inline int comes_to_threads(long expected) {
    const time_t end = time(NULL) + 60;
    while (process_status("Threads:") != expected) {
        if (time(NULL) > end) return 0;
        sched_yield();
    }
    return 1;
}

/* Waits for a child for at most 60 s: its exit code, 128 where it was killed, -1 where it hangs. */
static inline int wait_for_child(pid_t child) {
    const struct timespec pause = {0, 1000000};
    int status = 0, i;
    for (i = 0; i < 60000; ++i) {
        if (waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
}

/* Whether the long campaigns were asked for (tests/run.sh --full). */
static inline int full_campaign(void) {
    const char *full = getenv("WB_FULL");
    return full && strcmp(full, "1") == 0;
}

#endif
