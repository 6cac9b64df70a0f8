/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of any size: windows, copies for several threads, strides of every sign, and what a caller can get wrong. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>

#include "support/check.h"

enum { kRows = 1000000, kThreads = 4, kKept = 0x55555555 };

static wb_model *model;
static wb_schema *schema;
static int64_t *amount;
static double *score;
static int32_t *status;
static uint8_t online[2] = {0, 1};
static const wb_view country = {"FR", 2};

static void forget(void) {
    int i;
    for (i = 0; i < kRows; ++i) score[i] = -1, status[i] = kKept;
}

/* A batch of all rows, whose amounts differ. */
static wb_batch *million(void) {
    wb_batch *batch = NULL;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kRows, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, sizeof *amount, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, &country, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online, 0, NULL, E));
    forget();
    return batch;
}

static void check_rows(int64_t first, int64_t rows) {
    int64_t i;
    for (i = first; i < first + rows; ++i) {
        CHECK(status[i] == WB_OK);
        CHECK_NEAR(fixture_score((double)amount[i], 0, 1, 0, 0), score[i]);
    }
}

static void all_in_one_call(void) {
    wb_batch *batch = million();
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    check_rows(0, kRows);
    wb_batch_free(batch);
}

/* Bad rows are told by their numbers in the batch, and rows outside the window are left alone. */
static void by_windows(void) {
    enum { kStep = 30000, kBad = 123456 };
    wb_batch *batch = million();
    int64_t first, was = amount[kBad];
    amount[kBad] = -1;
    for (first = 0; first < kRows; first += kStep) {
        int64_t rows = first + kStep < kRows ? kStep : kRows - first;
        int32_t wanted = kBad >= first && kBad < first + rows ? WB_OK_PARTIAL : WB_OK;
        CHECK_STATUS(WB_OK, wb_batch_set_window(batch, first, rows, E));
        CHECK_STATUS(wanted, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
        if (wanted == WB_OK_PARTIAL) CHECK(E->row == kBad && E->feature == 0);
        if (first + rows < kRows) CHECK(status[first + rows] == kKept);
    }
    check_rows(0, kBad), check_rows(kBad + 1, kRows - kBad - 1);
    CHECK(status[kBad] == WB_INVALID_INPUT && isnan(score[kBad]));
    amount[kBad] = was;
    wb_batch_free(batch);
}

static void windows_at_edges(void) {
    static const int64_t wrong[][2] = {
        {-1, 1},        {0, -1},        {0, kRows + 1},         {kRows, 1},    {kRows + 1, 0}, {1, kRows},
        {INT64_MAX, 1}, {1, INT64_MAX}, {INT64_MAX, INT64_MAX}, {INT64_MIN, 0}};
    wb_batch *batch = million();
    size_t i;
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kRows - 1, 1, E)); /* the last row */
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    check_rows(kRows - 1, 1);
    CHECK(status[kRows - 2] == kKept);
    for (i = 0; i < sizeof wrong / sizeof *wrong; ++i)
        CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_window(batch, wrong[i][0], wrong[i][1], E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_window(batch, 7, kRows, E));
    CHECK(strstr(E->message, "[0, 1000000)") && strstr(E->message, "1000000 from 7 on"));
    forget();
    CHECK_STATUS(WB_OK,
                 wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E)); /* the window is as before */
    check_rows(kRows - 1, 1);
    CHECK(status[kRows - 2] == kKept && status[0] == kKept);
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kRows, 0, E)); /* none, at the end */
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 5, 0, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, wb_now_ns() - 1, NULL, E));
    CHECK(status[5] == kKept);
    CHECK_STATUS(WB_INVALID_INPUT, (amount[9] += kRows * 100, wb_batch_check(batch, 9, E))); /* whatever the window */
    amount[9] -= kRows * 100;
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 3, E)); /* the window is all rows again */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_window(batch, 0, 4, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(status[0] == WB_INVALID_INPUT && status[2] == WB_INVALID_INPUT && status[3] == kKept);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_set_window(NULL, 0, 0, E));
    wb_batch_free(batch);
}

typedef struct share {
    wb_batch *batch;
    int64_t first, rows;
    int32_t status;
} share;

static void *score_share(void *argument) {
    share *mine = argument;
    int64_t first;
    for (first = mine->first; first < mine->first + mine->rows && mine->status == WB_OK; first += 10000) {
        int64_t left = mine->first + mine->rows - first;
        mine->status = wb_batch_set_window(mine->batch, first, left < 10000 ? left : 10000, NULL);
        if (mine->status == WB_OK)
            mine->status = wb_model_score_batch(NULL, model, mine->batch, WB_NO_DEADLINE, NULL, NULL);
    }
    return NULL;
}

static void in_threads(wb_batch *batch) {
    pthread_t threads[kThreads];
    share shares[kThreads];
    int i;
    for (i = 0; i < kThreads; ++i) {
        shares[i].batch = NULL, shares[i].status = WB_OK;
        shares[i].first = (int64_t)i * (kRows / kThreads), shares[i].rows = kRows / kThreads;
        CHECK_STATUS(WB_OK, wb_batch_copy(&shares[i].batch, batch, E));
    }
    wb_batch_free(batch); /* the copies do without it */
    for (i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, score_share, &shares[i]) == 0);
    for (i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    for (i = 0; i < kThreads; ++i) CHECK(shares[i].status == WB_OK);
    for (i = 0; i < kThreads; ++i) wb_batch_free(shares[i].batch);
    check_rows(0, kRows);
}

/* A copy has the window, and changes alone. */
static void copies(void) {
    wb_batch *batch = million(), *copy = NULL;
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 10, 5, E));
    CHECK_STATUS(WB_OK, wb_batch_copy(&copy, batch, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 1, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, copy, WB_NO_DEADLINE, NULL, E));
    check_rows(10, 5);
    CHECK(status[9] == kKept && status[15] == kKept);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_copy(NULL, copy, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_copy(&batch, NULL, E));
    CHECK(batch == NULL);
    wb_batch_free(copy);
}

static void strides(void) {
    enum { kFew = 5 };
    static const wb_view countries[kFew] = {{"FR", 2}, {"DE", 2}, {"IT", 2}, {"XX", 2}, {"FR", 2}};
    static const int by_row[kFew] = {1, 2, 3, 0, 1};
    uint64_t rows[kFew][64];
    wb_batch *batch = NULL, *copy = NULL;
    int i;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kFew, E));
    /* everything backwards: values, and results */
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount + kFew - 1, -(int64_t)sizeof *amount, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, countries + kFew - 1, -(int64_t)sizeof *countries, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online + 1, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score + kFew - 1, -(int64_t)sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 1, 3, E));
    forget();
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    for (i = 1; i < 4; ++i) CHECK_NEAR(fixture_score((double)amount[i], 0, by_row[i], 1, 0), score[i]);
    CHECK(score[0] == -1 && score[4] == -1);
    /* rows backwards, and a window among them */
    for (i = 0; i < kFew; ++i) {
        char json[128];
        snprintf(json, sizeof json, "{\"amount_minor\": %d, \"country\": \"FR\", \"online\": false}", i * 1000);
        fill(schema, rows[i], json);
    }
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows[kFew - 1], -(int64_t)sizeof rows[0], E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    forget();
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    for (i = 1; i < 4; ++i) CHECK_NEAR(fixture_score((kFew - 1 - i) * 1000, 0, 1, 0, 0), score[i]);
    CHECK(score[0] == -1 && score[4] == -1);
    /* a row that is none is told by its number in the batch, and only if the window has it */
    memset(rows[0], 0, sizeof rows[0]);
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 2, 3, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(E->row == 4);
    /* the one row of stride 0 is marked once */
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows[1], 0, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(1000, 0, 1, 0, 0), score[4]);
    /* a column that is refused leaves the rows as they are; one that is taken replaces them */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column(batch, 99, amount, 8, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_copy(&copy, batch, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, 8, NULL, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, copy, WB_NO_DEADLINE, NULL, E));
    wb_batch_free(copy), wb_batch_free(batch);
}

/* Numbers that multiply beyond an int64 are refused, before any address is made of them. */
static void overflows(void) {
    const int64_t most = (int64_t)1 << 48;
    wb_batch *batch = NULL;
    uint64_t row[64];
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_reset(batch, most + 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_reset(batch, INT64_MAX, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_reset(batch, -1, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, most, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column(batch, 0, amount, (int64_t)1 << 40, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column(batch, 0, amount, INT64_MIN, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_rows(batch, row, (int64_t)1 << 40, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_rows(batch, row, INT64_MIN, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT,
                 wb_batch_set_column_as(batch, 0, WB_ELEMENT_STORED, amount, 0, online, INT64_MAX, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 0, WB_ELEMENT_STORED, amount, 0, online, -1, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, &country, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online, 0, NULL, E));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which end the program there */
    CHECK_STATUS(WB_OUT_OF_MEMORY,
                 wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E)); /* 8 bytes a row */
#endif
    /* a window far out, whose results have their places, and then are out of reach */
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, most - 2, 2, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE,
                                            (void *)((uintptr_t)score - (uintptr_t)(most - 2) * sizeof *score), 8, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score((double)amount[0], 0, 1, 0, 0), score[0]);
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, (int64_t)1 << 40, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(strstr(E->message, "1099511627776") && strstr(E->message, "281474976710655"));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, NULL, (int64_t)1 << 40, E));
    CHECK_STATUS(WB_OK, wb_batch_set_output(batch, 1, (float *)score, INT64_MAX, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    wb_batch_free(batch);
}

static atomic_int ended;

static void *score_all(void *argument) {
    int32_t got;
    do got = wb_model_score_batch(NULL, model, argument, WB_NO_DEADLINE, NULL, NULL);
    while (got == WB_BUSY);
    atomic_store(&ended, 1);
    return got == WB_OK ? NULL : argument;
}

/* While one thread scores, another is told so, whatever it wants of the batch. */
static void busy(void) {
    wb_batch *batch = million();
    int window = 0, copies_too = 0;
    while (!window || !copies_too) {
        pthread_t other;
        void *failed = NULL;
        atomic_store(&ended, 0);
        CHECK(pthread_create(&other, NULL, score_all, batch) == 0);
        while (!atomic_load(&ended)) {
            wb_batch *copy = NULL;
            window |= wb_batch_set_window(batch, 0, kRows, E) == WB_BUSY;
            copies_too |= wb_batch_copy(&copy, batch, E) == WB_BUSY;
            wb_batch_free(copy);
        }
        CHECK(pthread_join(other, &failed) == 0 && failed == NULL);
    }
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 0, 1, E));
    wb_batch_free(batch);
}

static void *copy_often(void *argument) {
    int i;
    for (i = 0; i < 20000; ++i) {
        wb_batch *copy = NULL;
        if (wb_batch_copy(&copy, argument, NULL) != WB_OK) return argument;
        wb_batch_free(copy);
    }
    return NULL;
}

/* Any number of threads copy one batch at once, and it is free again afterwards. */
static void copied_at_once(void) {
    enum { kCopiers = 4 };
    wb_batch *batch = million();
    pthread_t threads[kCopiers];
    int i;
    for (i = 0; i < kCopiers; ++i) CHECK(pthread_create(&threads[i], NULL, copy_often, batch) == 0);
    for (i = 0; i < kCopiers; ++i) {
        void *failed = NULL;
        CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    }
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 0, 1, E));
    wb_batch_free(batch);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=2", 16);
    int i;
    CHECK(argc == 2);
    amount = malloc(kRows * sizeof *amount), score = malloc(kRows * sizeof *score);
    status = malloc(kRows * sizeof *status);
    CHECK(amount && score && status);
    for (i = 0; i < kRows; ++i) amount[i] = (int64_t)i * 7919 % 1000000;
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    all_in_one_call();
    by_windows();
    windows_at_edges();
    in_threads(million());
    copies();
    strides();
    overflows();
    busy();
    copied_at_once();
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    free(amount), free(score), free(status);
    return 0;
}
