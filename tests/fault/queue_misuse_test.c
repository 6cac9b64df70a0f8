/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads call the functions of queues at random, with handles that live, were freed, or are of another kind: every
 * call is answered, none with WB_INTERNAL, and no thread is left. 500,000 calls with WB_FULL=1, else 40,000. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>

#include "support/check.h"
#include "support/process.h"

enum { kQueues = 4 };
static wb_engine *engines[2]; /* the host lends threads to the first */
static wb_model *models[2];
static wb_schema *schema;
static _Atomic(wb_queue *) queues[kQueues];

static uint32_t next_random(uint64_t *state) { /* Knuth's MMIX */
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Mostly a queue that lives or did. */
static wb_queue *any_queue(uint32_t dice) {
    if (dice % 17 == 0) return NULL;
    if (dice % 17 == 1) return (wb_queue *)(void *)engines[0];
    if (dice % 17 == 2) return (wb_queue *)(uintptr_t)(0x0a00000100000000u + dice); /* forged */
    return atomic_load(&queues[dice / 17 % kQueues]);
}

static int32_t any_call(uint64_t *random, uint64_t *row) {
    const uint32_t dice = next_random(random), which = next_random(random);
    const int64_t deadline = which % 3 == 0 ? WB_NO_DEADLINE : wb_now_ns() + (int64_t)(which % 200) * 1000;
    wb_queue *queue = any_queue(next_random(random));
    wb_completion done[3];
    wb_queue *made = NULL;
    size_t count = 0;
    int32_t descriptor;
    switch (dice % 16) {
        case 0:
            if (which % 64 == 0) { /* now and then another one in its place */
                const int32_t status = wb_queue_create(&made, engines[which / 64 % 2], which / 128 % 8, NULL);
                if (status == WB_OK) wb_queue_free(atomic_exchange(&queues[which / 1024 % kQueues], made));
                return status;
            }
            return wb_queue_cancel(queue, which % 16, NULL);
        case 1:
            if (which % 512 == 0) wb_queue_free(queue);
            if (which % 512 == 1) return wb_queue_close(queue, wb_now_ns() + 1000, NULL);
            return WB_OK;
        case 2:
            return wb_queue_fd(which % 8 ? &descriptor : NULL, queue, NULL);
        case 3:
        case 4:
            return wb_engine_work(NULL, which % 9 ? engines[0] : engines[1], wb_now_ns() + 100000, NULL);
        case 5:
        case 6:
        case 7:
        case 8:
            return wb_queue_next(which % 31 ? done : NULL, which % 29 ? sizeof *done : which, which % 23 ? 3 : 0,
                                 &count, queue, which % 2 ? 0 : wb_now_ns() + 20000, NULL);
        default:
            return wb_model_submit(queue, which % 16, models[which % 2], which % 37 ? row : NULL, deadline, NULL, NULL);
    }
}

static void *misuse(void *seed) {
    uint64_t row[64], random = (uint64_t)(uintptr_t)seed;
    int i;
    const int calls = full_campaign() ? 250000 : 20000;
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    for (i = 0; i < calls; ++i) {
        const int32_t status = any_call(&random, row);
        CHECK(status != WB_INTERNAL && status != WB_BUSY && status != WB_FORKED && status != WB_OUT_OF_MEMORY);
    }
    return NULL;
}

int main(int argc, char **argv) {
    const long threads = process_status("Threads:");
    pthread_t others[2];
    int i;
    CHECK(argc == 2);
    for (i = 0; i < 2; ++i) {
        wb_engine_options *options = NULL;
        CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
        CHECK_STATUS(WB_OK, wb_engine_options_set_async_threads(options, i, E));
        CHECK_STATUS(WB_OK, wb_engine_create(&engines[i], options, E));
        wb_engine_options_free(options);
        CHECK_STATUS(WB_OK, wb_model_load(&models[i], engines[i], fixture(argv, "mlp"), NULL, E));
    }
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, models[0], E));
    for (i = 0; i < kQueues; ++i) {
        wb_queue *made = NULL;
        CHECK_STATUS(WB_OK, wb_queue_create(&made, engines[i % 2], 8, E));
        atomic_store(&queues[i], made);
    }
    for (i = 0; i < 2; ++i) CHECK(pthread_create(&others[i], NULL, misuse, (void *)(uintptr_t)(i + 1)) == 0);
    for (i = 0; i < 2; ++i) CHECK(pthread_join(others[i], NULL) == 0);
    for (i = 0; i < kQueues; ++i) wb_queue_free(atomic_load(&queues[i]));
    for (i = 0; i < 2; ++i) {
        CHECK_STATUS(WB_OK, wb_engine_close(engines[i], WB_NO_DEADLINE, E));
        wb_model_free(models[i]);
        wb_engine_free(engines[i]);
    }
    wb_schema_free(schema);
    CHECK(comes_to_threads(threads));
    return 0;
}
