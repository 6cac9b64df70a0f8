/* SPDX-License-Identifier: Apache-2.0 */
/* What bindings are held against (run_bindings.sh): the MLP through the C API, fp32, on the native engine.
 *   bindings_c BUNDLE PAYMENTS TOLERANCE SECONDS
 * Checks the scores, then prints a line of JSON for each case: `filled` scores rows that are filled already, `setters`
 * writes 80 features into one row and scores it, `frame` scores 100,000 rows of columns by windows on every context, in
 * microseconds a row. */
#include <pthread.h>
#include <stdatomic.h>

#include "mlp.h"

enum { FRAME = 100000, WINDOW = 4096 };

static void print_case(const char *name, double us) {
    printf("{\"case\": \"%s\", \"language\": \"c\", \"us\": %.4f}\n", name, us);
}

/* The median of samples of SAMPLE_NS; `call` does one of something. */
static double median_us(double (*call)(caller *c, int64_t at), caller *c) {
    size_t rounds = 0, most = (size_t)(seconds * 1e9 / SAMPLE_NS) + 8;
    double *us = doubles(most), median;
    int64_t passes, begin = wb_now_ns(), end, i, at = 0;
    for (i = 0; i < 64; ++i) call(c, i % payment_count);
    passes = 1 + SAMPLE_NS * 64 / (wb_now_ns() - begin + 1);
    end = wb_now_ns() + (int64_t)(seconds * 1e9);
    while (rounds < most && (rounds < 5 || wb_now_ns() < end)) {
        begin = wb_now_ns();
        for (i = 0; i < passes; ++i) {
            call(c, at);
            at = at + 1 == payment_count ? 0 : at + 1;
        }
        us[rounds++] = (double)(wb_now_ns() - begin) / 1000.0 / (double)passes;
    }
    median = quantile(us, rounds, 0.5);
    free(us);
    return median;
}

static double with_setters(caller *c, int64_t at) { return score(c, &payments[at]); }

static uint64_t (*filled)[sizeof((caller *)0)->row / sizeof(uint64_t)];
static double when_filled(caller *c, int64_t at) { return score_row(c, filled[at]); }

static void fill_rows(caller *c) {
    int64_t i;
    if (!(filled = malloc((size_t)payment_count * sizeof *filled))) fail("out of memory", NULL);
    for (i = 0; i < payment_count; ++i) {
        fill(c, c->row, &payments[i], 0);
        memcpy(filled[i], c->row, sizeof c->row);
    }
}

/* -- frame: columns of 100,000 rows, a window at a time by whoever is free. */

static payment *frame;
static double *frame_scores;
static _Atomic int64_t next_row;

static wb_batch *describe_frame(caller *c) {
    wb_error err = WB_ERROR_INIT;
    wb_batch *batch;
    uint32_t i;
    must(wb_batch_create(&batch, c->schema, &err), &err);
    must(wb_batch_reset(batch, FRAME, &err), &err);
    for (i = 0; i < NUMBERS; ++i)
        must(wb_batch_set_column(batch, i, &frame->numbers[i], sizeof *frame, NULL, &err), &err);
    for (i = 0; i < CODES; ++i)
        must(wb_batch_set_column(batch, NUMBERS + i, &frame->codes[i], sizeof *frame, NULL, &err), &err);
    must(wb_batch_set_result(batch, WB_COLUMN_SCORE, frame_scores, sizeof *frame_scores, &err), &err);
    return batch;
}

typedef struct {
    caller *c;
    wb_batch *batch;
    pthread_t thread;
} scorer;

static void *score_windows(void *argument) {
    scorer *self = argument;
    wb_error err = WB_ERROR_INIT;
    int64_t first;
    while ((first = atomic_fetch_add(&next_row, WINDOW)) < FRAME) {
        must(wb_batch_set_window(self->batch, first, first + WINDOW < FRAME ? WINDOW : FRAME - first, &err), &err);
        must(wb_model_score_batch(NULL, self->c->model, self->batch, WB_NO_DEADLINE, NULL, &err), &err);
    }
    return NULL;
}

static double frame_us(caller *c) {
    wb_error err = WB_ERROR_INIT;
    wb_model_description description = {0};
    size_t rounds = 0, most = 1000, i;
    double *us = doubles(most);
    scorer *scorers;
    int64_t end = wb_now_ns() + (int64_t)(seconds * 1e9), begin, row;
    frame = malloc(FRAME * sizeof *frame);
    frame_scores = malloc(FRAME * sizeof *frame_scores);
    description.struct_size = sizeof description;
    must(wb_model_describe(&description, c->model, &err), &err);
    scorers = calloc(description.contexts, sizeof *scorers);
    if (!frame || !frame_scores || !scorers) fail("out of memory", NULL);
    for (row = 0; row < FRAME; ++row) frame[row] = payments[row % payment_count];
    for (i = 0; i < description.contexts; ++i) {
        scorers[i].c = c;
        scorers[i].batch = describe_frame(c);
    }
    while (rounds < most && (rounds < 3 || wb_now_ns() < end)) {
        begin = wb_now_ns();
        atomic_store(&next_row, 0);
        for (i = 1; i < description.contexts; ++i)
            if (pthread_create(&scorers[i].thread, NULL, score_windows, &scorers[i])) fail("no thread", NULL);
        score_windows(&scorers[0]);
        for (i = 1; i < description.contexts; ++i) pthread_join(scorers[i].thread, NULL);
        us[rounds++] = (double)(wb_now_ns() - begin) / 1000.0 / FRAME;
    }
    for (row = 0; row < FRAME; ++row)
        if (!(fabs(frame_scores[row] - frame[row].logit) <= tolerance)) fail("a score of the frame is wrong", NULL);
    return quantile(us, rounds, 0.5);
}

int main(int argc, char **argv) {
    static caller one, all;
    program = "bindings_c";
    if (argc != 5) fail("usage: bindings_c BUNDLE PAYMENTS TOLERANCE SECONDS", NULL);
    bundle = argv[1];
    precision = "fp32";
    engines = "native";
    read_payments(argv[2]);
    tolerance = atof(argv[3]);
    seconds = atof(argv[4]);
    open_model(&one, "cpu=1");
    check(&one);
    fill_rows(&one);
    print_case("filled", median_us(when_filled, &one));
    print_case("setters", median_us(with_setters, &one));
    open_model(&all, "cpu");
    print_case("frame", frame_us(&all));
    return 0;
}
