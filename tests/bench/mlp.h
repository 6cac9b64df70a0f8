/* SPDX-License-Identifier: Apache-2.0 */
/* What the C benches of the MLP share: payments and their logits from a file, a loaded model, a row, quantiles. */
#ifndef WB_BENCH_MLP_H
#define WB_BENCH_MLP_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

#define NUMBERS 64
#define CODES 16
#define FEATURES (NUMBERS + CODES)
#define SAMPLE_NS 2000000

typedef struct {
    float numbers[NUMBERS];
    int64_t codes[CODES];
    double logit;
} payment;

static const char *program, *bundle, *precision, *engines;
static payment *payments;
static int64_t payment_count;
static double tolerance, seconds;

static void fail(const char *what, const wb_error *err) {
    fprintf(stderr, "%s: %s%s%s\n", program, what, err ? ": " : "", err ? err->message : "");
    exit(1);
}

/* What one caller has: a model and a row. */
typedef struct {
    wb_engine *engine;
    wb_model *model;
    wb_schema *schema;
    wb_schema_info info;
    wb_feature_info features[FEATURES];
    int32_t numerics; /* of the last score; 0 where LibTorch ran, whose bits depend on the batch */
    uint64_t row[256];
} caller;

static void must(int32_t status, const wb_error *err) {
    if (status != WB_OK) fail(wb_status_name(status), err);
}

static void new_row(caller *c) {
    wb_error err = WB_ERROR_INIT;
    must(wb_row_init(c->schema, c->row, sizeof c->row, &err), &err);
}

static void open_model(caller *c, const char *devices) {
    wb_error err = WB_ERROR_INIT;
    wb_engine_options *options;
    wb_load_options *load;
    uint32_t i;
    must(wb_engine_options_create(&options, &err), &err);
    must(wb_engine_options_set_devices(options, devices, &err), &err);
    must(wb_engine_create(&c->engine, options, &err), &err);
    wb_engine_options_free(options);
    must(wb_load_options_create(&load, &err), &err);
    must(wb_load_options_set_engines(load, engines, &err), &err);
    if (strcmp(precision, "-")) must(wb_load_options_set_precision(load, precision, &err), &err);
    must(wb_model_load(&c->model, c->engine, bundle, load, &err), &err);
    wb_load_options_free(load);
    must(wb_model_schema(&c->schema, c->model, &err), &err);
    c->info.struct_size = sizeof c->info;
    must(wb_schema_describe(&c->info, c->schema, &err), &err);
    if (c->info.feature_count != FEATURES || c->info.fixed_bytes > sizeof c->row)
        fail("not the bundle of an MLP", NULL);
    for (i = 0; i < FEATURES; ++i) {
        c->features[i].struct_size = sizeof c->features[i];
        must(wb_schema_feature(&c->features[i], c->schema, i, &err), &err);
    }
    new_row(c);
}

/* Writes the features from `first` on. */
static void fill(const caller *c, void *row, const payment *p, uint32_t first) {
    uint32_t i;
    for (i = first; i < NUMBERS; ++i) wb_row_set_float32(row, &c->info, &c->features[i], i, p->numbers[i]);
    for (i = NUMBERS; i < FEATURES; ++i) wb_row_set_int64(row, &c->info, &c->features[i], i, p->codes[i - NUMBERS]);
}

static double score_row(caller *c, void *row) {
    wb_error err = WB_ERROR_INIT;
    wb_result result = WB_RESULT_INIT;
    must(wb_model_score(&result, c->model, row, WB_NO_DEADLINE, NULL, &err), &err);
    c->numerics = result.numerics;
    return result.score;
}

static double score(caller *c, const payment *p) {
    fill(c, c->row, p, 0);
    return score_row(c, c->row);
}

static void check(caller *c) {
    double worst = 0;
    int64_t i;
    for (i = 0; i < payment_count; ++i) worst = fmax(worst, fabs(score(c, &payments[i]) - payments[i].logit));
    if (!(worst <= tolerance)) {
        fprintf(stderr, "%s: %s differs from LibTorch by %g, at most %g\n", program, precision, worst, tolerance);
        exit(1);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double share) {
    qsort(values, count, sizeof *values, by_value);
    return values[(size_t)(share * (double)(count - 1))];
}

static double *doubles(size_t count) {
    double *values = malloc(count * sizeof *values);
    if (!values) fail("out of memory", NULL);
    return values;
}

/* Reads what rivals/c_side.py writes: a count, then for each payment 64 float32, 16 int64 and the logit. */
static void read_payments(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fread(&payment_count, sizeof payment_count, 1, file) != 1 || payment_count < 1 ||
        !(payments = malloc((size_t)payment_count * sizeof *payments)) ||
        fread(payments, sizeof *payments, (size_t)payment_count, file) != (size_t)payment_count)
        fail("cannot read the payments", NULL);
    fclose(file);
}

#endif
