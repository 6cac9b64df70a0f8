/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out: each call of the library's slow side, with its first, second, ... allocation failing, alone and
 * with all that follow. It succeeds or says WB_OUT_OF_MEMORY, gives back what it took, and works again afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>

#include "support/check.h"
#include "support/files.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static _Thread_local int watched;     /* this thread's allocations count */
static _Thread_local long left, live; /* allocations until one fails; blocks that are not freed */
static int all_that_follow;

static int fails(void) {
    if (!watched) return 0;
    if (left > 0)
        --left;
    else if (!all_that_follow)
        return 0;
    if (left == 0) errno = ENOMEM;
    return left == 0;
}
static void *counted(void *memory) {
    if (watched && memory) ++live;
    return memory;
}
/* The library's calls come here, too. */
#pragma GCC visibility push(default)
void *malloc(size_t size) { return fails() ? NULL : counted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return fails() ? NULL : counted(__libc_calloc(count, size)); }
void *realloc(void *memory, size_t size) {
    if (!memory) return malloc(size);
    return fails() ? NULL : __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) { return fails() ? NULL : counted(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    void *memory = memalign(alignment, size);
    if (!memory) return ENOMEM;
    *out = memory;
    return 0;
}
void free(void *memory) {
    if (watched && memory) --live;
    __libc_free(memory);
}
#pragma GCC visibility pop

static const char *bundle;
static wb_engine *engine;
static wb_source *source;
static wb_model *model;
static wb_slot *champion;
static wb_engine *lent; /* of which the host lends all threads */
static wb_model *lent_model;
static uint64_t row[64];

/* What a call says that gave `made`, or NULL where it failed. */
static int32_t text(int32_t status, wb_text *made) {
    CHECK((status == WB_OK) == (made != NULL));
    wb_text_free(made);
    return status;
}
static int32_t system_info(void) {
    wb_text *made = NULL;
    const int32_t status = wb_system_info(&made, NULL);
    return text(status, made);
}
static int32_t inspect(void) {
    wb_text *made = NULL;
    const int32_t status = wb_bundle_inspect(&made, bundle, NULL);
    return text(status, made);
}
static int32_t verify(void) {
    wb_text *made = NULL;
    const int32_t status = wb_bundle_verify(&made, engine, bundle, NULL, NULL);
    return text(status, made);
}
static int32_t info(void) {
    wb_text *made = NULL;
    const int32_t status = wb_model_info(&made, model, NULL);
    return text(status, made);
}
static int32_t metrics(void) {
    wb_text *made = NULL;
    const int32_t status = wb_engine_metrics(&made, engine, NULL);
    return text(status, made);
}
static int32_t make_source(void) {
    wb_source *made = NULL;
    const int32_t status = wb_source_create(&made, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    const int32_t added = made ? wb_source_add_file(made, "model.plan", "bytes", 5, NULL) : status;
    wb_source_free(made);
    return added;
}
static int32_t load_source(void) {
    wb_model *made = NULL;
    const int32_t status = wb_model_load_source(&made, engine, source, NULL, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    wb_model_free(made);
    return status;
}
static int32_t verify_source(void) {
    wb_text *made = NULL;
    const int32_t status = wb_bundle_verify_source(&made, engine, source, NULL, NULL);
    return text(status, made);
}
/* A load that its deadline ends. */
static int32_t late(void) {
    wb_load_options *options = NULL;
    wb_cancel *cancel = NULL;
    wb_model *made = NULL;
    int32_t status = wb_load_options_create(&options, NULL);
    if (status == WB_OK) status = wb_cancel_create(&cancel, NULL);
    if (status == WB_OK) status = wb_load_options_set_cancel(options, cancel, NULL);
    if (status == WB_OK) status = wb_load_options_set_deadline(options, 1, NULL);
    if (status == WB_OK) status = wb_model_load(&made, engine, bundle, options, NULL);
    CHECK(made == NULL && status != WB_OK);
    wb_cancel_free(cancel);
    wb_load_options_free(options);
    return status == WB_DEADLINE_EXCEEDED ? WB_OK : status;
}
static int32_t schema(void) {
    wb_schema *made = NULL;
    const int32_t status = wb_schema_load(&made, bundle, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    wb_schema_free(made);
    return status;
}
static int32_t load(void) {
    wb_model *made = NULL;
    const int32_t status = wb_model_load(&made, engine, bundle, NULL, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    wb_model_free(made);
    return status;
}
static int32_t swap(void) { return wb_slot_load(champion, bundle, NULL, NULL); }
static int32_t slot(void) {
    wb_slot *made = NULL;
    const int32_t status = wb_slot_open(&made, engine, "shadow", WB_SLOT_CREATE, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    wb_slot_free(made);
    return status;
}
static int32_t create(void) {
    wb_engine *made = NULL;
    const int32_t status = wb_engine_create(&made, NULL, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    wb_engine_free(made);
    return status;
}

static int32_t asynchronous(void) {
    wb_queue *made = NULL;
    wb_completion done;
    size_t count = 0;
    int32_t status = wb_queue_create(&made, lent, 2, NULL);
    CHECK((status == WB_OK) == (made != NULL));
    if (status == WB_OK) status = wb_model_submit(made, 1, lent_model, row, WB_NO_DEADLINE, NULL, NULL);
    if (status == WB_OK) {
        CHECK(wb_engine_work(NULL, lent, WB_NO_DEADLINE, NULL) == WB_OK);
        CHECK(wb_queue_next(&done, sizeof done, 1, &count, made, WB_NO_DEADLINE, NULL) == WB_OK);
        CHECK(count == 1 && done.status == WB_OK);
    }
    wb_queue_free(made);
    return status;
}

/* The engine for asynchronous(). */
static void lend(void) {
    wb_engine_options *options = NULL;
    wb_schema *schema_of = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_async_threads(options, 0, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&lent, options, E));
    wb_engine_options_free(options);
    CHECK_STATUS(WB_OK, wb_model_load(&lent_model, lent, bundle, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema_of, lent_model, E));
    fill(schema_of, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    wb_schema_free(schema_of);
}

/* One call whose `nth` allocation fails, and all behind it where `follow` says so. Whether it came that far. */
static int attempt(const char *name, int32_t (*call)(void), long nth, int follow) {
    int32_t status;
    int failed;
    all_that_follow = follow;
    live = 0;
    left = nth;
    watched = 1;
    status = call();
    failed = left == 0;
    left = -1;
    if (engine) CHECK_STATUS(WB_OK, wb_engine_maintain(engine, E)); /* frees what was let go of */
    watched = 0;
    if ((status != WB_OK && status != WB_OUT_OF_MEMORY) || (status != WB_OK && !failed)) {
        fprintf(stderr, "%s: allocation %ld%s: got %s\n", name, nth, follow ? " and all behind it" : "",
                wb_status_name(status));
        exit(1);
    }
    return failed;
}

static void each(const char *name, int32_t (*call)(void)) {
    long nth, last = 0;
    int follow;
    CHECK(!attempt(name, call, LONG_MAX, 0)); /* what a first call keeps for the next ones */
    for (follow = 0; follow <= 1; ++follow)
        for (nth = 1; attempt(name, call, nth, follow); ++nth) {
            last = nth;
            if (live != 0) {
                fprintf(stderr, "%s: allocation %ld%s: %ld blocks are left\n", name, nth,
                        follow ? " and all behind it" : "", live);
                exit(1);
            }
        }
    CHECK(last > 0);
    printf("%s: allocations up to %ld failed, one by one\n", name, last);
}

/* The library's table of handles grows until enough of them rest, and is kept. */
static void use_handles(void) {
    int i;
    for (i = 0; i < 4000; ++i) {
        wb_cancel *made = NULL;
        CHECK_STATUS(WB_OK, wb_cancel_create(&made, E));
        wb_cancel_free(made);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    use_handles();
    bundle = fixture(argv, "mlp");
    engine = make_engine("cpu=2", 8);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, bundle, NULL, E));
    each("wb_system_info", system_info);
    each("wb_engine_create", create);
    each("wb_schema_load", schema);
    each("wb_bundle_inspect", inspect);
    each("wb_model_info", info);
    each("wb_model_load", load);
    each("wb_bundle_verify", verify);
    source = source_of(argv, "mlp");
    each("wb_source_add_file", make_source);
    each("wb_model_load_source", load_source);
    each("wb_bundle_verify_source", verify_source);
    wb_source_free(source);
    each("wb_model_load at its deadline", late);
    each("wb_slot_open", slot);
    CHECK_STATUS(WB_OK, wb_slot_open(&champion, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(champion, bundle, NULL, E));
    each("wb_slot_load", swap);
    wb_slot_free(champion);
    each("wb_engine_metrics", metrics);
    lend();
    each("wb_queue_create and wb_model_submit", asynchronous);
    wb_model_free(lent_model);
    wb_engine_free(lent);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
