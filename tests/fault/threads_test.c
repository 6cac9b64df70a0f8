/* SPDX-License-Identifier: Apache-2.0 */
/* Objects used by two threads at once, handles freed under their users, shedding when the queue is full. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>

#include "support/check.h"

enum { kThreads = 4, kRounds = 2000 };

static wb_engine *engine;
static wb_model *model;
static wb_schema *schema;
static uint64_t shared_row[64];
static wb_batch *shared_batch;
static atomic_int busy, answered, wrong;
static _Atomic(wb_model *) passing;
static char path[4096];

static void *share_a_row(void *argument) {
    wb_result result = WB_RESULT_INIT;
    int i;
    (void)argument;
    for (i = 0; i < kRounds; ++i) {
        int32_t status = wb_model_score(&result, model, shared_row, WB_NO_DEADLINE, NULL, NULL);
        atomic_fetch_add(status == WB_OK ? &answered : status == WB_BUSY ? &busy : &wrong, 1);
        status = wb_model_score_batch(NULL, model, shared_batch, WB_NO_DEADLINE, NULL, NULL);
        atomic_fetch_add(status == WB_OK ? &answered : status == WB_BUSY ? &busy : &wrong, 1);
    }
    return NULL;
}

/* Scores a model that the main thread frees and replaces all the time: an answer or an invalid handle. */
static void *use_what_is_freed(void *argument) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    int i;
    (void)argument;
    memcpy(row, shared_row, sizeof row);
    for (i = 0; i < kRounds; ++i) {
        int32_t status = wb_model_score(&result, atomic_load(&passing), row, WB_NO_DEADLINE, NULL, NULL);
        atomic_fetch_add(status == WB_OK || status == WB_INVALID_HANDLE ? &answered : &wrong, 1);
    }
    return NULL;
}

static void *shed(void *argument) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    int i;
    (void)argument;
    memcpy(row, shared_row, sizeof row);
    for (i = 0; i < kRounds; ++i) {
        int32_t status = wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, NULL);
        if (status == WB_OK_FALLBACK && result.reason == WB_REASON_OVERLOAD && result.score == 0.75)
            atomic_fetch_add(&busy, 1);
        else
            atomic_fetch_add(status == WB_OK ? &answered : &wrong, 1);
    }
    return NULL;
}

static void run(void *(*body)(void *)) {
    pthread_t threads[kThreads];
    int i;
    atomic_store(&busy, 0), atomic_store(&answered, 0), atomic_store(&wrong, 0);
    for (i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, body, NULL) == 0);
    for (i = 0; body == use_what_is_freed && i < 50; ++i) {
        wb_model *fresh = NULL;
        CHECK_STATUS(WB_OK, wb_model_load(&fresh, engine, path, NULL, E));
        wb_model_free(atomic_exchange(&passing, fresh));
    }
    for (i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(atomic_load(&wrong) == 0 && atomic_load(&answered) > 0);
}

int main(int argc, char **argv) {
    wb_engine *narrow;
    wb_model *narrow_model = NULL;
    CHECK(argc == 2);
    engine = make_engine("cpu=2", 16);
    snprintf(path, sizeof path, "%s", fixture(argv, "mlp"));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, path, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, shared_row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    CHECK_STATUS(WB_OK, wb_batch_create(&shared_batch, schema, E));
    run(share_a_row);
    wb_batch_free(shared_batch);
    CHECK_STATUS(WB_OK, wb_model_load(&narrow_model, engine, path, NULL, E));
    atomic_store(&passing, narrow_model);
    run(use_what_is_freed);
    wb_model_free(atomic_load(&passing));
    narrow = make_engine("cpu=1", 0);
    CHECK_STATUS(WB_OK, wb_model_load(&narrow_model, narrow, path, NULL, E));
    wb_model_free(model);
    model = narrow_model;
    run(shed);
    wb_model_free(model);
    wb_schema_free(schema);
    wb_engine_free(narrow);
    wb_engine_free(engine);
    return 0;
}
