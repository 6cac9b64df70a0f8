/* SPDX-License-Identifier: Apache-2.0 */
/* Slots by name, their list, what they say of themselves, and live handles. */
#define _POSIX_C_SOURCE 200809L
#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";

static wb_slot_info describe(wb_slot *slot) {
    wb_slot_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_slot_describe(&info, slot, E));
    return info;
}

static wb_snapshot snapshot_of(wb_engine *engine) {
    wb_snapshot snapshot = {0};
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    return snapshot;
}

/* A copy of the text, in the place of the last one. */
static char *metrics_of(wb_engine *engine, char *last) {
    wb_text *text = NULL;
    char *copy;
    CHECK_STATUS(WB_OK, wb_engine_metrics(&text, engine, E));
    free(last);
    copy = strdup(wb_text_data(text));
    wb_text_free(text);
    return copy;
}

/* Whether the metrics have this figure of a bundle in the slot "champion". */
static int has_version(const char *text, const char *figure, const char *version, uint64_t bundle, int value) {
    char line[256];
    snprintf(line, sizeof line, "weighbridge_slot_version_%s{slot=\"champion\",version=\"%s\",bundle=\"%016llx\"} %d\n",
             figure, version, (unsigned long long)bundle, value);
    return strstr(text, line) != NULL;
}

static void names(wb_engine *engine) {
    static const char *const kNames[] = {"champion", "challenger", "canary"};
    wb_slot *slot = (wb_slot *)&slot;
    wb_slot_info list[4];
    size_t count = 9, i;
    CHECK_STATUS(WB_OK, wb_engine_slots(NULL, 0, 0, &count, engine, E));
    CHECK(count == 0);
    CHECK_STATUS(WB_NOT_FOUND, wb_slot_open(&slot, engine, "champion", WB_SLOT_EXISTING, E));
    CHECK(slot == NULL && strcmp(E->message, "slot 'champion': the engine has no slots") == 0);
    for (i = 0; i < 3; ++i) {
        CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, kNames[i], WB_SLOT_CREATE, E));
        wb_slot_free(slot);
    }
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_EXISTING, E));
    wb_slot_free(slot);
    CHECK_STATUS(WB_NOT_FOUND, wb_slot_open(&slot, engine, "chmpion", WB_SLOT_EXISTING, E));
    CHECK(strstr(E->message, "slot 'chmpion': expected one of the 3 slots; near: 'champion', ") == E->message);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_open(&slot, engine, "a b\n", WB_SLOT_EXISTING, E));
    CHECK(strcmp(E->message, "slot name: expected 1 to 63 bytes of [A-Za-z0-9_.-], got 'a b?', 4 bytes") == 0);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_slot_open(&slot, engine, "champion", 2, E));

    CHECK_STATUS(WB_BUFFER_TOO_SMALL, wb_engine_slots(list, sizeof list[0], 2, &count, engine, E));
    CHECK(count == 3);
    CHECK_STATUS(WB_OK, wb_engine_slots(list, sizeof list[0], 4, &count, engine, E));
    CHECK(count == 3);
    for (i = 0; i < 3; ++i) {
        CHECK(strcmp(list[i].name, kNames[i]) == 0 && list[i].struct_size == sizeof list[i]);
        CHECK(list[i].version[0] == 0 && list[i].bundle == 0 && list[i].since_ns == 0 && list[i].generation == 0);
    }
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_slots(list, sizeof list[0], 4, NULL, engine, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_slots(NULL, sizeof list[0], 4, &count, engine, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_slots(list, WB_SLOT_INFO_SIZE_V1 - 8, 4, &count, engine, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_slots(list, sizeof list[0], 4, &count, (wb_engine *)slot, E));
}

static void score(wb_slot *slot, void *row, int times, int64_t deadline_ns) {
    wb_result result = WB_RESULT_INIT;
    for (; times > 0; --times) CHECK(wb_slot_score(&result, slot, row, deadline_ns, NULL, E) >= 0);
}

static void figures(wb_engine *engine, char **argv) {
    uint64_t row[64];
    wb_slot *slot = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_slot_info first, info;
    wb_snapshot all;
    wb_result result = WB_RESULT_INIT;
    char *text = NULL;
    const int64_t begun = wb_now_ns();
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_forget_previous(slot, E)); /* nothing there */
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_model(&model, slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    score(slot, row, 3, WB_NO_DEADLINE);
    score(slot, row, 2, wb_now_ns() - 1);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E)); /* of no slot */
    first = describe(slot);
    CHECK(strcmp(first.name, "champion") == 0 && strcmp(first.version, "1.0.0") == 0);
    CHECK(first.previous_version[0] == 0 && first.previous_bundle == 0);
    CHECK(first.bundle == result.bundle && first.generation == 1);
    CHECK(first.since_ns >= begun && first.since_ns <= wb_now_ns());
    CHECK(first.requests == 5 && first.rows == 3 && first.fallbacks == 2 && first.expired == 2);
    CHECK(first.invalid == 0 && first.failed == 0 && first.overloaded == 0);
    CHECK(first.latency_p50_ns > 0 && first.latency_p50_ns <= first.latency_max_ns);

    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp-v2"), NULL, E));
    score(slot, row, 4, WB_NO_DEADLINE);
    info = describe(slot);
    CHECK(strcmp(info.version, "2.0.0") == 0 && strcmp(info.previous_version, "1.0.0") == 0);
    CHECK(info.previous_bundle == first.bundle && info.bundle != first.bundle && info.bundle != 0);
    CHECK(info.generation == 2 && info.rows == 4 && info.since_ns > first.since_ns);

    /* the version that is rolled back to goes on counting */
    CHECK_STATUS(WB_OK, wb_slot_rollback(slot, E));
    score(slot, row, 1, WB_NO_DEADLINE);
    info = describe(slot);
    CHECK(strcmp(info.version, "1.0.0") == 0 && info.rows == 4 && info.generation == 3);

    text = metrics_of(engine, text);
    CHECK(has_version(text, "rows_total", "1.0.0", info.bundle, 4));
    CHECK(has_version(text, "rows_total", "2.0.0", info.previous_bundle, 4));
    CHECK(has_version(text, "fallback_rows_total", "1.0.0", info.bundle, 2));
    CHECK(strstr(text, "weighbridge_slot_rows_total{slot=\"champion\"} 8\n") != NULL);
    CHECK(strstr(text, "weighbridge_slot_info{slot=\"champion\",version=\"1.0.0\",bundle=\"") != NULL);
    CHECK(strstr(text, "slot=\"canary\"") == NULL);
    CHECK(strstr(text, "weighbridge_rows_total 9\n") != NULL);

    /* forgetting: no rollback, no memory, and its series end, while the slot's go on */
    CHECK(snapshot_of(engine).models == 2);
    CHECK_STATUS(WB_OK, wb_slot_forget_previous(slot, E));
    CHECK(snapshot_of(engine).models == 1);
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_rollback(slot, E));
    info = describe(slot);
    CHECK(info.previous_version[0] == 0 && info.previous_bundle == 0 && info.generation == 3 && info.rows == 4);
    text = metrics_of(engine, text);
    CHECK(strstr(text, "weighbridge_slot_rows_total{slot=\"champion\"} 8\n") != NULL);
    CHECK(strstr(text, "2.0.0") == NULL);
    all = snapshot_of(engine);
    CHECK(all.rows == 9 && all.requests == 11 && all.fallbacks == 2 && all.swaps == 3);
    /* what was once taken on is still kept for its callers */
    CHECK_STATUS(WB_SCHEMA_CHANGED, wb_slot_load(slot, fixture(argv, "mlp-renamed"), NULL, E));

    free(text);
    wb_model_free(model);
    wb_schema_free(schema);
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    CHECK_STATUS(WB_CLOSED, wb_slot_forget_previous(slot, E));
    info = describe(slot);
    CHECK(info.version[0] == 0 && info.bundle == 0 && info.since_ns == 0 && info.generation == 3);
    all = snapshot_of(engine);
    CHECK(all.rows == 9 && all.models == 0);
    wb_slot_free(slot);
}

static void handles(wb_engine *engine, char **argv) {
    const wb_snapshot before = snapshot_of(engine);
    wb_snapshot now;
    wb_schema *schema = NULL;
    wb_call *calls[3] = {0};
    int i;
    CHECK(before.handles[0] == 0 && before.handles[WB_HANDLE_ENGINE] == 1 && before.handles[WB_HANDLE_CALL] == 0);
    CHECK(before.handles[WB_HANDLE_SLOT] == 0 && before.handles[WB_HANDLE_ENGINE_OPTIONS] == 0);
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E));
    for (i = 0; i < 3; ++i) CHECK_STATUS(WB_OK, wb_call_create(&calls[i], E));
    now = snapshot_of(engine);
    CHECK(now.handles[WB_HANDLE_SCHEMA] == 1 && now.handles[WB_HANDLE_CALL] == 3);
    wb_schema_free(schema);
    wb_schema_free(schema); /* a second time changes nothing */
    for (i = 0; i < 3; ++i) wb_call_free(calls[i]);
    now = snapshot_of(engine);
    CHECK(memcmp(now.handles, before.handles, sizeof now.handles) == 0);
}

int main(int argc, char **argv) {
    wb_engine *engine;
    CHECK(argc == 2);
    engine = make_engine("cpu=1", 4);
    handles(engine, argv);
    names(engine);
    figures(engine, argv);
    wb_engine_free(engine);
    return 0;
}
