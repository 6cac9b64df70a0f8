/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that may not wait: an answer where a context is free, WB_WOULD_WAIT where another thread has it, and nothing
 * in between. */
#include <pthread.h>
#include <stdatomic.h>

#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static wb_model *model;
static wb_schema *schema;
static atomic_int ended;
static uint64_t answered; /* read after the thread ended */

/* Keeps the engine's one context busy most of the time. */
static void *score_on(void *unused) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    fill(schema, row, kRow);
    while (!atomic_load(&ended)) {
        CHECK(wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, NULL) == WB_OK);
        ++answered;
    }
    return unused;
}

static uint64_t requests(wb_engine *engine) {
    wb_snapshot snapshot = {0};
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    CHECK(snapshot.waiting == 0 || !atomic_load(&ended));
    CHECK(snapshot.fallbacks == 0 && snapshot.overloaded == 0 && snapshot.failed == 0);
    return snapshot.requests;
}

int main(int argc, char **argv) {
    wb_engine *engine;
    wb_call *call = NULL;
    wb_batch *batch = NULL;
    pthread_t other;
    uint64_t row[64], ours = 0;
    double scores[3];
    int rows_waited = 0, batches_waited = 0;
    CHECK(argc == 2);
    engine = make_engine("cpu=1", 4);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_call_set_wait(call, 2, E));
    CHECK_STATUS(WB_OK, wb_call_set_wait(call, 0, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 3, E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, row, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, scores, sizeof *scores, E));

    CHECK(pthread_create(&other, NULL, score_on, NULL) == 0);
    while (rows_waited == 0 || batches_waited == 0 || ours < 2) {
        wb_result result = WB_RESULT_INIT;
        int32_t status = wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E);
        CHECK(status == WB_OK || status == WB_WOULD_WAIT);
        CHECK_NEAR(status == WB_OK ? fixture_score(1250, 0, 1, 0, 0) : 0.0, result.score);
        if (status == WB_OK) ++ours;
        if (status == WB_WOULD_WAIT) ++rows_waited;
        scores[2] = -1;
        status = wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, call, E);
        CHECK(status == WB_OK || status == WB_WOULD_WAIT);
        if (status == WB_OK) CHECK_NEAR(fixture_score(1250, 0, 1, 0, 0), scores[2]);
        if (status == WB_OK) ++ours;
        if (status == WB_WOULD_WAIT) ++batches_waited;
    }
    atomic_store(&ended, 1);
    CHECK(pthread_join(other, NULL) == 0);
    CHECK(requests(engine) == answered + ours);

    /* nobody else: always an answer; and a call that may wait again */
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_call_set_wait(call, 1, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, call, E));
    wb_call_free(call);
    wb_batch_free(batch);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
