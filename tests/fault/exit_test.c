/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is linked with the library ends while a thread scores, and another library that was loaded with it
 * calls in from its destructors, which run behind ours: all are answered. The library used to give its memory back as
 * at dlclose(), for what it had given to atexit() before main() began runs behind every library's destructors. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

enum { kTimes = 20, kLastCall = 1 };

static const char kRow[] = "{\"amount_minor\": 1, \"country\": \"DE\", \"online\": true}";

extern void (*late_call)(int last); /* of tests/fault/late_caller.cpp */

static wb_model *model;
static wb_schema *schema;

static int32_t score(void) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    int32_t code = wb_row_init(schema, row, sizeof row, NULL);
    if (code == WB_OK) code = wb_row_set_json(schema, row, kRow, sizeof kRow - 1, NULL);
    return code == WB_OK ? wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, NULL) : code;
}

static void call_late(int last) {
    if (score() != WB_OK) _exit(3);
    if (last == kLastCall) usleep(20000); /* the thread below scores meanwhile */
}

static void *score_on(void *unused) {
    for (;;)
        if (score() != WB_OK) _exit(4);
    return unused;
}

int main(int argc, char **argv) {
    char path[4096];
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/mlp", argv[1]);
    for (int i = 0; i < kTimes; ++i) {
        int status = 0;
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            wb_engine *engine = NULL;
            pthread_t thread;
            CHECK_STATUS(WB_OK, wb_engine_create(&engine, NULL, E));
            CHECK_STATUS(WB_OK, wb_model_load(&model, engine, path, NULL, E));
            CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
            late_call = call_late;
            CHECK(pthread_create(&thread, NULL, score_on, NULL) == 0);
            usleep(1000);
            return 0;
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    return 0;
}
