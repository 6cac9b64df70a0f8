/* SPDX-License-Identifier: Apache-2.0 */
/* Batches while memory runs out: each allocation of each call fails once. The call says so, and works when it is made
 * again. */
#include "support/check.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) {
    puts("skipped: the sanitizer has an allocator of its own");
    return 77;
}
#else

#include <errno.h>

/* The process's own allocator, of which the one after `left` more fails. Negative: none does. */
static long left = -1;

static int fails(void) {
    if (left < 0 || left-- > 0) return 0;
    errno = ENOMEM;
    return 1;
}

#pragma GCC visibility push(default) /* so that the library's calls come here */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { return fails() ? NULL : __libc_realloc(memory, size); }
void *aligned_alloc(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
#pragma GCC visibility pop

enum { kRows = 3, kColumns = 3 };

static long attempt;
static int failures;

/* Makes the call with its `attempt`-th allocation failing, and again with none. */
#define WITH_FAILURE(expected, call)                                               \
    do {                                                                           \
        int32_t with_failure_status;                                               \
        left = attempt;                                                            \
        with_failure_status = (call);                                              \
        if (left < 0) {                                                            \
            ++failures;                                                            \
            CHECK(may_be(with_failure_status, expected));                          \
        }                                                                          \
        left = -1;                                                                 \
        if (with_failure_status == WB_OUT_OF_MEMORY) CHECK_STATUS(expected, call); \
    } while (0)

/* A failure inside a model's run is answered by the fallback; some are not noticed at all. */
static int may_be(int32_t got, int32_t expected) {
    return got == WB_OUT_OF_MEMORY || got == WB_OK_FALLBACK || got == expected;
}

static void release_type(struct ArrowSchema *type) { (void)type; }
static void release_array(struct ArrowArray *array) { (void)array; }

static void set_rows_of_arrow(wb_batch *batch, const char *third) {
    static const int64_t amount[kRows] = {100, 200, 300};
    static const int32_t offsets[kRows + 1] = {0, 2, 4, 6};
    static const uint8_t bits = 0x05;
    const void *numbers[2] = {NULL, amount}, *texts[3] = {NULL, offsets, "FRDEIT"}, *flags[2] = {NULL, &bits};
    const void *validity[1] = {NULL};
    struct ArrowSchema types[kColumns] = {{"l", "amount_minor", NULL, 2, 0, NULL, NULL, release_type, NULL},
                                          {"u", "country", NULL, 2, 0, NULL, NULL, release_type, NULL},
                                          {"b", third, NULL, 2, 0, NULL, NULL, release_type, NULL}};
    struct ArrowArray arrays[kColumns] = {{kRows, 0, 0, 2, 0, numbers, NULL, NULL, release_array, NULL},
                                          {kRows, 0, 0, 3, 0, texts, NULL, NULL, release_array, NULL},
                                          {kRows, 0, 0, 2, 0, flags, NULL, NULL, release_array, NULL}};
    struct ArrowSchema *type_list[kColumns] = {&types[0], &types[1], &types[2]};
    struct ArrowArray *array_list[kColumns] = {&arrays[0], &arrays[1], &arrays[2]};
    struct ArrowSchema type = {"+s", "", NULL, 0, kColumns, type_list, NULL, release_type, NULL};
    struct ArrowArray array = {kRows, 0, 0, 1, kColumns, validity, array_list, NULL, release_array, NULL};
    WITH_FAILURE(strcmp(third, "online") == 0 ? WB_OK : WB_INVALID_ARGUMENT,
                 wb_batch_set_arrow_rows(batch, &type, &array, E));
}

static void every_call(wb_model *model, wb_schema *schema) {
    static const int64_t amount[kRows] = {100, -1, 300};
    static const wb_view country = {"FR", 2};
    static const uint8_t online = 1;
    double score[kRows] = {0, 0, 0};
    float numbers[kRows][3];
    wb_batch *batch = NULL, *copy = NULL;
    wb_batch_result result = WB_BATCH_RESULT_INIT;
    wb_batch_encoding encoding = WB_BATCH_ENCODING_INIT;
    WITH_FAILURE(WB_OK, wb_batch_create(&batch, schema, E));
    WITH_FAILURE(WB_OK, wb_batch_reset(batch, kRows, E));
    WITH_FAILURE(WB_OK, wb_batch_set_column_as(batch, 0, WB_ELEMENT_INT64, amount, sizeof *amount, NULL, 0, E));
    WITH_FAILURE(WB_OK, wb_batch_set_column(batch, 2, &country, 0, NULL, E));
    WITH_FAILURE(WB_OK, wb_batch_set_column(batch, 3, &online, 0, NULL, E));
    WITH_FAILURE(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    WITH_FAILURE(WB_OK, wb_batch_set_window(batch, 0, kRows, E));
    WITH_FAILURE(WB_OK, wb_batch_copy(&copy, batch, E));
    WITH_FAILURE(WB_OK_PARTIAL, wb_model_score_batch(&result, model, batch, WB_NO_DEADLINE, NULL, E));
    WITH_FAILURE(WB_OK, wb_batch_set_tensor(batch, 0, numbers, sizeof numbers, NULL, 0, E));
    WITH_FAILURE(WB_OK_PARTIAL, wb_batch_encode(&encoding, batch, 0, 0, E));
    CHECK(encoding.encoded == 2 && encoding.first_error == 1 && numbers[1][0] == 0 && numbers[2][2] == 1);
    WITH_FAILURE(WB_INVALID_INPUT, wb_batch_check(batch, 1, E));
    set_rows_of_arrow(copy, "on_line"); /* refused: the columns are as before */
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, copy, WB_NO_DEADLINE, NULL, E));
    set_rows_of_arrow(copy, "online");
    wb_batch_free(batch), wb_batch_free(copy);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=1", 4);
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    for (attempt = 0; attempt == 0 || failures > 0; ++attempt) {
        failures = 0;
        every_call(model, schema);
    }
    CHECK(attempt > 5);
    wb_schema_free(schema), wb_model_free(model), wb_engine_free(engine);
    return 0;
}
#endif
