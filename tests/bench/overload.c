/* SPDX-License-Identifier: Apache-2.0 */
/* What joining single rows gives in an overloaded engine: rows answered within their deadline.
 *   bench_overload BUNDLE ROW PRECISION OVERLOAD DEADLINE_US SECONDS
 * ROW is a file with one JSON row. One thread submits OVERLOAD times as many rows a second as one context scores by
 * single calls, and drains their completions; one thread of the engine's own runs them. Engines with joining and
 * without take turns of a quarter of a second, each as long as SECONDS in all, and every score is compared with that of
 * a call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

enum { kCapacity = 4096, kBulk = 256, kCalls = 2000, kTurnNs = 250000000, kSettleNs = 25000000 };

static wb_error err = WB_ERROR_INIT;
static uint64_t row[8192];

typedef struct {
    const char *join;
    wb_engine *engine;
    wb_model *model;
    wb_queue *queue;
    double score;
    int64_t submitted, shed, good, late, measured_ns;
    double call; /* the least median of single calls */
} side;

static void check(int32_t status, const char *what) {
    if (status == WB_OK) return;
    fprintf(stderr, "bench_overload: %s: %s %s\n", what, wb_status_name(status), err.message);
    exit(1);
}

static void read_row(const side *of, const char *path) {
    static char text[1 << 16];
    wb_schema *schema = NULL;
    FILE *file = fopen(path, "r");
    const size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) fclose(file);
    check(wb_model_schema(&schema, of->model, &err), "schema");
    check(wb_row_init(schema, row, sizeof row, &err), "row");
    check(wb_row_set_json(schema, row, text, size, &err), path);
    wb_schema_free(schema);
}

static void open_side(side *of, const char *bundle, const char *precision) {
    wb_engine_options *options = NULL;
    wb_load_options *load = NULL;
    check(wb_engine_options_create(&options, &err), "options");
    check(wb_engine_options_set(options, "devices", "cpu=1", &err), "devices");
    check(wb_engine_options_set(options, "async_threads", "1", &err), "async_threads");
    check(wb_engine_options_set(options, "join", of->join, &err), "join");
    check(wb_engine_create(&of->engine, options, &err), "engine");
    check(wb_load_options_create(&load, &err), "load options");
    check(wb_load_options_set(load, "precision", precision, &err), "precision");
    check(wb_model_load(&of->model, of->engine, bundle, load, &err), bundle);
    check(wb_queue_create(&of->queue, of->engine, kCapacity, &err), "queue");
    wb_load_options_free(load);
    wb_engine_options_free(options);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of single calls, whose score is kept. */
static double call_ns(side *of) {
    static double took[kCalls];
    int i;
    for (i = 0; i < kCalls; ++i) {
        wb_result result = WB_RESULT_INIT;
        const int64_t before = wb_now_ns();
        check(wb_model_score(&result, of->model, row, WB_NO_DEADLINE, NULL, &err), "score");
        took[i] = (double)(wb_now_ns() - before);
        of->score = result.score;
    }
    qsort(took, kCalls, sizeof *took, by_value);
    return took[kCalls / 2];
}

static size_t drain(side *of, int64_t deadline_us, int counts) {
    static wb_completion done[kBulk];
    size_t count = 0, i;
    check(wb_queue_next(done, sizeof *done, kBulk, &count, of->queue, 0, &err), "next");
    for (i = 0; i < count; ++i) {
        if (done[i].status != WB_OK) {
            if (done[i].status != WB_OK_FALLBACK) check(done[i].status, "completion");
            of->late += counts;
            continue;
        }
        if (memcmp(&done[i].result.score, &of->score, sizeof of->score) != 0) {
            fprintf(stderr, "bench_overload: a score is not that of a call\n");
            exit(1);
        }
        if (done[i].result.queue_ns + done[i].result.run_ns <= deadline_us * 1000)
            of->good += counts;
        else
            of->late += counts;
    }
    return count;
}

static void take_turn(side *of, double rate, int64_t deadline_us) {
    const int64_t begin = wb_now_ns();
    int64_t submitted = 0, now;
    while ((now = wb_now_ns()) < begin + kTurnNs) {
        const int counts = now >= begin + kSettleNs;
        const int64_t due = (int64_t)((double)(now - begin) * rate / 1e9);
        int burst = 0;
        for (; submitted < due && burst < kBulk; ++submitted, ++burst) {
            const int32_t status =
                wb_model_submit(of->queue, 1, of->model, row, wb_now_ns() + deadline_us * 1000, NULL, &err);
            if (status == WB_OVERLOADED)
                of->shed += counts;
            else
                check(status, "submit");
            of->submitted += counts;
        }
        drain(of, deadline_us, counts);
    }
    of->measured_ns += kTurnNs - kSettleNs;
    for (now = wb_now_ns(); wb_now_ns() < now + 2 * deadline_us * 1000;) drain(of, deadline_us, 0);
}

int main(int argc, char **argv) {
    side sides[2] = {{"0", NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 1e18}, {"1", NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 1e18}};
    double rate, good[2];
    int turns, i;
    if (argc != 7) {
        fprintf(stderr, "usage: bench_overload BUNDLE ROW PRECISION OVERLOAD DEADLINE_US SECONDS\n");
        return 1;
    }
    for (i = 0; i < 2; ++i) open_side(&sides[i], argv[1], argv[3]);
    read_row(&sides[0], argv[2]);
    (void)call_ns(&sides[1]);
    rate = atof(argv[4]) * 1e9 / call_ns(&sides[0]);
    turns = (int)(atof(argv[6]) * 1e9 / kTurnNs) + 1;
    while (turns-- > 0)
        for (i = 0; i < 2; ++i) {
            const double call = call_ns(&sides[i]);
            if (call < sides[i].call) sides[i].call = call;
            take_turn(&sides[i], rate, atol(argv[5]));
        }
    for (i = 0; i < 2; ++i) {
        const double seconds = (double)sides[i].measured_ns / 1e9;
        good[i] = (double)sides[i].good / seconds;
        printf("join=%s: %.0f submits a second, %.0f answered within %s us, %.0f late, %.0f shed\n", sides[i].join,
               (double)sides[i].submitted / seconds, good[i], argv[5], (double)sides[i].late / seconds,
               (double)sides[i].shed / seconds);
    }
    printf("%s: %.2f times as many within the deadline; a call by itself %.2f us without, %.2f with joining\n", argv[3],
           good[1] / good[0], sides[0].call / 1000, sides[1].call / 1000);
    for (i = 0; i < 2; ++i) {
        wb_queue_free(sides[i].queue);
        wb_model_free(sides[i].model);
        wb_engine_free(sides[i].engine);
    }
    return 0;
}
