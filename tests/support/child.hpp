// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace weighbridge::test {

// Whether a child may start threads: gcc's thread sanitizer ends one that does ("dup thread with used id").
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kChildrenHaveThreads = false;
#else
inline constexpr bool kChildrenHaveThreads = true;
#endif

// Runs `body` in a forked child, which must not use Catch. Its return value, or -1 where it died or took more than
// 20 s.
template <class Body>
int in_child(Body &&body) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        alarm(20);  // ends a child that hangs
        _exit(body());
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace weighbridge::test
