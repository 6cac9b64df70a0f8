/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of a batch through a completion queue: the same columns as by calls that wait, for one batch object. */
#include "support/check.h"

enum { kRows = 1000, kWindow = 300 };
static int64_t amounts[kRows];
static double scores[kRows], expected[kRows];
static int32_t codes[kRows];

static wb_batch *make_batch(wb_schema *schema) {
    static const wb_view kCountry = {"FR", 2};
    static const uint8_t kOnline = 0;
    wb_batch *batch = NULL;
    uint32_t amount, country, online;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_schema_find(&amount, schema, "amount_minor", E));
    CHECK_STATUS(WB_OK, wb_schema_find(&country, schema, "country", E));
    CHECK_STATUS(WB_OK, wb_schema_find(&online, schema, "online", E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kRows, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, amount, amounts, sizeof *amounts, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, country, &kCountry, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, online, &kOnline, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, expected, sizeof *expected, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, codes, sizeof *codes, E));
    return batch;
}

int main(int argc, char **argv) {
    wb_engine *engine;
    wb_model *model = NULL;
    wb_slot *slot = NULL;
    wb_schema *schema = NULL;
    wb_batch *batch;
    wb_queue *queue = NULL;
    wb_batch_result results[5];
    wb_completion done;
    size_t count = 0;
    int64_t first, scored = 0;
    int i;
    CHECK(argc == 2);
    engine = make_engine("cpu=2", 4);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_queue_create(&queue, engine, 4, E));
    for (i = 0; i < kRows; ++i) amounts[i] = 100 * i;
    batch = make_batch(schema);
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    for (i = 0; i < kRows; ++i) CHECK_NEAR(fixture_score(100.0 * i, 0, 1, 0, 0), expected[i]);

    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, scores, sizeof *scores, E));
    amounts[700] = -1;
    for (i = 0, first = 0; first < kRows; first += kWindow, ++i) {
        const wb_batch_result empty = WB_BATCH_RESULT_INIT;
        results[i] = empty;
        CHECK_STATUS(WB_OK, wb_batch_set_window(batch, first, first + kWindow < kRows ? kWindow : kRows - first, E));
        CHECK_STATUS(WB_OK,
                     wb_model_submit_batch(&results[i], queue, (uint64_t)i, model, batch, WB_NO_DEADLINE, NULL, E));
    }
    CHECK_STATUS(WB_OVERLOADED, wb_model_submit_batch(NULL, queue, 9, model, batch, WB_NO_DEADLINE, NULL, E));
    for (i = 0; i < 4; ++i) {
        CHECK_STATUS(WB_OK, wb_queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, E));
        CHECK(count == 1 && done.tag < 4);
        CHECK(done.status == (done.tag == 2 ? WB_OK_PARTIAL : WB_OK));
        CHECK(done.error.code == (done.tag == 2 ? WB_OK_PARTIAL : 0));
        if (done.tag == 2) CHECK(done.error.row == 700 && strstr(done.error.message, "amount_minor") != NULL);
        CHECK(results[done.tag].status == done.status && results[done.tag].rows == (done.tag == 3 ? 100 : 300));
        scored += results[done.tag].scored;
    }
    CHECK(scored == kRows - 1 && results[2].first_error == 700);
    for (i = 0; i < kRows; ++i) CHECK(i == 700 ? codes[i] == WB_INVALID_INPUT : scores[i] == expected[i]);

    /* wrong use */
    results[0].struct_size = 8;
    CHECK_STATUS(WB_INVALID_ARGUMENT,
                 wb_model_submit_batch(&results[0], queue, 1, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit_batch(NULL, queue, 1, model, NULL, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit_batch(NULL, NULL, 1, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_submit_batch(NULL, queue, 1, slot, batch, WB_NO_DEADLINE, NULL, E));

    /* a deadline that is past; a slot */
    CHECK_STATUS(WB_OK, wb_slot_swap(slot, model, E));
    results[1].struct_size = sizeof results[1];
    CHECK_STATUS(WB_OK, wb_slot_submit_batch(&results[1], queue, 5, slot, batch, 1, NULL, E));
    wb_batch_free(batch);
    CHECK_STATUS(WB_OK, wb_queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, E));
    CHECK(count == 1 && done.status == WB_OK_FALLBACK && results[1].fallbacks == 100);
    CHECK(results[1].reason == WB_REASON_DEADLINE);
    wb_queue_free(queue);
    wb_slot_free(slot);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
