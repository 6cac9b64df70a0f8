/* SPDX-License-Identifier: Apache-2.0 */
/* Loads that are cancelled or out of time: they say at which step, change nothing, and can be made again. */
#include <pthread.h>
#include <stdatomic.h>

#include "support/files.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": true}";
static wb_engine *engine;
static wb_slot *slot;
static wb_load_options *options;
static char path[4096], large[4096]; /* of the bundle that serves, and of one whose load takes its time */

/* The slot serves what it served, and no model is left over. */
static void nothing_changed(void) {
    uint64_t row[64];
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_result result = WB_RESULT_INIT;
    wb_snapshot snapshot = {0};
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_slot_model(&model, slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(1250, 0, 1, 1, 1.0), result.score);
    CHECK(strcmp(result.version, "2.0.0") == 0);
    wb_schema_free(schema);
    wb_model_free(model);
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    CHECK(snapshot.models == 1 && snapshot.waiting == 0);
}

/* Every call that loads, of a directory and of memory. */
enum { kCalls = 7 };
static int32_t call(int which, wb_source *source) {
    wb_model *model = NULL;
    wb_text *text = NULL;
    int32_t status = WB_INTERNAL;
    switch (which) {
        case 0:
            status = wb_model_load(&model, engine, large, options, E);
            break;
        case 1:
            status = wb_model_load_source(&model, engine, source, options, E);
            break;
        case 2:
            status = wb_slot_load(slot, large, options, E);
            break;
        case 3:
            status = wb_slot_load_source(slot, source, options, E);
            break;
        case 4:
            status = wb_bundle_verify(&text, engine, large, options, E);
            break;
        case 5:
            status = wb_bundle_verify_source(&text, engine, source, options, E);
            break;
        case 6:
            status = wb_bundle_compile(&text, engine, large, NULL, 0, options, E);
            break;
    }
    CHECK(status < 0 && model == NULL && text == NULL);
    return status;
}

static void before_they_begin(wb_source *source) {
    static const int64_t past[] = {1, 0, -1};
    wb_cancel *cancel = NULL;
    int i;
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_cancel_set(cancel, 1, E));
    for (i = 0; i < kCalls; ++i) {
        size_t k;
        for (k = 0; k < sizeof past / sizeof *past; ++k) {
            CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, past[k], E));
            CHECK_STATUS(WB_DEADLINE_EXCEEDED, call(i, source));
            CHECK(strstr(E->message, "the deadline passed while ") != NULL);
        }
        CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, wb_now_ns() + 1, E));
        CHECK_STATUS(WB_DEADLINE_EXCEEDED, call(i, source));
        CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, WB_NO_DEADLINE, E));
        CHECK_STATUS(WB_OK, wb_load_options_set_cancel(options, cancel, E));
        CHECK_STATUS(WB_CANCELLED, call(i, source));
        CHECK(strstr(E->message, "cancelled while ") != NULL);
        CHECK_STATUS(WB_OK, wb_load_options_set_cancel(options, NULL, E));
        nothing_changed();
    }
    wb_cancel_free(cancel);
}

/* Ever later deadlines, until one is kept: each load before it ends at some step and leaves all as it was. */
static void at_every_step(void) {
    int64_t budget_ns;
    int32_t status = WB_DEADLINE_EXCEEDED;
    wb_model *model = NULL;
    for (budget_ns = 1000; status == WB_DEADLINE_EXCEEDED; budget_ns += 1 + budget_ns / 4) {
        CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, wb_now_ns() + budget_ns, E));
        status = wb_model_load(&model, engine, large, options, E);
        CHECK((status == WB_OK) == (model != NULL));
        if (status == WB_DEADLINE_EXCEEDED) CHECK(strstr(E->message, "the deadline passed while ") != NULL);
        wb_model_free(model);
        CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
        nothing_changed();
    }
    CHECK_STATUS(WB_OK, status);
    CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, WB_NO_DEADLINE, E));
}

static wb_cancel *token;
static atomic_int begun;

static void *cancel_soon(void *unused) {
    while (!atomic_load(&begun)) {
    }
    CHECK(wb_cancel_set(token, 1, NULL) == WB_OK);
    return unused;
}

/* A token that another thread sets while loads go on and on. */
static void from_another_thread(void) {
    int round;
    CHECK_STATUS(WB_OK, wb_cancel_create(&token, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_cancel(options, token, E));
    for (round = 0; round < 10; ++round) {
        pthread_t thread;
        int32_t status = WB_OK;
        CHECK_STATUS(WB_OK, wb_cancel_set(token, 0, E));
        atomic_store(&begun, 0);
        CHECK(pthread_create(&thread, NULL, cancel_soon, NULL) == 0);
        while (status == WB_OK) {
            wb_model *model = NULL;
            atomic_store(&begun, 1);
            status = wb_model_load(&model, engine, large, options, E);
            CHECK((status == WB_OK) == (model != NULL));
            wb_model_free(model);
        }
        CHECK_STATUS(WB_CANCELLED, status);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
        nothing_changed();
    }
    wb_cancel_free(token); /* the options keep it */
    CHECK_STATUS(WB_CANCELLED, wb_slot_load(slot, path, options, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_cancel(options, NULL, E));
}

static void wrong_use(void) {
    CHECK_STATUS(WB_INVALID_HANDLE, wb_load_options_set_deadline(NULL, 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_load_options_set_cancel(NULL, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_load_options_set_cancel(options, token, E)); /* freed */
    CHECK_STATUS(WB_INVALID_HANDLE, wb_load_options_set_cancel(options, (wb_cancel *)engine, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_deadline(options, WB_DEFAULT_DEADLINE, E)); /* none, by this engine */
    CHECK_STATUS(WB_OK, wb_slot_load(slot, path, options, E));
}

int main(int argc, char **argv) {
    wb_source *source;
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/mlp-v2", argv[1]);
    snprintf(large, sizeof large, "%s/mlp-long-golden", argv[1]);
    source = source_of(argv, "mlp");
    engine = make_engine("cpu=2", 8);
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, path, options, E));
    before_they_begin(source);
    at_every_step();
    from_another_thread();
    wrong_use();
    wb_source_free(source);
    wb_slot_free(slot);
    wb_load_options_free(options);
    wb_engine_free(engine);
    return 0;
}
