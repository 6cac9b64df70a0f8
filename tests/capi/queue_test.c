/* SPDX-License-Identifier: Apache-2.0 */
/* Completion queues: submits by threads that the host lends and by the engine's own, wrong use, full queues, tags,
 * descriptors, closing in every order, and callers of other versions. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <pthread.h>

#include "support/check.h"
#include "support/process.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static const int64_t kMinute = 60000000000;
static wb_model *model;
static wb_schema *schema;
static uint64_t row[64];

static wb_engine *engine_with(const char *async_threads) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_devices(options, "cpu=2", E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "async_threads", async_threads, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    return engine;
}

static wb_queue *make_queue(wb_engine *engine, uint32_t capacity) {
    wb_queue *queue = NULL;
    CHECK_STATUS(WB_OK, wb_queue_create(&queue, engine, capacity, E));
    CHECK(queue != NULL);
    return queue;
}

static void load(wb_engine *engine, char **argv) {
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
}

static void unload(void) {
    wb_schema_free(schema);
    wb_model_free(model);
    schema = NULL;
    model = NULL;
}

static void submit(wb_queue *queue, uint64_t tag) {
    CHECK_STATUS(WB_OK, wb_model_submit(queue, tag, model, row, WB_NO_DEADLINE, NULL, E));
}

/* The one completion that is there, or comes within a minute. */
static wb_completion only(wb_queue *queue) {
    wb_completion done[2];
    size_t count = 7;
    CHECK_STATUS(WB_OK, wb_queue_next(done, sizeof *done, 2, &count, queue, wb_now_ns() + kMinute, E));
    CHECK(count == 1 && done[0].struct_size == sizeof *done);
    return done[0];
}

static void expect(wb_queue *queue, uint64_t tag, int32_t status) {
    const wb_completion done = only(queue);
    CHECK(done.tag == tag && done.status == status);
    if (status < 0)
        CHECK(done.error.code == status && done.error.message[0] != 0 && done.result.score == 0.0);
    else
        CHECK(done.error.code == 0 && done.error.message[0] == 0 && done.result.status == status);
    if (status == WB_OK) CHECK_NEAR(fixture_score(1250, 0, 1, 0, 0), done.result.score);
}

static void expect_none(wb_queue *queue) {
    wb_completion done;
    size_t count = 7;
    CHECK_STATUS(WB_OK, wb_queue_next(&done, sizeof done, 1, &count, queue, 0, E));
    CHECK(count == 0);
}

static void expect_end(wb_queue *queue) {
    wb_completion done;
    size_t count = 7;
    CHECK_STATUS(WB_CLOSED, wb_queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, E));
    CHECK(count == 0);
}

static int is_readable(int32_t descriptor, int timeout_ms) {
    struct pollfd polled = {descriptor, POLLIN, 0};
    return poll(&polled, 1, timeout_ms) == 1 && (polled.revents & POLLIN) != 0;
}

static void lent_threads(char **argv) {
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 4);
    wb_slot *slot = NULL;
    uint64_t ran = 7;
    const long threads = process_status("Threads:");
    load(engine, argv);
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_NOT_LOADED, wb_slot_submit(queue, 1, slot, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_slot_swap(slot, model, E));
    CHECK_STATUS(WB_OK, wb_engine_work(&ran, engine, WB_NO_DEADLINE, E));
    CHECK(ran == 0);
    CHECK_STATUS(WB_OK, wb_slot_submit(queue, UINT64_MAX, slot, row, WB_NO_DEADLINE, NULL, E));
    fill(schema, row, kRow); /* the row is the caller's again */
    expect_none(queue);
    CHECK_STATUS(WB_OK, wb_engine_work(&ran, engine, 0, E));
    CHECK(ran == 0);
    CHECK_STATUS(WB_OK, wb_engine_work(&ran, engine, WB_NO_DEADLINE, E));
    CHECK(ran == 1);
    expect(queue, UINT64_MAX, WB_OK);
    submit(queue, 0);
    CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_DEFAULT_DEADLINE, E));
    expect(queue, 0, WB_OK);
    CHECK(comes_to_threads(threads));
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    CHECK_STATUS(WB_CLOSED, wb_engine_work(&ran, engine, 0, E));
    wb_slot_free(slot);
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
}

static void own_threads(char **argv) {
    wb_engine *engine = engine_with("auto");
    wb_queue *queue = make_queue(engine, 64);
    const long threads = process_status("Threads:");
    uint64_t tag, sum = 0;
    size_t taken = 0, count = 0;
    wb_completion done[64];
    load(engine, argv);
    CHECK(comes_to_threads(threads));
    for (tag = 1; tag <= 64; ++tag) submit(queue, tag);
    CHECK(comes_to_threads(threads + 3)); /* two contexts, and the timer */
    for (; taken < 64; taken += count) {
        size_t i;
        CHECK_STATUS(WB_OK, wb_queue_next(done, sizeof *done, 64, &count, queue, wb_now_ns() + kMinute, E));
        CHECK(count >= 1);
        for (i = 0; i < count; ++i) {
            CHECK(done[i].status == WB_OK);
            sum += done[i].tag;
        }
    }
    CHECK(sum == 64 * 65 / 2);
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    CHECK(comes_to_threads(threads));
    expect_end(queue);
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
}

static void full_and_cancelled(char **argv) {
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 2);
    wb_call *call = NULL;
    wb_cancel *cancel = NULL;
    wb_completion done[2];
    size_t count = 0;
    load(engine, argv);
    submit(queue, 5), submit(queue, 5);
    CHECK_STATUS(WB_OVERLOADED, wb_model_submit(queue, 6, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_NOT_FOUND, wb_queue_cancel(queue, 6, E));
    CHECK_STATUS(WB_OK, wb_queue_cancel(queue, 5, E));
    CHECK_STATUS(WB_NOT_FOUND, wb_queue_cancel(queue, 5, E));
    CHECK_STATUS(WB_OVERLOADED, wb_model_submit(queue, 6, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_queue_next(done, sizeof *done, 2, &count, queue, 0, E));
    CHECK(count == 2 && done[0].tag == 5 && done[1].tag == 5);
    CHECK(done[0].status == WB_CANCELLED && done[1].status == WB_CANCELLED);

    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_call_set_cancel(call, cancel, E));
    CHECK_STATUS(WB_OK, wb_call_set_wait(call, 0, E)); /* of no matter here */
    CHECK_STATUS(WB_OK, wb_model_submit(queue, 7, model, row, WB_NO_DEADLINE, call, E));
    wb_call_free(call); /* the submit keeps what it needs */
    CHECK_STATUS(WB_OK, wb_cancel_set(cancel, 1, E));
    wb_cancel_free(cancel);
    expect(queue, 7, WB_CANCELLED);
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
}

static void deadlines(char **argv) {
    const char *modes[] = {"0", "1"};
    size_t i;
    for (i = 0; i < 2; ++i) {
        wb_engine *engine = engine_with(modes[i]);
        wb_queue *queue = make_queue(engine, 4);
        wb_call *call = NULL;
        int32_t descriptor = -1;
        load(engine, argv);
        CHECK_STATUS(WB_OK, wb_call_create(&call, E));
        CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
        CHECK_STATUS(WB_OK, wb_model_submit(queue, 1, model, row, 1, NULL, E));
        expect(queue, 1, WB_OK_FALLBACK);
        CHECK_STATUS(WB_OK, wb_model_submit(queue, 2, model, row, 1, call, E));
        expect(queue, 2, WB_DEADLINE_EXCEEDED);
        if (i == 0) { /* nobody runs it: whoever waits for it keeps its deadline, and then the timer */
            CHECK_STATUS(WB_OK, wb_model_submit(queue, 3, model, row, wb_now_ns() + 1000000, NULL, E));
            expect(queue, 3, WB_OK_FALLBACK);
            CHECK_STATUS(WB_OK, wb_queue_fd(&descriptor, queue, E));
            CHECK_STATUS(WB_OK, wb_model_submit(queue, 4, model, row, wb_now_ns() + 1000000, NULL, E));
            CHECK(is_readable(descriptor, 60000));
            expect(queue, 4, WB_OK_FALLBACK);
            CHECK(!is_readable(descriptor, 0));
        }
        wb_call_free(call);
        wb_queue_free(queue);
        unload();
        wb_engine_free(engine);
    }
}

static void descriptor_of(char **argv) {
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 4);
    int32_t descriptor = -1, again = -1;
    load(engine, argv);
    submit(queue, 1);
    CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_NO_DEADLINE, E));
    CHECK_STATUS(WB_OK, wb_queue_fd(&descriptor, queue, E));
    CHECK(is_readable(descriptor, 0)); /* asked for behind the completion */
    submit(queue, 2);
    expect(queue, 1, WB_OK);
    CHECK(!is_readable(descriptor, 0));
    CHECK_STATUS(WB_OK, wb_queue_fd(&again, queue, E));
    CHECK(again == descriptor);
    CHECK_STATUS(WB_OK, wb_queue_close(queue, 0, E));
    CHECK(is_readable(descriptor, 0)); /* what waited was closed */
    expect(queue, 2, WB_CLOSED);
    CHECK(!is_readable(descriptor, 0));
    CHECK_STATUS(WB_CLOSED, wb_queue_fd(&again, queue, E));
    CHECK_STATUS(WB_CLOSED, wb_model_submit(queue, 3, model, row, WB_NO_DEADLINE, NULL, E));
    expect_end(queue);
    CHECK_STATUS(WB_OK, wb_queue_close(queue, WB_NO_DEADLINE, E));
    wb_queue_free(queue);
    CHECK(poll(&(struct pollfd){descriptor, POLLIN, 0}, 1, 0) == 1); /* POLLNVAL: it is closed */
    unload();
    wb_engine_free(engine);
}

/* Handles are freed in every order of three, with a submit that waits and one that is not drained. */
static void orders_of_freeing(char **argv) {
    static const char *kOrders[] = {"qme", "qem", "mqe", "meq", "eqm", "emq"};
    size_t i, k;
    for (i = 0; i < sizeof kOrders / sizeof *kOrders; ++i) {
        wb_engine *engine = engine_with("0");
        wb_queue *queue = make_queue(engine, 4);
        load(engine, argv);
        submit(queue, 1);
        CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_NO_DEADLINE, E));
        submit(queue, 2);
        for (k = 0; k < 3; ++k) {
            if (kOrders[i][k] == 'q') wb_queue_free(queue);
            if (kOrders[i][k] == 'm') unload();
            if (kOrders[i][k] == 'e') wb_engine_free(engine);
        }
    }
}

static void queue_outlives_engine(char **argv) {
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 4);
    load(engine, argv);
    submit(queue, 1);
    wb_engine_free(engine);
    CHECK_STATUS(WB_CLOSED, wb_model_submit(queue, 2, model, row, WB_NO_DEADLINE, NULL, E));
    expect(queue, 1, WB_CLOSED);
    expect_end(queue);
    CHECK_STATUS(WB_NOT_FOUND, wb_queue_cancel(queue, 1, E));
    CHECK_STATUS(WB_OK, wb_queue_close(queue, WB_NO_DEADLINE, E));
    wb_queue_free(queue);
    unload();
}

static void *sleep_in_next(void *queue) {
    wb_completion done;
    size_t count;
    int32_t status = wb_queue_next(&done, sizeof done, 1, &count, (wb_queue *)queue, WB_NO_DEADLINE, NULL);
    CHECK(status == WB_CLOSED || status == WB_INVALID_HANDLE);
    return NULL;
}

/* Who sleeps in wb_queue_next comes back when the queue, or its engine, is freed. */
static void freed_under_a_sleeper(void) {
    int i;
    for (i = 0; i < 20; ++i) {
        wb_engine *engine = engine_with("1");
        wb_queue *queue = make_queue(engine, 4);
        pthread_t sleeper;
        CHECK(pthread_create(&sleeper, NULL, sleep_in_next, queue) == 0);
        if (i % 2) wb_engine_free(engine);
        if (i % 2 == 0) wb_queue_free(queue);
        CHECK(pthread_join(sleeper, NULL) == 0);
        if (i % 2) wb_queue_free(queue);
        if (i % 2 == 0) wb_engine_free(engine);
    }
}

static void wrong_use(char **argv) {
    wb_engine *engine = engine_with("0"), *other = engine_with("0");
    wb_queue *queue = make_queue(engine, 4), *foreign = make_queue(other, 4), *none = (wb_queue *)1;
    wb_completion done[2];
    size_t count = 7;
    int32_t descriptor = -1;
    wb_row_header header;
    load(engine, argv);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_create(NULL, engine, 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_create(&none, engine, 0, E));
    CHECK(none == NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_create(&none, engine, WB_QUEUE_CAPACITY_LIMIT + 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_create(&none, NULL, 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_create(&none, (wb_engine *)(void *)queue, 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit(NULL, 1, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit(queue, 1, NULL, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_slot_submit(queue, 1, (wb_slot *)(void *)model, row, 0, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit(queue, 1, model, row, 0, (wb_call *)(void *)queue, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_submit(queue, 1, model, NULL, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_submit(queue, 1, model, (char *)row + 1, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_submit(foreign, 1, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(strstr(E->message, "engine") != NULL);
    memcpy(&header, row, sizeof header);
    header.used = header.capacity + 1;
    memcpy(row, &header, sizeof header);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, NULL, E));
    header.schema_digest ^= 1;
    memcpy(row, &header, sizeof header);
    CHECK_STATUS(WB_SCHEMA_MISMATCH, wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_NO_DEADLINE, E));
    expect_none(queue);

    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(NULL, sizeof *done, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, sizeof *done, 2, NULL, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, sizeof *done, 0, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, 0, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, WB_COMPLETION_SIZE_V1 - 8, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, sizeof *done + 4, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, WB_STRUCT_SIZE_LIMIT + 8, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_next(done, SIZE_MAX - 7, 2, &count, queue, 0, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_next(done, sizeof *done, 2, &count, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_queue_fd(NULL, queue, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_fd(&descriptor, (wb_queue *)(void *)engine, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_cancel(NULL, 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_close(NULL, 0, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_work(NULL, NULL, 0, E));
    wb_queue_free(NULL);
    wb_queue_free(foreign);
    wb_queue_free(foreign);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_queue_close(foreign, 0, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_submit(foreign, 1, model, row, WB_NO_DEADLINE, NULL, E));
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
    wb_engine_free(other);
}

/* What a failed row says, and the caller's buffers. */
static void errors_and_outputs(char **argv) {
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 4);
    wb_call *call = NULL;
    wb_completion done;
    float output = -1;
    load(engine, argv);
    fill(schema, row, "{\"amount_minor\": -1, \"country\": \"FR\", \"online\": false}");
    submit(queue, 1);
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 0, &output, 0, E));
    CHECK_STATUS(WB_BUFFER_TOO_SMALL, wb_model_submit(queue, 2, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 0, &output, 1, E));
    CHECK_STATUS(WB_OK, wb_model_submit(queue, 3, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 0, NULL, 0, E)); /* was copied */
    CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_NO_DEADLINE, E));
    {
        size_t count = 0;
        CHECK_STATUS(WB_OK, wb_queue_next(&done, sizeof done, 1, &count, queue, 0, E));
        CHECK(count == 1 && done.tag == 1 && done.status == WB_INVALID_INPUT && done.error.code == WB_INVALID_INPUT);
        CHECK(done.error.feature == 0 && done.error.row == 0 && strstr(done.error.message, "amount_minor") != NULL);
    }
    expect(queue, 3, WB_OK);
    CHECK_NEAR(fixture_score(1250, 0, 1, 0, 0), output);
    wb_call_free(call);
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
}

/* A caller that knows more members than this library: what it has beyond them is zero, and no byte behind is written.
 */
static void newer_caller(char **argv) {
    enum { kStride = WB_COMPLETION_SIZE_V1 + 64 };
    static uint64_t memory[3 * kStride / 8];
    unsigned char *bytes = (unsigned char *)memory;
    wb_engine *engine = engine_with("0");
    wb_queue *queue = make_queue(engine, 4);
    size_t count = 0, i;
    wb_completion second;
    load(engine, argv);
    submit(queue, 1), submit(queue, 2);
    CHECK_STATUS(WB_OK, wb_engine_work(NULL, engine, WB_NO_DEADLINE, E));
    memset(memory, 0xa5, sizeof memory);
    CHECK_STATUS(WB_OK, wb_queue_next((wb_completion *)(void *)memory, kStride, 3, &count, queue, 0, E));
    CHECK(count == 2);
    memcpy(&second, bytes + kStride, sizeof second);
    CHECK(second.struct_size == kStride && second.tag == 2);
    CHECK(second.result.struct_size == kStride - offsetof(wb_completion, result));
    for (i = sizeof second; i < kStride; ++i) CHECK(bytes[kStride + i] == 0);
    for (i = 0; i < kStride; ++i) CHECK(bytes[2 * kStride + i] == 0xa5);
    wb_queue_free(queue);
    unload();
    wb_engine_free(engine);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    lent_threads(argv);
    own_threads(argv);
    full_and_cancelled(argv);
    deadlines(argv);
    descriptor_of(argv);
    orders_of_freeing(argv);
    queue_outlives_engine(argv);
    freed_under_a_sleeper();
    wrong_use(argv);
    errors_and_outputs(argv);
    newer_caller(argv);
    return 0;
}
