/* SPDX-License-Identifier: Apache-2.0 */
/* What a scoring call says of a batch: who answered which rows, and that a wrong row does not hide a fallback. */
#include "support/check.h"

enum { kRows = 8, kFirst = 2, kWindow = 4 };

/* "mlp-steep" weighs age_days by -16: row 4 overflows. Row 3 is refused; rows 0, 1, 6 and 7 would be. */
static int64_t amount[kRows] = {-1, -1, 100, -5, 100, 300, -1, -1};
static float age[kRows] = {1, 1, 1, 1, 3.4e38f, 0.5f, 1, 1};
static const wb_view country = {"FR", 2};
static const uint8_t online = 1;
static int32_t status[kRows];

static wb_batch *window_of(wb_schema *schema) {
    wb_batch *batch = NULL;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kRows, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, sizeof *amount, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 1, age, sizeof *age, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, &country, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, &online, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kFirst, kWindow, E));
    return batch;
}

static void counts(const wb_batch_result *got, int64_t scored, int64_t fallbacks, int64_t invalid, int64_t failed) {
    CHECK(got->rows == kWindow && got->scored == scored && got->fallbacks == fallbacks);
    CHECK(got->invalid == invalid && got->failed == failed);
    CHECK(got->queue_ns >= 0 && (got->run_ns > 0) == (got->scored > 0));
    CHECK(got->device == (scored > 0 ? 0 : -1) && (got->backend == WB_BACKEND_NATIVE) == (scored > 0));
    CHECK((got->precision == WB_PRECISION_FP32) == (scored > 0) && got->numerics == (scored > 0 ? 1 : 0));
    CHECK(got->bundle != 0 && strcmp(got->version, "1.0.0") == 0);
}

static void one_is_refused_and_one_falls_back(wb_engine *engine, wb_model *model, wb_batch *batch, char **argv) {
    wb_batch_result got = WB_BATCH_RESULT_INIT;
    wb_result spare_result = WB_RESULT_INIT;
    wb_model *spare = NULL;
    wb_schema *schema = NULL;
    wb_slot *slot = NULL;
    wb_call *call = NULL;
    uint64_t row[64];
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(&got, model, batch, WB_NO_DEADLINE, NULL, E));
    counts(&got, 2, 1, 1, 0);
    CHECK(got.status == WB_OK_PARTIAL && got.first_error == 3 && E->row == 3);
    CHECK(got.reason == WB_REASON_BACKEND && got.fallback_bundle == 0); /* the fixed score */
    CHECK(status[1] == 0 && status[6] == 0);

    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(&got, model, batch, WB_NO_DEADLINE, call, E));
    counts(&got, 2, 0, 1, 1);
    CHECK(got.reason == WB_REASON_NONE && got.first_error == 3);

    /* the fallback slot's model answers, and is named */
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "spare", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-extra"), NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_model(&spare, slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, spare, E));
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    CHECK_STATUS(WB_OK, wb_model_score(&spare_result, spare, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(&got, model, batch, WB_NO_DEADLINE, NULL, E));
    counts(&got, 2, 1, 1, 0);
    CHECK(got.fallback_bundle == spare_result.bundle && got.bundle != got.fallback_bundle);
    wb_call_free(call), wb_slot_free(slot), wb_schema_free(schema), wb_model_free(spare);
}

static void ended_early(wb_model *model, wb_batch *batch) {
    wb_batch_result got = WB_BATCH_RESULT_INIT;
    wb_call *call = NULL;
    wb_cancel *cancel = NULL;
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score_batch(&got, model, batch, wb_now_ns() - 1, NULL, E));
    counts(&got, 0, kWindow, 0, 0);
    CHECK(got.status == WB_OK_FALLBACK && got.reason == WB_REASON_DEADLINE && got.first_error == -1);
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
    CHECK_STATUS(WB_DEADLINE_EXCEEDED, wb_model_score_batch(&got, model, batch, wb_now_ns() - 1, call, E));
    counts(&got, 0, 0, 0, kWindow);
    CHECK(got.status == WB_DEADLINE_EXCEEDED && got.reason == WB_REASON_NONE && got.first_error == kFirst);
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_cancel_set(cancel, 1, E));
    CHECK_STATUS(WB_OK, wb_call_set_cancel(call, cancel, E));
    CHECK_STATUS(WB_CANCELLED, wb_model_score_batch(&got, model, batch, WB_NO_DEADLINE, call, E));
    counts(&got, 0, 0, 0, kWindow);
    CHECK(got.status == WB_CANCELLED);
    wb_cancel_free(cancel), wb_call_free(call);
}

/* The names of a row's result, all rows scored, through a slot. */
static void all_scored(wb_engine *engine, char **argv) {
    wb_batch_result got = WB_BATCH_RESULT_INIT;
    wb_result alone = WB_RESULT_INIT;
    wb_slot *slot = NULL;
    wb_schema *schema = NULL;
    wb_batch *batch;
    uint64_t row[64];
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-v2"), NULL, E));
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp-v2"), E));
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    batch = window_of(schema);
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, row, 0, E));
    CHECK_STATUS(WB_OK, wb_slot_score(&alone, slot, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_score_batch(&got, slot, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(got.rows == kWindow && got.scored == kWindow && got.first_error == -1 && got.status == WB_OK);
    CHECK(got.bundle == alone.bundle && strcmp(got.version, "2.0.0") == 0 && got.backend == alone.backend);
    CHECK(got.precision == alone.precision && got.numerics == alone.numerics && got.queue_ns == 0);
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 0, 0, E));
    CHECK_STATUS(WB_OK, wb_slot_score_batch(&got, slot, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(got.rows == 0 && got.scored == 0 && got.first_error == -1 && got.backend == WB_BACKEND_NONE);

    /* Calls that do not come to the rows leave it alone. */
    memset((char *)&got + sizeof got.struct_size, 0x5a, sizeof got - sizeof got.struct_size);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_slot_score_batch(&got, slot, NULL, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_slot_score_batch(&got, NULL, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 0, 1, E));
    memset(row, 0, sizeof row);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_score_batch(&got, slot, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(got.status == 0x5a5a5a5a && got.version[31] == 0x5a && got.struct_size == sizeof got);
    got.struct_size = WB_BATCH_RESULT_SIZE_V1 - 1;
    status[0] = 77;
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_score_batch(&got, slot, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(status[0] == 77 && strstr(E->message, "144") && strstr(E->message, "143"));
    wb_batch_free(batch), wb_schema_free(schema), wb_slot_free(slot);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=1", 4);
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_batch *batch;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-steep-slot"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    batch = window_of(schema);
    ended_early(model, batch);
    memset(status, 0, sizeof status);
    one_is_refused_and_one_falls_back(engine, model, batch, argv);
    all_scored(engine, argv);
    wb_batch_free(batch), wb_schema_free(schema), wb_model_free(model), wb_engine_free(engine);
    return 0;
}
