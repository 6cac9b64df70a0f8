/* SPDX-License-Identifier: Apache-2.0 */
/* Forking while two threads score: with plans every child scores at its first call; where the engine had started
 * LibTorch's threads (further arguments: engines, bundle, row) every child is told WB_FORKED. No child hangs.
 * 100 children with WB_FULL=1, else 20. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/check.h"
#include "support/process.h"

static wb_model *model;
static wb_schema *schema;
static const char *row_json = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static atomic_int stop;

static int32_t score_once(wb_result *result) {
    uint64_t row[512];
    if (wb_row_init(schema, row, sizeof row, NULL) < 0) return WB_INTERNAL;
    if (wb_row_set_json(schema, row, row_json, strlen(row_json), NULL) < 0) return WB_INTERNAL;
    return wb_model_score(result, model, row, WB_NO_DEADLINE, NULL, NULL);
}

static void *client(void *argument) {
    wb_result result = WB_RESULT_INIT;
    (void)argument;
    while (!atomic_load(&stop))
        if (score_once(&result) != WB_OK) return (void *)1;
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[2];
    int children = full_campaign() ? 100 : 20, i;
    int torch = argc == 5;
    wb_engine *engine = make_engine("cpu=2", 16);
    wb_load_options *options = NULL;
    wb_result parent = WB_RESULT_INIT;
    CHECK(argc == 2 || torch);
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    if (torch) {
        CHECK_STATUS(WB_OK, wb_load_options_set_engines(options, argv[2], E));
        row_json = argv[4];
    }
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, torch ? argv[3] : fixture(argv, "mlp"), options, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK(score_once(&parent) == WB_OK);
    for (i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, client, NULL) == 0);
    for (i = 0; i < children; ++i) {
        pid_t child = fork();
        int code;
        CHECK(child >= 0);
        if (child == 0) {
            wb_result result = WB_RESULT_INIT;
            int32_t status = score_once(&result);
            wb_engine *fresh = NULL;
            if (torch) _exit(status == WB_FORKED ? 0 : 1);
            if (status != WB_OK || result.score != parent.score) _exit(2);
            if (wb_engine_create(&fresh, NULL, NULL) != WB_OK) _exit(3);
            wb_engine_free(fresh);
            wb_model_free(model);
            wb_engine_free(engine);
            _exit(0);
        }
        code = wait_for_child(child);
        if (code != 0) fprintf(stderr, "child %d: %d\n", i, code);
        CHECK(code == 0);
    }
    atomic_store(&stop, 1);
    for (i = 0; i < 2; ++i) {
        void *failed = NULL;
        CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    }
    printf("%d children, none hung\n", children);
    wb_load_options_free(options);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
