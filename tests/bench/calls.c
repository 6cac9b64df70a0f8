/* SPDX-License-Identifier: Apache-2.0 */
/* The C call as a binding's bench sees it: a library that the bench loads into its own process, so that both are timed
 * by turns there. Linked with nothing: the bench has loaded libweighbridge.so, whose wb_model_score it hands over. */
#define _POSIX_C_SOURCE 200809L
#include <stddef.h>
#include <time.h>
#include <weighbridge/c/model.h>

typedef int32_t (*score_fn)(wb_result *, wb_model *, void *, int64_t, wb_call *, wb_error *);

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Scores a filled row `calls` times. @return nanoseconds of all; -1 where a call did not answer with WB_OK */
WB_API int64_t bench_calls_score(score_fn score, wb_model *model, void *row, int64_t calls);
int64_t bench_calls_score(score_fn score, wb_model *model, void *row, int64_t calls) {
    wb_result result = WB_RESULT_INIT;
    wb_error err = WB_ERROR_INIT;
    int64_t begin = now_ns(), i;
    for (i = 0; i < calls; ++i)
        if (score(&result, model, row, WB_NO_DEADLINE, NULL, &err) != WB_OK) return -1;
    return now_ns() - begin;
}
