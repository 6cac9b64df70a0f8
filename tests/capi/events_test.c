/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what they say, the ring's overflow, the callback's last call, who calls it, and threads and forks meanwhile.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
enum { kRoom = 64, kCapacity = 16 };

static wb_event list[kRoom];
static pthread_t main_thread;
static atomic_int calls, last, strangers;

static void on_log(int32_t event, const char *message, void *payload) {
    CHECK(message != NULL && payload == &calls);
    atomic_fetch_add(&calls, 1);
    atomic_store(&last, event);
    if (!pthread_equal(pthread_self(), main_thread)) atomic_fetch_add(&strangers, 1);
}

static wb_engine *engine_with(wb_log_fn fn) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "devices", "cpu=1", E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "event_capacity", "16", E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_log(options, fn, &calls, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    return engine;
}

static size_t drain(wb_engine *engine, uint64_t *dropped) {
    size_t count = 99;
    CHECK_STATUS(WB_OK, wb_engine_events(list, sizeof(wb_event), kRoom, &count, dropped, engine, E));
    return count;
}

static void contents(char **argv) {
    wb_engine *engine = engine_with(NULL);
    wb_slot *slot = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    uint64_t row[64], dropped = 99;
    wb_result result = WB_RESULT_INIT;
    const int64_t begun = wb_now_ns();
    size_t count = 0;
    CHECK(drain(engine, &dropped) == 0 && dropped == 0);
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_IO_ERROR, wb_slot_load(slot, fixture(argv, "no-such-bundle"), NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_model(&model, slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK_FALLBACK, wb_slot_score(&result, slot, row, wb_now_ns() - 1, NULL, E));
    CHECK(drain(engine, NULL) == 4 && drain(engine, NULL) == 0);

    CHECK(list[0].event == WB_LOG_LOADED && list[0].level == WB_LEVEL_INFO && list[0].count == 1);
    CHECK(strcmp(list[0].slot, "") == 0 && strcmp(list[0].version, "1.0.0") == 0);
    CHECK(list[0].struct_size == sizeof(wb_event) && list[0].reserved == 0);
    CHECK(list[0].time_ns >= begun && list[0].time_ns <= list[3].time_ns && list[3].time_ns <= wb_now_ns());
    CHECK(list[1].event == WB_LOG_SWAPPED && strcmp(list[1].slot, "champion") == 0);
    CHECK(strstr(list[1].message, "slot 'champion' serves model 'fixture' 1.0.0") == list[1].message);
    CHECK(list[2].event == WB_LOG_REFUSED && list[2].level == WB_LEVEL_ERROR);
    CHECK(strstr(list[2].message, "no-such-bundle") != NULL);
    CHECK(strstr(list[2].message, "was refused for slot 'champion': ") != NULL);
    CHECK(strcmp(list[2].slot, "champion") == 0 && strcmp(list[2].version, "") == 0);
    CHECK(list[3].event == WB_LOG_FALLBACK && list[3].level == WB_LEVEL_WARNING && list[3].count == 1);
    CHECK(strcmp(list[3].slot, "champion") == 0 && strcmp(list[3].version, "1.0.0") == 0);

    /* wrong use */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_events(list, sizeof(wb_event), kRoom, NULL, NULL, engine, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_events(NULL, sizeof(wb_event), 1, &count, NULL, engine, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_events(list, WB_EVENT_SIZE_V1 - 8, 1, &count, NULL, engine, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_events(list, WB_EVENT_SIZE_V1 + 1, 1, &count, NULL, engine, E));
    CHECK(strstr(E->message, "stride: expected a multiple of 8 in [512, 4096], got 513") != NULL);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_events(list, sizeof(wb_event), 1, &count, NULL, NULL, E));
    CHECK_STATUS(WB_OK, wb_engine_events(NULL, 0, 0, &count, &dropped, engine, E));

    /* a caller that is newer: the tail of each element is zeroed */
    {
        static uint64_t memory[2][96];
        wb_event *second = (wb_event *)memory[1];
        memset(memory, 0xa5, sizeof memory);
        CHECK_STATUS(WB_IO_ERROR, wb_slot_load(slot, fixture(argv, "no-such-bundle"), NULL, E));
        CHECK_STATUS(WB_IO_ERROR, wb_slot_load(slot, fixture(argv, "no-such-bundle"), NULL, E));
        CHECK_STATUS(WB_OK, wb_engine_events((wb_event *)memory, sizeof memory[0], 2, &count, NULL, engine, E));
        CHECK(count == 2 && second->event == WB_LOG_REFUSED && second->struct_size == sizeof memory[0]);
        CHECK(memory[1][64] == 0 && memory[1][95] == 0);
    }
    wb_schema_free(schema);
    wb_model_free(model);
    wb_slot_free(slot);
    wb_engine_free(engine);
}

static void overflow(void) {
    wb_engine *engine = engine_with(NULL);
    wb_model *model = NULL;
    uint64_t dropped = 0;
    int i;
    for (i = 0; i < kCapacity + 5; ++i) {
        char path[32];
        snprintf(path, sizeof path, "/no/such-%d", i);
        CHECK_STATUS(WB_IO_ERROR, wb_model_load(&model, engine, path, NULL, E));
    }
    CHECK(drain(engine, &dropped) == kCapacity && dropped == 5);
    CHECK(strstr(list[0].message, "such-5'") != NULL && strstr(list[kCapacity - 1].message, "such-20'") != NULL);
    CHECK(drain(engine, &dropped) == 0 && dropped == 0);
    wb_engine_free(engine);
}

/* The callback: not by scoring, not by freeing; its last call. */
static void callback(char **argv) {
    wb_engine *engine = engine_with(on_log);
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    int before;
    atomic_store(&calls, 0);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK(atomic_load(&calls) == 1 && atomic_load(&last) == WB_LOG_LOADED);
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score(&result, model, row, wb_now_ns() - 1, NULL, E));
    CHECK(atomic_load(&calls) == 1);
    CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
    CHECK(atomic_load(&calls) == 2 && atomic_load(&last) == WB_LOG_FALLBACK);
    wb_model_free(model);
    CHECK(atomic_load(&calls) == 2);
    CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
    CHECK(atomic_load(&calls) == 3 && atomic_load(&last) == WB_LOG_UNLOADED);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    CHECK(atomic_load(&last) == WB_LOG_CLOSED);
    before = atomic_load(&calls);
    wb_model_free(model);
    CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E));
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    wb_engine_free(engine);
    CHECK(atomic_load(&calls) == before);

    /* freed without a close: not called by that, nor by what uses the engine's slots later */
    {
        wb_slot *slot = NULL;
        engine = engine_with(on_log);
        CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
        CHECK_STATUS(WB_OK, wb_slot_load(slot, fixture(argv, "mlp"), NULL, E));
        before = atomic_load(&calls);
        wb_engine_free(engine);
        CHECK_STATUS(WB_CLOSED, wb_slot_load(slot, fixture(argv, "mlp"), NULL, E));
        wb_slot_free(slot);
        CHECK(atomic_load(&calls) == before && atomic_load(&last) == WB_LOG_SWAPPED);
    }
    CHECK(atomic_load(&strangers) == 0);
    wb_schema_free(schema);
}

static atomic_int stop, scored, told;
static wb_engine *shared_engine;
static wb_slot *shared_slot;
static wb_schema *shared_schema;

static void *score_on(void *argument) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    (void)argument;
    fill(shared_schema, row, kRow);
    while (!atomic_load(&stop)) {
        const int late = atomic_fetch_add(&scored, 1) % 2;
        const int32_t status = wb_slot_score(&result, shared_slot, row, late ? 0 : WB_NO_DEADLINE, NULL, NULL);
        if (status != (late ? WB_OK_FALLBACK : WB_OK)) return (void *)1;
    }
    return NULL;
}

static void *drain_on(void *argument) {
    wb_event mine[4];
    size_t count = 0;
    (void)argument;
    while (!atomic_load(&stop)) {
        size_t i;
        if (wb_engine_events(mine, sizeof mine[0], 4, &count, NULL, shared_engine, NULL) != WB_OK) return (void *)1;
        for (i = 0; i < count; ++i) {
            if (mine[i].event < WB_LOG_LOADED || mine[i].event > WB_LOG_CLOSED || !mine[i].message[0]) return (void *)1;
            atomic_fetch_add(&told, 1);
        }
    }
    return NULL;
}

/* Threads score and drain while the slot is swapped; children drain what is their own. */
static void threads(char **argv) {
    pthread_t scorers[2], drainer;
    void *ended = NULL;
    int i, swaps = 0;
    wb_model *model = NULL;
    shared_engine = engine_with(on_log);
    CHECK_STATUS(WB_OK, wb_slot_open(&shared_slot, shared_engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(shared_slot, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_model(&model, shared_slot, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&shared_schema, model, E));
    wb_model_free(model);
    for (i = 0; i < 2; ++i) CHECK(pthread_create(&scorers[i], NULL, score_on, NULL) == 0);
    CHECK(pthread_create(&drainer, NULL, drain_on, NULL) == 0);
    for (; swaps < 20 || atomic_load(&scored) < 2000 || atomic_load(&told) < 30; ++swaps)
        CHECK_STATUS(WB_OK, wb_slot_load(shared_slot, fixture(argv, swaps % 2 ? "mlp" : "mlp-v2"), NULL, E));
    for (i = 0; i < 10; ++i) {
        pid_t child = fork();
        int status = 0;
        CHECK(child >= 0);
        if (child == 0) {
            size_t count = 0, at = 0;
            uint64_t dropped = 9;
            wb_model *none = NULL;
            alarm(60);
            /* what was counted and not told yet may be told here too; nothing else is there */
            if (wb_engine_events(list, sizeof(wb_event), kRoom, &count, &dropped, shared_engine, NULL) != WB_OK)
                _exit(2);
            if (dropped != 0 || count > 2 || (count > 0 && list[0].event != WB_LOG_FALLBACK)) _exit(3);
            if (wb_model_load(&none, shared_engine, "/no/such", NULL, NULL) != WB_IO_ERROR) _exit(4);
            if (wb_engine_events(list, sizeof(wb_event), kRoom, &count, &dropped, shared_engine, NULL) != WB_OK)
                _exit(5);
            while (at < count && list[at].event != WB_LOG_REFUSED) ++at; /* behind models that the load freed */
            if (at == count || dropped != 0) _exit(6);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, 1);
    for (i = 0; i < 2; ++i) CHECK(pthread_join(scorers[i], &ended) == 0 && ended == NULL);
    CHECK(pthread_join(drainer, &ended) == 0 && ended == NULL);
    CHECK(atomic_load(&strangers) == 0);
    wb_engine_free(shared_engine);
    wb_slot_free(shared_slot);
    wb_schema_free(shared_schema);
}

static _Atomic(wb_engine *) passing;

static void *drain_what_is_freed(void *argument) {
    wb_event mine[4];
    size_t count = 0;
    (void)argument;
    while (!atomic_load(&stop)) {
        const int32_t status = wb_engine_events(mine, sizeof mine[0], 4, &count, NULL, atomic_load(&passing), NULL);
        if (status != WB_OK && status != WB_INVALID_HANDLE) return (void *)1;
        if (status == WB_OK) atomic_fetch_add(&told, (int)count);
    }
    return NULL;
}

/* Engines are freed, closed or not, while a thread drains them. */
static void freed(void) {
    pthread_t drainer;
    void *ended = NULL;
    int i;
    atomic_store(&stop, 0);
    atomic_store(&told, 0);
    CHECK(pthread_create(&drainer, NULL, drain_what_is_freed, NULL) == 0);
    for (i = 0; i < 200 || atomic_load(&told) == 0; ++i) {
        wb_model *none = NULL;
        wb_engine *engine = engine_with(on_log);
        atomic_store(&passing, engine);
        CHECK_STATUS(WB_IO_ERROR, wb_model_load(&none, engine, "/no/such", NULL, E));
        if (i % 2) CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
        wb_engine_free(engine);
    }
    atomic_store(&stop, 1);
    CHECK(pthread_join(drainer, &ended) == 0 && ended == NULL);
    CHECK(atomic_load(&strangers) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    main_thread = pthread_self();
    contents(argv);
    overflow();
    callback(argv);
    threads(argv);
    freed();
    return 0;
}
