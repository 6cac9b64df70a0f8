/* SPDX-License-Identifier: Apache-2.0 */
/* The engine fake: a script's scores, latencies and failures behind the real checks, slots, fallbacks and figures. */
#include <pthread.h>

#include "support/files.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": true}";
static const char kOther[] = "{\"amount_minor\": 1251, \"country\": \"FR\", \"online\": true}";

/* Options of the engine fake, with a script unless it is NULL. */
static wb_load_options *scripted(const char *script) {
    wb_load_options *options = NULL;
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_engines(options, "fake", E));
    if (script) CHECK_STATUS(WB_OK, wb_load_options_set(options, "fake_script", script, E));
    return options;
}

/* A draft: the fixture's manifest alone. */
static wb_source *draft_of(char **argv, const char *bundle) {
    wb_source *source = NULL;
    size_t size;
    char *manifest = read_fixture(argv, bundle, "manifest.json", &size);
    CHECK_STATUS(WB_OK, wb_source_create(&source, E));
    CHECK_STATUS(WB_OK, wb_source_add_file(source, "manifest.json", manifest, size, E));
    free(manifest);
    return source;
}

static int32_t load(wb_model **out, wb_engine *engine, char **argv, const char *script) {
    wb_load_options *options = scripted(script);
    wb_source *source = draft_of(argv, "mlp");
    int32_t status = wb_model_load_source(out, engine, source, options, E);
    wb_source_free(source);
    wb_load_options_free(options);
    return status;
}

static wb_model *loaded(wb_engine *engine, char **argv, const char *script) {
    wb_model *model = NULL;
    CHECK_STATUS(WB_OK, load(&model, engine, argv, script));
    return model;
}

static int32_t score_with(wb_result *out, wb_model *model, const char *json, int64_t deadline_ns, wb_call *call) {
    uint64_t row[64];
    wb_schema *schema = NULL;
    int32_t status;
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, json);
    status = wb_model_score(out, model, row, deadline_ns, call, E);
    wb_schema_free(schema);
    return status;
}

static double score(wb_model *model, const char *json) {
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, score_with(&result, model, json, WB_NO_DEADLINE, NULL));
    CHECK(result.backend == WB_BACKEND_FAKE && result.precision == WB_PRECISION_FAKE && result.numerics == 0);
    CHECK(strcmp(wb_backend_name(result.backend), "fake") == 0);
    return result.score;
}

static wb_call *strict_call(void) {
    wb_call *call = NULL;
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
    return call;
}

/* Nobody gets it who did not name it, and it stands alone. */
static void only_by_name(wb_engine *engine, char **argv) {
    static const char *const kRefused[] = {"fake,native", "native,fake", "fake,fake", "Fake", ""};
    wb_source *draft = draft_of(argv, "mlp");
    wb_load_options *options = NULL;
    wb_model *model = NULL;
    wb_text *report = NULL;
    size_t i;
    CHECK_STATUS(WB_INVALID_BUNDLE, wb_model_load_source(&model, engine, draft, NULL, E));
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    for (i = 0; i < sizeof kRefused / sizeof *kRefused; ++i) {
        CHECK_STATUS(WB_INVALID_ARGUMENT, wb_load_options_set_engines(options, kRefused[i], E));
        CHECK(strstr(E->message, "or fake alone") != NULL);
    }
    CHECK_STATUS(WB_OK, wb_load_options_set(options, "fake_script", "{}", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_load(&model, engine, fixture(argv, "mlp"), options, E));
    CHECK(strcmp(E->message, "fake_script: expected the engine fake, got native") == 0 && !model);
    wb_load_options_free(options);
    options = scripted(NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_verify(&report, engine, fixture(argv, "mlp"), options, E));
    CHECK(strcmp(E->message, "engines: expected one that computes scores, got fake") == 0 && !report);
    wb_load_options_free(options);
    wb_source_free(draft);
}

/* What is wrong in a script is said with its place. */
static void scripts_are_strict(wb_engine *engine, char **argv) {
    static const struct {
        const char *script, *message;
    } kWrong[] = {
        {"{", "fake_script: line 1"},
        {"[]", "fake_script: expected an object, got an empty array"},
        {"{\"scores\": 1}", "fake_script: scores: expected no such field; 'score' is near"},
        {"{\"score\": \"random\"}",
         "fake_script: score: expected a number, an array of numbers or \"hash\", got \"random\""},
        {"{\"score\": []}", "fake_script: score: expected an array of 1 to 65536, got an empty array"},
        {"{\"score\": [0.5, null]}", "fake_script: score[1]: expected a number, got null"},
        {"{\"score\": 1e39}", "fake_script: score: expected a number that float32 holds, got"},
        {"{\"score\": 1.5}", "fake_script: expected scores in [0, 1], as output 'fraud' is a probability, got 1.5"},
        {"{\"latency_us\": -1}", "fake_script: latency_us: expected an integer in [0, 3600000000], got -1"},
        {"{\"failures\": [{\"every\": 2}]}",
         "fake_script: failures[0].status: expected the name of an error, such as WB_BACKEND_FAILED, got nothing"},
        {"{\"failures\": [{\"status\": \"WB_OK\"}]}", "failures[0].status: expected the name of an error"},
        {"{\"failures\": [{\"status\": \"WB_BUSY\", \"every\": 0}]}", "failures[0].every: expected an integer in [1, "},
        {"{\"rows\": [{\"score\": 0.5}]}", "fake_script: rows[0].row: expected an object, got nothing"},
        {"{\"rows\": [{\"row\": {}}]}", "fake_script: rows[0]: expected a score, a latency_us or a status, got none"},
        {"{\"rows\": [{\"row\": {}, \"score\": 0.5, \"status\": \"WB_BUSY\"}]}",
         "rows[0]: expected a score or a status"},
        {"{\"rows\": [{\"row\": {}, \"score\": 0.5, \"message\": \"m\"}]}",
         "rows[0]: expected a status beside the mess"},
        {"{\"rows\": [{\"row\": {}, \"score\": 0.5}]}", "fake_script: rows[0].row: feature 'amount_minor'"},
        {"{\"rows\": [{\"row\": {\"amount\": 1}, \"score\": 0.5}]}", "fake_script: rows[0].row: no feature 'amount'"},
        {"{\"load\": {\"message\": \"m\"}}", "fake_script: load: expected a status beside the message, got none"},
        {"{\"rows\": [{\"row\": {\"amount_minor\": 1, \"country\": \"FR\", \"online\": true}, \"score\": 0.5},"
         "{\"row\": {\"amount_minor\": 1, \"country\": \"FR\", \"online\": true, \"age_days\": 0}, \"score\": 0.5}]}",
         "fake_script: rows[1].row: expected another row than that of rows[0]"},
    };
    size_t i;
    for (i = 0; i < sizeof kWrong / sizeof *kWrong; ++i) {
        wb_model *model = NULL;
        CHECK_STATUS(WB_INVALID_ARGUMENT, load(&model, engine, argv, kWrong[i].script));
        if (!strstr(E->message, kWrong[i].message)) fprintf(stderr, "%s: %s\n", kWrong[i].script, E->message);
        CHECK(strstr(E->message, kWrong[i].message) != NULL && !model);
    }
}

static void scores(wb_engine *engine, char **argv) {
    wb_model *model = loaded(engine, argv, NULL), *again = loaded(engine, argv, "{\"score\": \"hash\"}");
    wb_result result = WB_RESULT_INIT;
    CHECK(score(model, kRow) == score(again, kRow) && score(model, kRow) == score(model, kRow));
    CHECK(score(model, kRow) != score(model, kOther) && score(model, kRow) >= 0 && score(model, kRow) < 1);
    wb_model_free(model);
    wb_model_free(again);

    model = loaded(engine, argv, "{\"score\": 0.75}");
    CHECK_STATUS(WB_OK, score_with(&result, model, kRow, WB_NO_DEADLINE, NULL));
    CHECK(result.score == 0.75 && result.probability == 0.75 && result.band == 1 && result.defaulted == 1);
    wb_model_free(model);

    model = loaded(engine, argv, "{\"score\": [0, 0.5, 1]}");
    CHECK(score(model, kRow) == 0 && score(model, kRow) == 0.5 && score(model, kOther) == 1 && score(model, kRow) == 0);
    wb_model_free(model);

    model = loaded(engine, argv,
                   "{\"score\": 0.25, \"rows\": ["
                   "{\"row\": {\"amount_minor\": 1251, \"country\": \"FR\", \"online\": true}, \"score\": 0.9375}]}");
    CHECK(score(model, kRow) == 0.25 && score(model, kOther) == 0.9375);
    /* Encoded alike is the same row. */
    CHECK(score(model, "{\"online\": 1, \"age_days\": 0, \"country\": \"FR\", \"amount_minor\": 1251}") == 0.9375);
    wb_model_free(model);
}

/* A row is refused as for any engine. */
static void rows_are_checked(wb_engine *engine, char **argv) {
    wb_model *model = loaded(engine, argv, NULL);
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_INVALID_INPUT, score_with(&result, model, "{\"country\": \"FR\"}", WB_NO_DEADLINE, NULL));
    CHECK(E->feature == 0);
    CHECK_STATUS(WB_INVALID_INPUT,
                 score_with(&result, model, "{\"amount_minor\": -1, \"country\": \"FR\", \"online\": true}",
                            WB_NO_DEADLINE, NULL));
    wb_model_free(model);
}

static void script_failure(char *script, size_t size, const char *status) {
    snprintf(script, size, "{\"score\": 0.5, \"failures\": [{\"status\": \"%s\", \"message\": \"as told\"}]}", status);
}

/* Every error, through every way of scoring: where the caller declines fallbacks, it is what the caller gets. */
static void every_status(wb_engine *engine, char **argv) {
    int32_t code, names = 0;
    for (code = -1; strcmp(wb_status_name(code), "WB_UNKNOWN") != 0; --code, ++names) {
        const int falls_back = code == WB_BACKEND_FAILED || code == WB_INTERNAL || code == WB_OUT_OF_MEMORY ||
                               code == WB_OVERLOADED || code == WB_DEADLINE_EXCEEDED;
        const int32_t reason = code == WB_OVERLOADED          ? WB_REASON_OVERLOAD
                               : code == WB_DEADLINE_EXCEEDED ? WB_REASON_DEADLINE
                                                              : WB_REASON_BACKEND;
        char script[256];
        wb_result result = WB_RESULT_INIT;
        wb_call *call = strict_call();
        wb_model *model = NULL;
        script_failure(script, sizeof script, wb_status_name(code));
        model = loaded(engine, argv, script);
        CHECK_STATUS(code, score_with(&result, model, kRow, WB_NO_DEADLINE, call));
        CHECK(strcmp(E->message, "as told") == 0);
        CHECK_STATUS(falls_back ? WB_OK_FALLBACK : code, score_with(&result, model, kRow, WB_NO_DEADLINE, NULL));
        if (falls_back) CHECK(result.score == 0.75 && result.reason == reason && result.backend == WB_BACKEND_NONE);
        wb_model_free(model);
        wb_call_free(call);

        snprintf(script, sizeof script, "{\"load\": {\"status\": \"%s\", \"message\": \"as told\"}}",
                 wb_status_name(code));
        CHECK_STATUS(code, load(&model, engine, argv, script));
        CHECK(strcmp(E->message, "as told") == 0 && !model);
    }
    CHECK(names == 22); /* c/base.h */
}

static void periodic_failures(wb_engine *engine, char **argv) {
    wb_model *model =
        loaded(engine, argv,
               "{\"score\": 0.5, \"failures\": [{\"status\": \"WB_OVERLOADED\", \"every\": 3, \"times\": 2},"
               "{\"status\": \"WB_BACKEND_FAILED\", \"every\": 4}]}");
    static const int32_t kExpected[] = {WB_OK, WB_OK,         WB_OVERLOADED, WB_BACKEND_FAILED,
                                        WB_OK, WB_OVERLOADED, WB_OK,         WB_BACKEND_FAILED,
                                        WB_OK, WB_OK,         WB_OK,         WB_BACKEND_FAILED};
    wb_call *call = strict_call();
    wb_result result = WB_RESULT_INIT;
    size_t i;
    for (i = 0; i < sizeof kExpected / sizeof *kExpected; ++i)
        CHECK_STATUS(kExpected[i], score_with(&result, model, kRow, WB_NO_DEADLINE, call));
    wb_model_free(model);

    model =
        loaded(engine, argv,
               "{\"score\": 0.5, \"rows\": [{\"row\": {\"amount_minor\": 1251, \"country\": \"FR\", \"online\": true},"
               "\"status\": \"WB_BACKEND_FAILED\"}]}");
    CHECK_STATUS(WB_OK, score_with(&result, model, kRow, WB_NO_DEADLINE, call));
    CHECK_STATUS(WB_BACKEND_FAILED, score_with(&result, model, kOther, WB_NO_DEADLINE, call));
    CHECK_STATUS(WB_OK_FALLBACK, score_with(&result, model, kOther, WB_NO_DEADLINE, NULL));
    wb_model_free(model);
    wb_call_free(call);
}

enum { THREADS = 4, CALLS = 250 };

static void *count_failures(void *model) {
    wb_result result = WB_RESULT_INIT;
    wb_error err = WB_ERROR_INIT;
    wb_schema *schema = NULL;
    uint64_t row[64];
    wb_call *call = NULL;
    size_t failures = 0;
    int i;
    if (wb_call_create(&call, &err) < 0 || wb_call_set_fallback(call, 0, &err) < 0 ||
        wb_model_schema(&schema, model, &err) < 0 || wb_row_init(schema, row, sizeof row, &err) < 0 ||
        wb_row_set_json(schema, row, kRow, sizeof kRow - 1, &err) < 0)
        return (void *)-1;
    for (i = 0; i < CALLS; ++i)
        failures += wb_model_score(&result, model, row, WB_NO_DEADLINE, call, &err) == WB_BACKEND_FAILED;
    wb_schema_free(schema);
    wb_call_free(call);
    return (void *)failures;
}

/* Runs are counted over all threads. */
static void threads(wb_engine *engine, char **argv) {
    wb_model *model = loaded(engine, argv, "{\"failures\": [{\"status\": \"WB_BACKEND_FAILED\", \"every\": 4}]}");
    pthread_t started[THREADS];
    size_t failures = 0;
    int i;
    for (i = 0; i < THREADS; ++i) CHECK(pthread_create(&started[i], NULL, count_failures, model) == 0);
    for (i = 0; i < THREADS; ++i) {
        void *counted = NULL;
        CHECK(pthread_join(started[i], &counted) == 0);
        failures += (size_t)counted;
    }
    CHECK(failures == THREADS * CALLS / 4);
    wb_model_free(model);
}

/* A run takes as long as its script says, unless the deadline or a token ends it. No bound from above is tight. */
static void latencies(wb_engine *engine, char **argv) {
    wb_model *model = loaded(engine, argv, "{\"score\": 0.5, \"latency_us\": [2000, 0]}");
    wb_result result = WB_RESULT_INIT;
    wb_call *call = strict_call();
    wb_cancel *cancel = NULL;
    int64_t begun = wb_now_ns();
    CHECK(score(model, kRow) == 0.5);
    CHECK(wb_now_ns() - begun >= 2000000);
    CHECK(score(model, kRow) == 0.5);
    wb_model_free(model);

    model = loaded(engine, argv, "{\"score\": 0.5, \"latency_us\": 3600000000}");
    begun = wb_now_ns();
    CHECK_STATUS(WB_OK_FALLBACK, score_with(&result, model, kRow, begun + 2000000, NULL));
    CHECK(result.reason == WB_REASON_DEADLINE && wb_now_ns() - begun >= 2000000);
    CHECK_STATUS(WB_DEADLINE_EXCEEDED, score_with(&result, model, kRow, wb_now_ns() + 1000000, call));
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_call_set_cancel(call, cancel, E));
    CHECK_STATUS(WB_OK, wb_cancel_set(cancel, 1, E));
    CHECK_STATUS(WB_CANCELLED, score_with(&result, model, kRow, WB_NO_DEADLINE, call));
    wb_model_free(model);
    wb_call_free(call);
    wb_cancel_free(cancel);
}

/* A load that takes an hour ends at its deadline, in whatever step it is then. */
static void load_latency(wb_engine *engine, char **argv) {
    wb_load_options *options = scripted("{\"load\": {\"latency_us\": 3600000000}}");
    wb_source *draft = draft_of(argv, "mlp");
    wb_model *model = NULL;
    CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, wb_now_ns() + 2000000, E));
    CHECK_STATUS(WB_DEADLINE_EXCEEDED, wb_model_load_source(&model, engine, draft, options, E));
    wb_load_options_free(options);
    wb_source_free(draft);
}

static int32_t put(wb_slot *slot, char **argv, const char *bundle, const char *script) {
    wb_load_options *options = scripted(script);
    wb_source *draft = draft_of(argv, bundle);
    int32_t status = wb_slot_load_source(slot, draft, options, E);
    wb_source_free(draft);
    wb_load_options_free(options);
    return status;
}

static double slot_score(wb_slot *slot, void *row) {
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    return result.score;
}

/* Swaps, rollbacks and refused swaps, with a script for each; also between the fake and a bundle that computes. */
static void swaps(wb_engine *engine, char **argv) {
    uint64_t row[64];
    wb_schema *schema = NULL;
    wb_slot *slot = NULL;
    wb_slot_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, put(slot, argv, "mlp", "{\"score\": 0.25}"));
    CHECK(slot_score(slot, row) == 0.25);
    CHECK_STATUS(WB_OK, put(slot, argv, "mlp-v2", "{\"score\": 0.5}"));
    CHECK(slot_score(slot, row) == 0.5);
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    CHECK(slot_score(slot, row) == 0.25);
    CHECK_STATUS(WB_SCHEMA_CHANGED, put(slot, argv, "mlp-renamed", "{\"score\": 0.75}"));
    CHECK_STATUS(WB_VERIFY_FAILED, put(slot, argv, "mlp-v2", "{\"load\": {\"status\": \"WB_VERIFY_FAILED\"}}"));
    CHECK(slot_score(slot, row) == 0.25);
    CHECK_STATUS(WB_OK, put(slot, argv, "mlp-extra", "{\"score\": 0.125}"));
    CHECK(slot_score(slot, row) == 0.125); /* a row from before the feature was added */
    CHECK_STATUS(WB_OK, wb_slot_describe(&info, slot, E));
    CHECK(info.requests == 1 && info.rows == 1);
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-extra"), NULL, E));
    CHECK_NEAR(fixture_score(1250, 0, 1, 1, 0), slot_score(slot, row));
    wb_schema_free(schema);
    wb_slot_free(slot);
}

/* A batch: each row has its own outcome, and what ends a call ends the batch. */
static void batches(wb_engine *engine, char **argv) {
    enum { ROWS = 4 };
    static const char *const kScripts[] = {"WB_BACKEND_FAILED", "WB_CLOSED"};
    static uint64_t rows[ROWS][64];
    double got[ROWS];
    int32_t codes[ROWS], i;
    wb_call *call = strict_call();
    for (i = 0; i < 2; ++i) {
        char script[256];
        wb_model *model = NULL;
        wb_schema *schema = NULL;
        wb_batch *batch = NULL;
        wb_batch_result result = WB_BATCH_RESULT_INIT;
        int k;
        snprintf(script, sizeof script,
                 "{\"score\": [0.25, 0.5, 0.75], \"failures\": [{\"status\": \"%s\", \"every\": 3, \"times\": 1}]}",
                 kScripts[i]);
        model = loaded(engine, argv, script);
        CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
        for (k = 0; k < ROWS; ++k) fill(schema, rows[k], k % 2 ? kOther : kRow);
        CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
        CHECK_STATUS(WB_OK, wb_batch_reset(batch, ROWS, E));
        CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows, sizeof rows[0], E));
        CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, got, sizeof got[0], E));
        CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, codes, sizeof codes[0], E));
        CHECK_STATUS(i ? WB_CLOSED : WB_OK_PARTIAL,
                     wb_model_score_batch(&result, model, batch, WB_NO_DEADLINE, call, E));
        CHECK(got[0] == 0.25 && got[1] == 0.5 && isnan(got[2]));
        CHECK(codes[2] == (i ? WB_CLOSED : WB_BACKEND_FAILED) && codes[3] == (i ? WB_CLOSED : WB_OK));
        if (!i) CHECK(got[3] == 0.75 && result.scored == 3 && result.failed == 1 && result.backend == WB_BACKEND_FAKE);
        wb_batch_free(batch);
        wb_schema_free(schema);
        wb_model_free(model);
    }
    wb_call_free(call);
}

static wb_completion next(wb_queue *queue) {
    wb_completion completion;
    size_t count = 0;
    CHECK_STATUS(WB_OK, wb_queue_next(&completion, sizeof completion, 1, &count, queue, WB_NO_DEADLINE, E));
    CHECK(count == 1);
    return completion;
}

/* Submits complete with what the script says: an answer, a failure, or the deadline during an hour's latency. */
static void queues(wb_engine *engine, char **argv) {
    wb_model *model = loaded(engine, argv,
                             "{\"score\": 0.5, \"latency_us\": [0, 0, 3600000000], \"failures\": ["
                             "{\"status\": \"WB_BACKEND_FAILED\", \"every\": 2, \"message\": \"as told\"}]}");
    uint64_t row[64];
    wb_schema *schema = NULL;
    wb_queue *queue = NULL;
    wb_call *call = strict_call();
    wb_completion done;
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_queue_create(&queue, engine, 4, E));
    CHECK_STATUS(WB_OK, wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, call, E));
    done = next(queue);
    CHECK(done.tag == 1 && done.status == WB_OK && done.result.score == 0.5);
    CHECK_STATUS(WB_OK, wb_model_submit(queue, 2, model, row, WB_NO_DEADLINE, call, E));
    done = next(queue);
    CHECK(done.tag == 2 && done.status == WB_BACKEND_FAILED && strcmp(done.error.message, "as told") == 0);
    CHECK_STATUS(WB_OK, wb_model_submit(queue, 3, model, row, wb_now_ns() + 2000000, NULL, E));
    done = next(queue);
    CHECK(done.tag == 3 && done.status == WB_OK_FALLBACK && done.result.reason == WB_REASON_DEADLINE);
    wb_queue_free(queue);
    wb_call_free(call);
    wb_schema_free(schema);
    wb_model_free(model);
}

/* A fallback slot answers for what the script fails; figures and events are the real ones. */
static void fallback_slot(char **argv) {
    wb_engine *engine = make_engine("cpu=1", 8);
    uint64_t row[64];
    wb_schema *schema = NULL;
    wb_slot *slot = NULL, *spare = NULL;
    wb_result result = WB_RESULT_INIT;
    wb_snapshot snapshot = {0};
    wb_event events[32];
    size_t count = 0, i, warned = 0, refused = 0;
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&spare, engine, "spare", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, put(spare, argv, "mlp", "{\"score\": 0.125}"));
    CHECK_STATUS(WB_OK, put(slot, argv, "mlp-fallback-slot", "{\"failures\": [{\"status\": \"WB_BACKEND_FAILED\"}]}"));
    CHECK_STATUS(WB_OK_FALLBACK, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    CHECK(result.score == 0.125 && result.reason == WB_REASON_BACKEND && result.backend == WB_BACKEND_FAKE);
    CHECK_STATUS(WB_IO_ERROR, put(slot, argv, "mlp", "{\"load\": {\"status\": \"WB_IO_ERROR\"}}"));
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    CHECK(snapshot.requests == 1 && snapshot.fallbacks == 1);
    CHECK_STATUS(WB_OK, wb_engine_events(events, sizeof events[0], 32, &count, NULL, engine, E));
    for (i = 0; i < count; ++i) {
        warned += events[i].event == WB_LOG_WARNING && strstr(events[i].message, "engine fake") != NULL;
        refused += events[i].event == WB_LOG_REFUSED;
    }
    CHECK(warned == 2 && refused == 1);
    wb_slot_free(slot);
    wb_slot_free(spare);
    wb_schema_free(schema);
    wb_engine_free(engine);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=2", 8);
    CHECK(argc == 2);
    only_by_name(engine, argv);
    scripts_are_strict(engine, argv);
    scores(engine, argv);
    rows_are_checked(engine, argv);
    every_status(engine, argv);
    periodic_failures(engine, argv);
    threads(engine, argv);
    latencies(engine, argv);
    load_latency(engine, argv);
    swaps(engine, argv);
    batches(engine, argv);
    queues(engine, argv);
    fallback_slot(argv);
    wb_engine_free(engine);
    return 0;
}
