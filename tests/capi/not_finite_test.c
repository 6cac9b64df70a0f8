/* SPDX-License-Identifier: Apache-2.0 */
/* A model whose numbers overflow: no caller gets a NaN or an infinity as an answer. Only that row falls back, or fails
 * where fallbacks are declined, alone and in a batch, on every engine that runs plans. */
#include <float.h>

#include "support/check.h"

/* "mlp-steep" weighs age_days by -16 and extra by 4. */
static const struct {
    const char *json;    /* of the features but country and online */
    const char *message; /* "" where the model answers */
} kCases[] = {
    {"\"age_days\": 2", ""},
    {"\"age_days\": 3.4e38", "output 'fraud': expected a finite number from the model, found -infinity"},
    {"\"extra\": 3.4e38", "output 'fraud': expected a finite number from the model, found infinity"},
    {"\"age_days\": 3.4e38, \"extra\": 3.4e38",
     "output 'fraud': expected a finite number from the model, found -infinity"},
    {"\"age_days\": 0.5", ""},
};
enum { kCount = sizeof kCases / sizeof *kCases };

static uint64_t rows[kCount][64];
static char told[256];
static int events;

static void on_event(int32_t event, const char *message, void *payload) {
    (void)payload;
    if (event != WB_LOG_FAILED) return;
    ++events;
    snprintf(told, sizeof told, "%s", message);
}

static wb_engine *make_logged_engine(void) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_devices(options, "cpu=1", E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_log(options, on_event, NULL, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    return engine;
}

static wb_call *declining(void) {
    wb_call *call = NULL;
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
    return call;
}

static void fill_rows(wb_schema *schema) {
    int i;
    for (i = 0; i < kCount; ++i) {
        char json[256];
        snprintf(json, sizeof json, "{\"amount_minor\": 1250, %s, \"country\": \"FR\", \"online\": true}",
                 kCases[i].json);
        fill(schema, rows[i], json);
    }
}

static wb_snapshot snapshot_of(wb_engine *engine) {
    wb_snapshot snapshot = {0};
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    return snapshot;
}

static void alone(wb_engine *engine, wb_model *model, double spare_score) {
    wb_call *call = declining();
    float logit[1] = {7};
    int i;
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 1, logit, 1, E));
    for (i = 0; i < kCount; ++i) {
        const int fails = kCases[i].message[0] != 0;
        wb_result result = WB_RESULT_INIT;
        const wb_snapshot before = snapshot_of(engine);
        CHECK_STATUS(fails ? WB_OK_FALLBACK : WB_OK, wb_model_score(&result, model, rows[i], WB_NO_DEADLINE, NULL, E));
        CHECK(isfinite(result.score) && isfinite(result.probability) && result.band >= 0);
        if (fails) {
            CHECK(result.reason == WB_REASON_BACKEND && result.status == WB_OK_FALLBACK);
            CHECK_NEAR(spare_score, result.score);
            CHECK(snapshot_of(engine).failed == before.failed + 1);
            CHECK(snapshot_of(engine).fallbacks == before.fallbacks + 1);
            CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
            CHECK(events > 0 && strstr(told, "calls on which a model failed: output 'fraud'") != NULL);
        }
        logit[0] = 7;
        result.score = -1;
        CHECK_STATUS(fails ? WB_BACKEND_FAILED : WB_OK,
                     wb_model_score(&result, model, rows[i], WB_NO_DEADLINE, call, E));
        if (!fails) continue;
        CHECK(strcmp(E->message, kCases[i].message) == 0);
        CHECK(E->row == 0 && result.score == -1 && logit[0] == 7);
        CHECK(snapshot_of(engine).failed == before.failed + 2);
    }
    wb_call_free(call);
}

static void in_a_batch(wb_engine *engine, wb_model *model, wb_schema *schema, double spare_score) {
    double score[kCount], probability[kCount];
    int32_t band[kCount], status[kCount], reason[kCount];
    float logit[kCount];
    wb_batch *batch = NULL;
    wb_call *call = declining();
    wb_snapshot before = snapshot_of(engine), after;
    int i, declined;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kCount, E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows, sizeof rows[0], E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_PROBABILITY, probability, sizeof *probability, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_BAND, band, sizeof *band, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_REASON, reason, sizeof *reason, E));
    CHECK_STATUS(WB_OK, wb_batch_set_output(batch, 1, logit, sizeof *logit, E));
    for (declined = 0; declined < 2; ++declined) {
        CHECK_STATUS(declined ? WB_OK_PARTIAL : WB_OK_FALLBACK,
                     wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, declined ? call : NULL, E));
        for (i = 0; i < kCount; ++i) {
            if (kCases[i].message[0] == 0) {
                wb_result result = WB_RESULT_INIT;
                CHECK_STATUS(WB_OK, wb_model_score(&result, model, rows[i], WB_NO_DEADLINE, NULL, E));
                CHECK(status[i] == WB_OK && reason[i] == WB_REASON_NONE && score[i] == result.score);
                CHECK(band[i] == result.band && isfinite(logit[i]));
            } else if (declined) {
                CHECK(status[i] == WB_BACKEND_FAILED && isnan(score[i]) && isnan(probability[i]) && band[i] == -1);
                CHECK(reason[i] == WB_REASON_NONE && isnan(logit[i]));
            } else {
                CHECK(status[i] == WB_OK_FALLBACK && reason[i] == WB_REASON_BACKEND && isnan(logit[i]));
                CHECK_NEAR(spare_score, score[i]);
                CHECK(probability[i] == score[i] && band[i] >= 0);
            }
        }
    }
    CHECK(E->row == 1 && strcmp(E->message, kCases[1].message) == 0); /* of the lowest row */
    after = snapshot_of(engine);
    CHECK(after.failed == before.failed + 2 && after.fallbacks == before.fallbacks + 3);
    CHECK(after.invalid == before.invalid);
    wb_batch_free(batch);
    wb_call_free(call);
}

static void with_engine(char **argv, const char *engines) {
    wb_load_options *options = NULL;
    wb_engine *engine = make_logged_engine();
    wb_model *model = NULL, *spare = NULL;
    wb_slot *slot = NULL;
    wb_schema *schema = NULL;
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_engines(options, engines, E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-steep"), options, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill_rows(schema);
    events = 0;
    alone(engine, model, 0.75);
    in_a_batch(engine, model, schema, 0.75);
    wb_model_free(model);

    /* The fallback slot's model answers first. Its own fallback is nobody's. */
    CHECK_STATUS(WB_OK, wb_model_load(&spare, engine, fixture(argv, "mlp-extra"), options, E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp-steep-slot"), options, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "spare", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_swap(slot, spare, E));
    {
        wb_result by_spare = WB_RESULT_INIT, result = WB_RESULT_INIT;
        CHECK_STATUS(WB_OK, wb_model_score(&by_spare, spare, rows[2], WB_NO_DEADLINE, NULL, E));
        CHECK_STATUS(WB_OK_FALLBACK, wb_model_score(&result, model, rows[2], WB_NO_DEADLINE, NULL, E));
        CHECK(result.score == by_spare.score && result.reason == WB_REASON_BACKEND && result.bundle == by_spare.bundle);
    }
    /* A spare that overflows as well leaves the fixed score. */
    wb_model_free(spare);
    CHECK_STATUS(WB_OK, wb_model_load(&spare, engine, fixture(argv, "mlp-steep"), options, E));
    CHECK_STATUS(WB_OK, wb_slot_swap(slot, spare, E));
    alone(engine, model, 0.75);
    in_a_batch(engine, model, schema, 0.75);
    wb_slot_free(slot);
    wb_model_free(spare);
    wb_model_free(model);
    wb_schema_free(schema);
    wb_load_options_free(options);
    wb_engine_free(engine);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    with_engine(argv, "native");
    with_engine(argv, "reference");
    return 0;
}
