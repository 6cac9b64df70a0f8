/* SPDX-License-Identifier: Apache-2.0 */
/* Forking while one thread submits and another drains: in every child the parent's queue answers WB_FORKED, and a queue
 * of its own, on threads of its own, completes every submit once; so does the parent's all along. No child hangs.
 * 1,000 children with WB_FULL=1, else 50. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/check.h"
#include "support/process.h"

enum { kTags = 64 };
static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static wb_engine *engine;
static wb_model *model;
static wb_schema *schema;
static wb_queue *queue;
static wb_cancel *cancel; /* carried by what the parent submits */
static atomic_int stop;
static atomic_int under_way[kTags]; /* by tag: accepted and not completed */

static void *submitter(void *unused) {
    uint64_t row[64], tag = 0;
    wb_call *call = NULL;
    fill(schema, row, kRow);
    CHECK(wb_call_create(&call, NULL) == WB_OK && wb_call_set_cancel(call, cancel, NULL) == WB_OK);
    while (!atomic_load(&stop)) {
        int32_t status;
        tag = (tag + 1) % kTags;
        atomic_fetch_add(&under_way[tag], 1);
        status = wb_model_submit(queue, tag, model, row, wb_now_ns() + 50000000, call, NULL);
        if (status != WB_OK) atomic_fetch_sub(&under_way[tag], 1);
        CHECK(status == WB_OK || status == WB_OVERLOADED);
    }
    wb_call_free(call);
    CHECK(wb_queue_close(queue, WB_NO_DEADLINE, NULL) == WB_OK);
    return unused;
}

static void *drainer(void *unused) {
    wb_completion done[7];
    size_t count, i;
    while (wb_queue_next(done, sizeof *done, 7, &count, queue, WB_NO_DEADLINE, NULL) == WB_OK) {
        for (i = 0; i < count; ++i) {
            CHECK(done[i].tag < kTags && atomic_fetch_sub(&under_way[done[i].tag], 1) > 0);
            CHECK(done[i].status >= 0 || done[i].status == WB_CLOSED);
        }
    }
    return unused;
}

/* The exit code of a child: 0, or the line that failed. */
#define EXPECT(condition) \
    if (!(condition)) return __LINE__ % 250 + 1

static int own_queue(void) {
    uint64_t row[64], tag;
    unsigned seen = 0;
    wb_queue *own = NULL;
    wb_completion done[8];
    EXPECT(wb_queue_create(&own, engine, 8, NULL) == WB_OK);
    EXPECT(wb_row_init(schema, row, sizeof row, NULL) == WB_OK);
    EXPECT(wb_row_set_json(schema, row, kRow, sizeof kRow - 1, NULL) == WB_OK);
    for (tag = 0; tag < 8; ++tag) EXPECT(wb_model_submit(own, tag, model, row, WB_NO_DEADLINE, NULL, NULL) == WB_OK);
    while (seen != 0xff) {
        size_t count = 0, i;
        EXPECT(wb_queue_next(done, sizeof *done, 8, &count, own, wb_now_ns() + 30000000000, NULL) == WB_OK &&
               count > 0);
        for (i = 0; i < count; ++i) {
            EXPECT(done[i].tag < 8 && done[i].status == WB_OK && !(seen & 1u << done[i].tag));
            seen |= 1u << done[i].tag;
        }
    }
    EXPECT(comes_to_threads(1 + 2 + 1)); /* this one, two contexts', the timer */
    wb_queue_free(own);
    return 0;
}

static int in_child(int32_t inherited_fd) {
    uint64_t row[64];
    wb_completion done;
    size_t count = 7;
    int32_t descriptor = -1;
    int failed;
    EXPECT(wb_row_init(schema, row, sizeof row, NULL) == WB_OK);
    EXPECT(wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, NULL, NULL) == WB_FORKED);
    EXPECT(wb_queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, NULL) == WB_FORKED && count == 0);
    EXPECT(wb_queue_cancel(queue, 1, NULL) == WB_FORKED);
    EXPECT(wb_queue_fd(&descriptor, queue, NULL) == WB_FORKED && descriptor == -1);
    EXPECT(wb_queue_close(queue, WB_NO_DEADLINE, NULL) == WB_FORKED);
    EXPECT(wb_cancel_set(cancel, 1, NULL) == WB_OK);
    failed = own_queue();
    if (failed) return failed;
    wb_queue_free(queue);
    EXPECT(fcntl(inherited_fd, F_GETFD) == FD_CLOEXEC); /* left alone: its number may be another file's by now */
    EXPECT(wb_engine_close(engine, WB_NO_DEADLINE, NULL) == WB_OK);
    EXPECT(comes_to_threads(1));
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}

int main(int argc, char **argv) {
    pthread_t threads[2];
    const int children = full_campaign() ? 1000 : 50;
    int i;
    int32_t descriptor = -1;
    CHECK(argc == 2);
    engine = make_engine("cpu=2", 16);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_queue_create(&queue, engine, 32, E));
    CHECK_STATUS(WB_OK, wb_queue_fd(&descriptor, queue, E));
    CHECK(pthread_create(&threads[0], NULL, submitter, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, drainer, NULL) == 0);
    for (i = 0; i < children; ++i) {
        const pid_t child = fork();
        int code;
        CHECK(child >= 0);
        if (child == 0) _exit(in_child(descriptor));
        code = wait_for_child(child);
        if (code != 0) fprintf(stderr, "child %d: line or code %d\n", i, code);
        CHECK(code == 0);
    }
    atomic_store(&stop, 1);
    for (i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    for (i = 0; i < kTags; ++i) CHECK(atomic_load(&under_way[i]) == 0);
    printf("%d children, none hung\n", children);
    wb_queue_free(queue);
    wb_cancel_free(cancel);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
