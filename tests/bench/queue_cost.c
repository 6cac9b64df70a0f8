/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit through a completion queue costs beyond its work, on a machine with two idle cores or more.
 *   bench_queue_cost BUNDLE ROW SECONDS
 * ROW is a file with one JSON row. Prints medians over rounds that take turns:
 *   call       wb_model_score, one after another
 *   alone      a submit to an idle engine, drained before the next: submit to completion, less the call
 *   pipelined  an item of many under way, on one thread of the engine's: time, and the library's threads' CPU time with
 *              the caller's, each less the call's */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weighbridge.h>

enum { kAlone = 2000, kPipelined = 50000, kMostRounds = 1000, kCapacity = 1024, kBulk = 256 };

static wb_error err = WB_ERROR_INIT;
static wb_model *model;
static wb_queue *queue;
static uint64_t row[8192];

static void check(int32_t status, const char *what) {
    if (status == WB_OK) return;
    fprintf(stderr, "bench_queue_cost: %s: %s %s\n", what, wb_status_name(status), err.message);
    exit(1);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static double call_ns(void) {
    static double took[kAlone];
    int i;
    for (i = 0; i < kAlone; ++i) {
        wb_result result = WB_RESULT_INIT;
        const int64_t before = wb_now_ns();
        check(wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, &err), "score");
        took[i] = (double)(wb_now_ns() - before);
    }
    return median(took, kAlone);
}

static double alone_ns(void) {
    static double took[kAlone];
    int i;
    for (i = 0; i < kAlone; ++i) {
        wb_completion done;
        size_t count = 0;
        const int64_t before = wb_now_ns();
        check(wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, NULL, &err), "submit");
        check(wb_queue_next(&done, sizeof done, 1, &count, queue, WB_NO_DEADLINE, &err), "next");
        took[i] = (double)(wb_now_ns() - before);
        check(done.status, "completion");
    }
    return median(took, kAlone);
}

/* Submits until the queue is full, lets half of it complete, as an event loop that has other things to do would, and
 * drains in bulk. */
static double pipelined_ns(double *cpu, double call) {
    static wb_completion done[kBulk];
    const struct timespec pause = {0, (long)(call * kCapacity / 2)};
    const double cpu_before = cpu_ns();
    const int64_t before = wb_now_ns();
    int submitted = 0, drained = 0;
    while (drained < kPipelined) {
        int32_t status = WB_OK;
        size_t count = kBulk;
        while (submitted < kPipelined &&
               (status = wb_model_submit(queue, 1, model, row, WB_NO_DEADLINE, NULL, &err)) == WB_OK)
            ++submitted;
        if (status != WB_OVERLOADED) check(status, "submit");
        if (status == WB_OVERLOADED) nanosleep(&pause, NULL);
        while (count == kBulk) {
            check(wb_queue_next(done, sizeof *done, kBulk, &count, queue, 0, &err), "next");
            drained += (int)count;
        }
    }
    *cpu = (cpu_ns() - cpu_before) / kPipelined;
    return (double)(wb_now_ns() - before) / kPipelined;
}

static void read_row(wb_schema *schema, const char *path) {
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    const size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) fclose(file);
    check(wb_row_init(schema, row, sizeof row, &err), "row");
    check(wb_row_set_json(schema, row, text, size, &err), path);
}

int main(int argc, char **argv) {
    static double call[kMostRounds], alone[kMostRounds], pipelined[kMostRounds], cpu[kMostRounds];
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    wb_schema *schema = NULL;
    int rounds = 0;
    int64_t end;
    if (argc != 4) {
        fprintf(stderr, "usage: bench_queue_cost BUNDLE ROW SECONDS\n");
        return 1;
    }
    check(wb_engine_options_create(&options, &err), "options");
    check(wb_engine_options_set(options, "devices", "cpu=2", &err), "devices");
    check(wb_engine_options_set(options, "async_threads", "1", &err), "async_threads");
    check(wb_engine_create(&engine, options, &err), "engine");
    check(wb_model_load(&model, engine, argv[1], NULL, &err), argv[1]);
    check(wb_model_schema(&schema, model, &err), "schema");
    check(wb_queue_create(&queue, engine, kCapacity, &err), "queue");
    read_row(schema, argv[2]);
    end = wb_now_ns() + (int64_t)(atof(argv[3]) * 1e9);
    for (; rounds < kMostRounds && (rounds < 3 || wb_now_ns() < end); ++rounds) {
        call[rounds] = call_ns();
        alone[rounds] = alone_ns() - call[rounds];
        pipelined[rounds] = pipelined_ns(&cpu[rounds], call[rounds]) - call[rounds];
        cpu[rounds] -= call[rounds];
    }
    printf("call %.0f ns; alone +%.0f ns; pipelined +%.0f ns, CPU +%.0f ns (%d rounds)\n", median(call, rounds),
           median(alone, rounds), median(pipelined, rounds), median(cpu, rounds), rounds);
    wb_queue_free(queue);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_options_free(options);
    wb_engine_free(engine);
    return 0;
}
