/* SPDX-License-Identifier: Apache-2.0 */
/* Times wb_model_score of single rows, or wb_model_score_batch of all of them together, through a library that is
 * opened by its path, so that two builds can be compared in processes that take turns (two_libraries.sh). bench_one_row
 * LIBRARY BUNDLE ROWS SECONDS [batch] ROWS has a JSON row a line. Scores every row once, then again and again in turn
 * for SECONDS. Prints the median nanoseconds of a call and, as a check that both builds answer alike, the exclusive or
 * of the scores' bits. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

#define MOST_ROWS 1024
#define ROW_BYTES 65536
#define SAMPLES 4000000 /* of 4 bytes each; a bench that takes more calls keeps the first */

static void *library;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bench_one_row: %s: %s\n", what, why);
    exit(1);
}

/* Functions are looked up by name; ISO C has no cast from an object's pointer to a function's, so the bytes are copied.
 */
static void look_up(void *function, const char *name) {
    void *found = dlsym(library, name);
    if (!found) fail(name, "not in the library");
    memcpy(function, &found, sizeof found);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    int32_t (*engine_create)(wb_engine **, wb_engine_options *, wb_error *);
    int32_t (*model_load)(wb_model **, wb_engine *, const char *, wb_load_options *, wb_error *);
    int32_t (*model_schema)(wb_schema **, wb_model *, wb_error *);
    int32_t (*row_init)(wb_schema *, void *, size_t, wb_error *);
    int32_t (*row_set_json)(wb_schema *, void *, const char *, size_t, wb_error *);
    int32_t (*model_score)(wb_result *, wb_model *, void *, int64_t, wb_call *, wb_error *);
    int32_t (*batch_create)(wb_batch **, wb_schema *, wb_error *);
    int32_t (*batch_reset)(wb_batch *, int64_t, wb_error *);
    int32_t (*batch_set_rows)(wb_batch *, void *, int64_t, wb_error *);
    int32_t (*batch_set_result)(wb_batch *, int32_t, void *, int64_t, wb_error *);
    int32_t (*score_batch)(wb_batch_result *, wb_model *, wb_batch *, int64_t, wb_call *, wb_error *);
    int64_t (*now_ns)(void);
    static char line[1 << 20];
    wb_error err = WB_ERROR_INIT;
    wb_result result = WB_RESULT_INIT;
    wb_engine *engine;
    wb_model *model;
    wb_schema *schema;
    wb_batch *batch;
    wb_batch_result batch_result = WB_BATCH_RESULT_INIT;
    char *rows = aligned_alloc(64, (size_t)MOST_ROWS * ROW_BYTES);
    static double scores[MOST_ROWS];
    int whole;
    uint64_t all = 0, bits;
    size_t count = 0, calls = 0;
    uint32_t *taken = malloc(SAMPLES * sizeof *taken);
    int64_t end, before, after, i;
    FILE *file;

    if (argc < 5 || argc > 6) fail("usage", "bench_one_row LIBRARY BUNDLE ROWS SECONDS [batch]");
    whole = argc == 6;
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fail(argv[1], dlerror());
    look_up(&engine_create, "wb_engine_create");
    look_up(&model_load, "wb_model_load");
    look_up(&model_schema, "wb_model_schema");
    look_up(&row_init, "wb_row_init");
    look_up(&row_set_json, "wb_row_set_json");
    look_up(&model_score, "wb_model_score");
    look_up(&batch_create, "wb_batch_create");
    look_up(&batch_reset, "wb_batch_reset");
    look_up(&batch_set_rows, "wb_batch_set_rows");
    look_up(&batch_set_result, "wb_batch_set_result");
    look_up(&score_batch, "wb_model_score_batch");
    look_up(&now_ns, "wb_now_ns");
    if (engine_create(&engine, NULL, &err) < 0 || model_load(&model, engine, argv[2], NULL, &err) < 0 ||
        model_schema(&schema, model, &err) < 0 || batch_create(&batch, schema, &err) < 0)
        fail(argv[2], err.message);
    file = fopen(argv[3], "r");
    if (!file) fail(argv[3], "cannot be read");
    while (rows && count < MOST_ROWS && fgets(line, sizeof line, file)) {
        char *row = rows + count * ROW_BYTES;
        if (row_init(schema, row, ROW_BYTES, &err) < 0 ||
            row_set_json(schema, row, line, strcspn(line, "\n"), &err) < 0 ||
            model_score(&result, model, row, WB_NO_DEADLINE, NULL, &err) != WB_OK)
            fail(argv[3], err.message);
        memcpy(&bits, &result.score, sizeof bits);
        all ^= bits + count++;
    }
    fclose(file);
    if (count == 0 || !taken) fail(argv[3], "no rows");
    if (whole && (batch_reset(batch, (int64_t)count, &err) < 0 || batch_set_rows(batch, rows, ROW_BYTES, &err) < 0 ||
                  batch_set_result(batch, WB_COLUMN_SCORE, scores, sizeof *scores, &err) < 0 ||
                  score_batch(&batch_result, model, batch, WB_NO_DEADLINE, NULL, &err) != WB_OK))
        fail("the batch", err.message);
    for (i = 0; whole && i < (int64_t)count; ++i) {
        memcpy(&bits, &scores[i], sizeof bits);
        all ^= bits + (uint64_t)i; /* 0 where the batch's scores are the single rows' */
    }
    memset(taken, 0, SAMPLES * sizeof *taken);
    before = now_ns();
    end = before + (int64_t)(atof(argv[4]) * 1e9);
    for (i = 0; before < end && calls < SAMPLES; i = (i + 1) % (int64_t)count) {
        if (whole)
            score_batch(&batch_result, model, batch, WB_NO_DEADLINE, NULL, &err);
        else
            model_score(&result, model, rows + (size_t)i * ROW_BYTES, WB_NO_DEADLINE, NULL, &err);
        after = now_ns();
        taken[calls++] = (uint32_t)(after - before);
        before = after;
    }
    qsort(taken, calls, sizeof *taken, by_value);
    printf("%" PRIu32 " %016" PRIx64 "\n", taken[calls / 2], all);
    return 0;
}
