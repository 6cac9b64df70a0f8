/* SPDX-License-Identifier: Apache-2.0 */
/* A host that loads the library with dlopen() and unloads it again, also with an engine that had threads of its own: no
 * memory, no mapping and no thread stays behind. And one that ends with it loaded: calls from atexit handlers, static
 * destructors, destructors of other libraries and threads that go on are answered.
 * usage: unload_test LIBRARY LATE_CALLER FIXTURES */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weighbridge.h>

#include "support/process.h"

enum { kFirstCycles = 20, kCycles = 1000, kHandles = 200 };

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                               \
        }                                                                           \
    } while (0)

static const char *library_path, *late_caller_path, *fixtures;

/* The library's functions while it is loaded. */
static struct {
    void *handle;
    int32_t (*engine_create)(wb_engine **, wb_engine_options *, wb_error *);
    int32_t (*engine_close)(wb_engine *, int64_t, wb_error *);
    void (*engine_free)(wb_engine *);
    int32_t (*model_load)(wb_model **, wb_engine *, const char *, wb_load_options *, wb_error *);
    void (*model_free)(wb_model *);
    int32_t (*model_schema)(wb_schema **, wb_model *, wb_error *);
    void (*schema_free)(wb_schema *);
    int32_t (*row_init)(wb_schema *, void *, size_t, wb_error *);
    int32_t (*row_set_json)(wb_schema *, void *, const char *, size_t, wb_error *);
    int32_t (*model_score)(wb_result *, wb_model *, void *, int64_t, wb_call *, wb_error *);
    int32_t (*call_create)(wb_call **, wb_error *);
    void (*call_free)(wb_call *);
    int32_t (*queue_create)(wb_queue **, wb_engine *, uint32_t, wb_error *);
    void (*queue_free)(wb_queue *);
    int32_t (*model_submit)(wb_queue *, uint64_t, wb_model *, void *, int64_t, wb_call *, wb_error *);
    int32_t (*queue_next)(wb_completion *, size_t, size_t, size_t *, wb_queue *, int64_t, wb_error *);
} wb;

static wb_engine *engine;
static wb_model *model;
static uint64_t row[64];

static void find(void *to, const char *name) {
    void *found = dlsym(wb.handle, name);
    CHECK(found != NULL);
    memcpy(to, &found, sizeof found);
}

static void load_library(void) {
    wb.handle = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    if (!wb.handle) fprintf(stderr, "%s\n", dlerror());
    CHECK(wb.handle != NULL);
    find(&wb.engine_create, "wb_engine_create");
    find(&wb.engine_close, "wb_engine_close");
    find(&wb.engine_free, "wb_engine_free");
    find(&wb.model_load, "wb_model_load");
    find(&wb.model_free, "wb_model_free");
    find(&wb.model_schema, "wb_model_schema");
    find(&wb.schema_free, "wb_schema_free");
    find(&wb.row_init, "wb_row_init");
    find(&wb.row_set_json, "wb_row_set_json");
    find(&wb.model_score, "wb_model_score");
    find(&wb.call_create, "wb_call_create");
    find(&wb.call_free, "wb_call_free");
    find(&wb.queue_create, "wb_queue_create");
    find(&wb.queue_free, "wb_queue_free");
    find(&wb.model_submit, "wb_model_submit");
    find(&wb.queue_next, "wb_queue_next");
}

static void open_model(void) {
    static const char json[] = "{\"amount_minor\": 1250, \"age_days\": 2, \"country\": \"FR\", \"online\": true}";
    char path[4096];
    wb_schema *schema = NULL;
    snprintf(path, sizeof path, "%s/mlp", fixtures);
    CHECK(wb.engine_create(&engine, NULL, NULL) == WB_OK);
    CHECK(wb.model_load(&model, engine, path, NULL, NULL) == WB_OK);
    CHECK(wb.model_schema(&schema, model, NULL) == WB_OK);
    CHECK(wb.row_init(schema, row, sizeof row, NULL) == WB_OK);
    CHECK(wb.row_set_json(schema, row, json, sizeof json - 1, NULL) == WB_OK);
    wb.schema_free(schema);
}

static void *score(void *own_row) {
    wb_result result = WB_RESULT_INIT;
    CHECK(wb.model_score(&result, model, own_row, WB_NO_DEADLINE, NULL, NULL) == WB_OK);
    CHECK(result.score > 0 && result.score < 1);
    return NULL;
}

static void close_model(void) {
    wb.model_free(model);
    wb.engine_free(engine);
}

/* Submits to threads of the engine's own, which close() ends whatever they are doing: some of what was submitted is
 * left to it. */
static void run_queue(void) {
    enum { kSubmits = 8, kDrained = 3 };
    wb_completion done;
    wb_queue *queue = NULL;
    uint64_t tag;
    size_t drained = 0, count = 0;
    CHECK(wb.queue_create(&queue, engine, kSubmits, NULL) == WB_OK);
    for (tag = 0; tag < kSubmits; ++tag)
        CHECK(wb.model_submit(queue, tag, model, row, WB_NO_DEADLINE, NULL, NULL) == WB_OK);
    while (drained < kDrained) {
        CHECK(wb.queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, NULL) == WB_OK);
        CHECK(count == 1 && done.status == WB_OK);
        ++drained;
    }
    CHECK(process_status("Threads:") > 1);
    CHECK(wb.engine_close(engine, WB_NO_DEADLINE, NULL) == WB_OK);
    CHECK(comes_to_threads(1));
    wb.queue_free(queue);
}

/* Loads, scores on two threads, holds more handles than the first chunk of their table has, runs a queue on threads of
 * the engine's own, frees, unloads. */
static void cycle(void) {
    static wb_call *calls[kHandles];
    pthread_t thread;
    int i;
    load_library();
    open_model();
    for (i = 0; i < kHandles; ++i) CHECK(wb.call_create(&calls[i], NULL) == WB_OK);
    score(row);
    CHECK(pthread_create(&thread, NULL, score, row) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    for (i = 0; i < kHandles; ++i) wb.call_free(calls[i]);
    run_queue();
    close_model();
    CHECK(dlclose(wb.handle) == 0);
    CHECK(dlopen(library_path, RTLD_NOW | RTLD_NOLOAD) == NULL);
}

typedef struct usage {
    size_t heap;     /* bytes that malloc has given */
    size_t mapped;   /* bytes of address space */
    size_t mappings; /* lines of /proc/self/maps */
} usage;

static usage measure(void) {
    usage now = {0, 0, 0};
    const struct mallinfo2 heap = mallinfo2();
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4600];
    unsigned long from, to;
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        ++now.mappings;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2) now.mapped += to - from;
    }
    fclose(maps);
    now.heap = heap.uordblks + heap.hblkhd;
    return now;
}

static void nothing_stays(void) {
    usage before, after;
    int i;
    for (i = 0; i < kFirstCycles; ++i) cycle();
    before = measure();
    for (i = 0; i < kCycles; ++i) cycle();
    after = measure();
    if (after.heap > before.heap || after.mapped > before.mapped || after.mappings > before.mappings) {
        fprintf(stderr, "after %d more cycles: heap %zu to %zu bytes, mapped %zu to %zu bytes, mappings %zu to %zu\n",
                kCycles, before.heap, after.heap, before.mapped, after.mapped, before.mappings, after.mappings);
        _exit(1);
    }
}

/* All that a host may do: a live handle, a new one, one that was freed. */
static void call_in(void) {
    wb_result result = WB_RESULT_INIT;
    wb_call *call = NULL;
    score(row);
    CHECK(wb.call_create(&call, NULL) == WB_OK);
    CHECK(wb.model_score(&result, model, row, WB_NO_DEADLINE, call, NULL) == WB_OK);
    wb.call_free(call);
    CHECK(wb.model_score(&result, model, row, WB_NO_DEADLINE, call, NULL) == WB_INVALID_HANDLE);
}

static int calls_in;

static void call_at_exit(void) {
    call_in();
    ++calls_in;
}

/* Frees everything, asks again, and makes it anew. The last call ends the process with what this test wants to see. */
static void late(int last) {
    wb_result result = WB_RESULT_INIT;
    wb_model *freed = model;
    call_in();
    if (!last) {
        ++calls_in;
        return;
    }
    close_model();
    CHECK(wb.model_score(&result, freed, row, WB_NO_DEADLINE, NULL, NULL) == WB_INVALID_HANDLE);
    CHECK(wb.engine_create(&engine, NULL, NULL) == WB_OK);
    wb.engine_free(engine);
    _exit(calls_in == 3 ? 42 : 1);
}

static void exit_with_calls(void) {
    void *caller = dlopen(late_caller_path, RTLD_NOW | RTLD_LOCAL);
    void (**hook)(int);
    CHECK(caller != NULL);
    hook = (void (**)(int))dlsym(caller, "late_call");
    CHECK(hook != NULL);
    *hook = late;
    CHECK(atexit(call_at_exit) == 0);
    load_library();
    open_model();
    CHECK(atexit(call_at_exit) == 0);
    exit(1); /* late() says otherwise */
}

static void *score_for_ever(void *unused) {
    uint64_t own_row[64];
    (void)unused;
    memcpy(own_row, row, sizeof row);
    for (;;) score(own_row);
    return NULL;
}

static void exit_while_threads_score(void) {
    pthread_t thread;
    int i;
    load_library();
    open_model();
    for (i = 0; i < 3; ++i) CHECK(pthread_create(&thread, NULL, score_for_ever, NULL) == 0);
    usleep(20000);
    exit(42);
}

static void unload_at_exit(void) {
    close_model();
    CHECK(dlclose(wb.handle) == 0);
}

static void exit_and_unload(void) {
    load_library();
    open_model();
    CHECK(atexit(unload_at_exit) == 0);
    exit(42);
}

static void run_child(void (*body)(void)) {
    int status = 0;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
        fprintf(stderr, "a child ended with %s %d\n", WIFSIGNALED(status) ? "signal" : "code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

int main(int argc, char **argv) {
    int i;
    CHECK(argc == 4);
    /* What malloc keeps for a thread's next calls counts as given, and it maps an arena for threads that meet: it must
     * do neither. */
    if (!getenv("GLIBC_TUNABLES")) {
        CHECK(setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1", 1) == 0);
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    library_path = argv[1];
    late_caller_path = argv[2];
    fixtures = argv[3];
    run_child(exit_with_calls);
    run_child(exit_and_unload);
    for (i = 0; i < 20; ++i) run_child(exit_while_threads_score);
    nothing_stays();
    return 0;
}
