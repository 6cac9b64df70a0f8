/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: load beside, swap, roll back, changed schemas, fallback slots, logs, telemetry. */
#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static int events[16];
static char lines[16][512]; /* the last one of each event */

static void on_log(int32_t event, const char *message, void *payload) {
    CHECK(payload == events && event > 0 && event < 16);
    ++events[event];
    snprintf(lines[event], sizeof lines[event], "%s", message);
}

static double score(wb_slot *slot, void *row) {
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    return result.score;
}

static void swaps(wb_engine *engine, char **argv) {
    uint64_t row[64], extra_row[64];
    wb_slot *slot = NULL, *again = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL, *extra_schema = NULL;
    wb_batch *batch = NULL;
    wb_result result = WB_RESULT_INIT;
    double v1 = fixture_score(1250, 0, 1, 0, 0), v2 = fixture_score(1250, 0, 1, 0, 1), out = 0;

    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_open(&slot, engine, "", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_open(&slot, engine, "a b", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&again, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E)); /* empty */
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_model(&model, slot, E));
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_rollback(slot, E));

    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp"), NULL, E));
    CHECK_NEAR(v1, score(again, row));
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_rollback(slot, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-v2"), NULL, E));
    CHECK_NEAR(v2, score(slot, row));
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    CHECK_NEAR(v1, score(slot, row));
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    CHECK_NEAR(v2, score(slot, row));
    CHECK(events[WB_LOG_LOADED] == 2 && events[WB_LOG_SWAPPED] == 4 && events[WB_LOG_REFUSED] == 0);

    /* refused: the slot serves on */
    CHECK_STATUS(WB_VERIFY_FAILED, wb_slot_load(slot, fixture(argv, "mlp-wrong-golden"), NULL, E));
    CHECK_STATUS(WB_IO_ERROR, wb_slot_load(slot, fixture(argv, "no-such-bundle"), NULL, E));
    CHECK(strstr(E->message, "no-such-bundle") != NULL);
    CHECK(events[WB_LOG_REFUSED] == 2);
    CHECK_STATUS(WB_SCHEMA_CHANGED, wb_slot_load(slot, fixture(argv, "mlp-renamed"), NULL, E));
    CHECK(strstr(E->message, "age_days") != NULL);
    CHECK_NEAR(v2, score(slot, row));

    /* the same rows in another currency, and with a wider range, which the log tells */
    CHECK_STATUS(WB_SCHEMA_CHANGED, wb_slot_load(slot, fixture(argv, "mlp-usd"), NULL, E));
    CHECK(strstr(E->message, "feature 'amount_minor': expected money in EUR with exponent 2") == E->message);
    CHECK_NEAR(v2, score(slot, row));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-wider"), NULL, E));
    CHECK(strcmp(lines[WB_LOG_SWAPPED],
                 "slot 'champion' serves model 'fixture' 7.0.0; new to callers: the range [0, "
                 "20000000] of 'amount_minor'") == 0);
    CHECK_STATUS(WB_SCHEMA_CHANGED, wb_slot_load(slot, fixture(argv, "mlp-v2"), NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    CHECK(strcmp(lines[WB_LOG_SWAPPED],
                 "slot 'champion' was rolled back to model 'fixture' 2.0.0; callers lose: the "
                 "range [0, 20000000] of 'amount_minor'") == 0);
    CHECK_NEAR(v2, score(slot, row));

    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-usd"), NULL, E));
    CHECK_STATUS(WB_SCHEMA_MISMATCH, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    wb_model_free(model);

    /* a feature more, with a default: old rows and new ones fit, also after a rollback */
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-extra"), NULL, E));
    CHECK_NEAR(v1, score(slot, row));
    CHECK_STATUS(WB_OK, wb_slot_model(&model, slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&extra_schema, model, E));
    fill(extra_schema, extra_row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false, \"extra\": 4}");
    CHECK_STATUS(WB_OK, wb_slot_score(&result, slot, extra_row, WB_NO_DEADLINE, NULL, E));
    CHECK(result.score != v1 && strcmp(result.version, "3.0.0") == 0);
    CHECK_STATUS(WB_SCHEMA_MISMATCH, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 1, E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, row, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, &out, 8, E));
    CHECK_STATUS(WB_OK, wb_slot_score_batch(NULL, slot, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(v1, out);
    CHECK_STATUS(WB_SCHEMA_MISMATCH, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    CHECK_NEAR(v2, score(slot, row));
    CHECK_NEAR(v2, score(slot, extra_row));
    wb_model_free(model);
    wb_batch_free(batch);
    wb_schema_free(extra_schema);
    wb_schema_free(schema);
    wb_slot_free(slot);
    wb_slot_free(again);
}

static void fallback_slot(wb_engine *engine, char **argv) {
    uint64_t row[64];
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_slot *spare = NULL;
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-fallback-slot"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    /* the spare slot does not exist yet: the model has all the time */
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, wb_now_ns() + 60000000000, NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&spare, engine, "spare", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(spare, fixture(argv, "mlp-v2"), NULL, E));
    /* reserve_us is a second: half a second before the deadline the first model is left at once, the spare one runs */
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score(&result, model, row, wb_now_ns() + 500000000, NULL, E));
    CHECK_NEAR(fixture_score(1250, 0, 1, 0, 1), result.score);
    CHECK(strcmp(result.version, "2.0.0") == 0 && result.reason == WB_REASON_DEADLINE);
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score(&result, model, row, wb_now_ns() - 1, NULL, E));
    CHECK(result.score == 0.75);
    wb_slot_free(spare);
    wb_schema_free(schema);
    wb_model_free(model);
}

static void telemetry(wb_engine *engine) {
    wb_text *text = NULL;
    wb_snapshot snapshot = {0};
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    CHECK(snapshot.contexts == 2 && snapshot.waiting == 0 && snapshot.requests > 8 && snapshot.rows > 6);
    CHECK(snapshot.swaps == 9 && snapshot.fallbacks == 2 && snapshot.latency_max_ns > 0);
    CHECK(snapshot.latency_p50_ns > 0 && snapshot.latency_p50_ns <= snapshot.latency_p999_ns);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_metrics(NULL, engine, E));
    CHECK_STATUS(WB_OK, wb_engine_metrics(&text, engine, E));
    CHECK(strstr(wb_text_data(text), "# TYPE weighbridge_") != NULL);
    CHECK(wb_text_size(text) > 100 && strlen(wb_text_data(text)) == wb_text_size(text));
    wb_text_free(text);
}

int main(int argc, char **argv) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_devices(options, "cpu=2", E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_log(options, on_log, events, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    swaps(engine, argv);
    fallback_slot(engine, argv);
    telemetry(engine);
    CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
    CHECK(events[WB_LOG_FALLBACK] >= 1);
    CHECK_STATUS(WB_OK, wb_engine_close(engine, wb_now_ns() + 60000000000, E));
    CHECK(events[WB_LOG_UNLOADED] >= 4 && events[WB_LOG_CLOSED] == 1);
    wb_engine_free(engine);
    return 0;
}
