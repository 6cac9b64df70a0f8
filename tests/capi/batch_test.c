/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: strided rows, columns, shared values, validity, Arrow, bad rows among good ones, sizes at the limits. */
#include "support/check.h"

enum { kRows = 513 };

typedef struct columns {
    double score[kRows], probability[kRows];
    int32_t band[kRows], status[kRows], feature[kRows];
    uint32_t defaulted[kRows];
    float logit[kRows];
} columns;

static void want(wb_batch *batch, columns *out) {
    memset(out, 0x55, sizeof *out);
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, out->score, sizeof *out->score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_PROBABILITY, out->probability, 8, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_BAND, out->band, 4, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, out->status, 4, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_FEATURE, out->feature, 4, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_DEFAULTED, out->defaulted, 4, E));
    CHECK_STATUS(WB_OK, wb_batch_set_output(batch, 1, out->logit, sizeof *out->logit, E));
}

/* The same bits alone and in any batch, by rows and by columns. */
static void same_bits(wb_model *model, wb_schema *schema) {
    static uint64_t rows[kRows][24];
    static int64_t amount[kRows];
    static float age[kRows];
    static wb_view country[kRows];
    static uint8_t online[kRows];
    static columns by_rows, by_columns;
    static const char *names[] = {"FR", "DE", "IT", "XX"};
    static const int sizes[] = {1, 2, 7, 64, kRows};
    wb_batch *batch = NULL;
    size_t s;
    int i;
    for (i = 0; i < kRows; ++i) {
        char json[160];
        amount[i] = (int64_t)i * 7919 % 100000;
        age[i] = (float)(i % 50) / 4;
        country[i].data = names[i % 4];
        country[i].size = 2;
        online[i] = (uint8_t)(i % 3 == 0);
        snprintf(json, sizeof json, "{\"amount_minor\": %d, \"age_days\": %.9g, \"country\": \"%s\", \"online\": %s}",
                 (int)amount[i], (double)age[i], names[i % 4], online[i] ? "true" : "false");
        CHECK_STATUS(WB_OK, wb_row_init(schema, rows[i], sizeof rows[i], E));
        CHECK_STATUS(WB_OK, wb_row_set_json(schema, rows[i], json, strlen(json), E));
    }
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    for (s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
        int n = sizes[s];
        want(batch, &by_rows);
        CHECK_STATUS(WB_OK, wb_batch_reset(batch, n, E));
        CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows, sizeof rows[0], E));
        CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
        want(batch, &by_columns);
        CHECK_STATUS(WB_OK, wb_batch_reset(batch, n, E));
        CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, 8, NULL, E));
        CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 1, age, 4, NULL, E));
        CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, country, sizeof *country, NULL, E));
        CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online, 1, NULL, E));
        CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
        for (i = 0; i < n; ++i) {
            wb_result alone = WB_RESULT_INIT;
            CHECK_STATUS(WB_OK, wb_model_score(&alone, model, rows[i], WB_NO_DEADLINE, NULL, E));
            CHECK(by_rows.score[i] == alone.score && by_columns.score[i] == alone.score);
            CHECK(by_rows.probability[i] == alone.probability && by_rows.band[i] == alone.band);
            CHECK(by_rows.status[i] == WB_OK && by_columns.status[i] == WB_OK && by_rows.feature[i] == -1);
            CHECK(by_rows.logit[i] == by_columns.logit[i]);
            CHECK_NEAR(fixture_score((double)amount[i], age[i], (i % 4 + 1) % 4, online[i], 0), alone.score);
        }
    }
    wb_batch_free(batch);
}

static void good_and_bad(wb_model *model, wb_schema *schema) {
    int64_t amount[6] = {100, -5, 100, 100, 20000000, 300};
    float age[6] = {1, 1, (float)INFINITY, 1, 1, 9};
    wb_view fr = {"FR", 2};
    uint64_t never_made[128] = {0};
    uint8_t online[6] = {1, 1, 1, 1, 1, 1}, has_online = 0x37, has_age = 0x1f; /* row 3 lacks online, row 5 age */
    columns out;
    wb_batch *batch = NULL;
    int i;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    want(batch, &out);
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 6, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, 8, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 1, age, 4, &has_age, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, &fr, 0, NULL, E)); /* one value for all rows */
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online, 1, &has_online, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(E->row == 1 && E->feature == 0 && strstr(E->message, "amount_minor") && E->code == WB_OK_PARTIAL);
    for (i = 0; i < 6; ++i) {
        int good = i == 0 || i == 5;
        CHECK(out.status[i] == (good ? WB_OK : WB_INVALID_INPUT));
        CHECK(good == !isnan(out.score[i]) && good == !isnan((double)out.logit[i]));
    }
    CHECK_NEAR(fixture_score(100, 1, 1, 1, 0), out.score[0]);
    CHECK_NEAR(fixture_score(300, 0, 1, 1, 0), out.score[5]);
    CHECK(out.defaulted[5] == 1 && out.feature[1] == 0 && out.feature[2] == 1 && out.feature[3] == 3);
    CHECK_STATUS(WB_INVALID_INPUT, wb_batch_check(batch, 2, E));
    CHECK(strstr(E->message, "age_days") != NULL && E->row == 2);
    CHECK_STATUS(WB_OK, wb_batch_check(batch, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_check(batch, 6, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 2, E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, never_made, sizeof never_made / 2, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_check(batch, 1, E)); /* as scoring says */
    CHECK(strstr(E->message, "wb_row_init") != NULL && E->row == 1);
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 6, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 0, amount, 8, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 1, age, 4, &has_age, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 2, &fr, 0, NULL, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column(batch, 3, online, 1, &has_online, E));

    /* a deadline in the past: the fallback answers every row, or none */
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score_batch(NULL, model, batch, wb_now_ns() - 1, NULL, E));
    for (i = 0; i < 6; ++i) CHECK(out.status[i] == WB_OK_FALLBACK && out.score[i] == 0.75);
    {
        wb_call *call = NULL;
        CHECK_STATUS(WB_OK, wb_call_create(&call, E));
        CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
        CHECK_STATUS(WB_DEADLINE_EXCEEDED, wb_model_score_batch(NULL, model, batch, wb_now_ns() - 1, call, E));
        CHECK(out.status[0] == WB_DEADLINE_EXCEEDED && isnan(out.score[0]));
        wb_call_free(call);
    }
    wb_batch_free(batch);
}

static void sizes_and_mistakes(wb_model *model, wb_schema *schema) {
    wb_batch *batch = NULL;
    uint64_t rows[2][24] = {{0}};
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E)); /* zero rows */
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 2, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_rows(batch, rows, 8, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_rows(batch, NULL, 192, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column(batch, 4, rows, 8, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column(batch, 0, NULL, 8, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, 0, rows, 8, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, 99, rows, 8, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_output(batch, 2, (float *)rows, 8, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, WB_COLUMN_SCORE, rows, 4, E));
    CHECK(strcmp(E->message, "result column: expected a stride of at least 8 bytes, its element's size, got 4") == 0);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, WB_COLUMN_PROBABILITY, rows, -7, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_result(batch, WB_COLUMN_BAND, rows, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_output(batch, 1, (float *)rows, 3, E));
    CHECK(strcmp(E->message, "output: expected a stride of at least 4 bytes, its element's size, got 3") == 0);
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, NULL, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_output(batch, 1, NULL, 0, E));
    /* rows that were never made: the second one is found out before anything is scored */
    CHECK_STATUS(WB_OK, wb_row_init(schema, rows[0], sizeof rows[0], E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows, sizeof rows[0], E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(E->row == 1);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_score_batch(NULL, model, NULL, WB_NO_DEADLINE, NULL, E));
    wb_batch_free(batch);
}

/* The producer's callbacks: a live array has one; the library never calls it. */
static void release_type(struct ArrowSchema *type) { (void)type; }
static void release_array(struct ArrowArray *array) { (void)array; }

static void arrow(wb_model *model, wb_schema *schema) {
    int64_t amount[3] = {999999, 100, 200}; /* offset 1 */
    int32_t offsets[3] = {0, 2, 4};
    const void *amount_buffers[2] = {NULL, NULL}, *text_buffers[3] = {NULL, NULL, "FRDE"};
    uint8_t bits = 0x02;
    const void *bit_buffers[2] = {NULL, NULL};
    struct ArrowSchema type = {"l", "amount_minor", NULL, 2, 0, NULL, NULL, release_type, NULL};
    struct ArrowArray array = {2, 0, 1, 2, 0, NULL, NULL, NULL, release_array, NULL};
    double score[2];
    wb_batch *batch = NULL;
    amount_buffers[1] = amount;
    text_buffers[1] = offsets;
    bit_buffers[1] = &bits;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 2, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, 8, E));
    array.buffers = amount_buffers;
    CHECK_STATUS(WB_OK, wb_batch_set_arrow(batch, 0, &type, &array, E));
    type.format = "u", type.name = "country";
    array.offset = 0, array.n_buffers = 3, array.buffers = text_buffers;
    CHECK_STATUS(WB_OK, wb_batch_set_arrow(batch, 2, &type, &array, E));
    type.format = "b", type.name = "online";
    array.n_buffers = 2, array.buffers = bit_buffers;
    CHECK_STATUS(WB_OK, wb_batch_set_arrow(batch, 3, &type, &array, E));
    CHECK_STATUS(WB_OK, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(100, 0, 1, 0, 0), score[0]);
    CHECK_NEAR(fixture_score(200, 0, 2, 1, 0), score[1]);
    type.format = "tdD";
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow(batch, 0, &type, &array, E));
    CHECK(strstr(E->message, "tdD") != NULL && strstr(E->message, "amount_minor") != NULL);
    wb_batch_free(batch);
}

/* A record batch at once: three columns in another order, row 1 null in the struct, everything at an offset. */
static void arrow_rows(wb_model *model, wb_schema *schema) {
    enum { kColumns = 3, kLength = 3 };
    int32_t amount[kLength + 1] = {-1, 100, 200, 300}, offsets[kLength + 2] = {0, 1, 3, 5, 7};
    uint8_t bits = 0x0c, rows_valid = 0x0a; /* bits 1 and 3 */
    const void *numbers[2] = {NULL, NULL}, *texts[3] = {NULL, NULL, "-FRDEIT"}, *flags[2] = {NULL, NULL};
    const void *validity[1] = {NULL};
    struct ArrowSchema types[kColumns] = {{"u", "country", NULL, 2, 0, NULL, NULL, release_type, NULL},
                                          {"b", "online", NULL, 2, 0, NULL, NULL, release_type, NULL},
                                          {"i", "amount_minor", NULL, 2, 0, NULL, NULL, release_type, NULL}};
    struct ArrowArray arrays[kColumns] = {{kLength + 1, 0, 0, 3, 0, texts, NULL, NULL, release_array, NULL},
                                          {kLength + 1, 0, 0, 2, 0, flags, NULL, NULL, release_array, NULL},
                                          {kLength + 1, 0, 0, 2, 0, numbers, NULL, NULL, release_array, NULL}};
    struct ArrowSchema *type_list[kColumns] = {&types[0], &types[1], &types[2]};
    struct ArrowArray *array_list[kColumns] = {&arrays[0], &arrays[1], &arrays[2]};
    struct ArrowSchema type = {"+s", "", NULL, 0, kColumns, type_list, NULL, release_type, NULL};
    struct ArrowArray array = {kLength, 1, 1, 1, kColumns, validity, array_list, NULL, release_array, NULL};
    double score[kLength];
    int32_t status[kLength];
    wb_batch *batch = NULL;
    texts[1] = offsets, flags[1] = &bits, numbers[1] = amount, validity[0] = &rows_valid;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kLength, E));
    CHECK_STATUS(WB_OK, wb_batch_set_arrow_rows(batch, &type, &array, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK(E->row == 1 && status[0] == WB_OK && status[1] == WB_INVALID_INPUT && status[2] == WB_OK);
    CHECK_NEAR(fixture_score(100, 0, 1, 0, 0), score[0]);
    CHECK_NEAR(fixture_score(300, 0, 3, 1, 0), score[2]);
    types[1].name = "on_line"; /* a misspelt column is missing, and unknown; the batch is as before */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow_rows(batch, &type, &array, E));
    CHECK(strstr(E->message, "missing 'online'; unknown 'on_line' (near the first: 'online'") != NULL);
    types[1].name = "online", types[2].format = "u";
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow_rows(batch, &type, &array, E));
    CHECK(strstr(E->message, "'amount_minor': expected int64") != NULL && E->feature == 0);
    types[2].format = "i", array.length = kLength + 1;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow_rows(batch, &type, &array, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow_rows(batch, NULL, &array, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_arrow_rows(batch, &type, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_set_arrow_rows(NULL, &type, &array, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    wb_batch_free(batch);
}

/* Columns as numpy has them: other widths than the features', validity that begins inside a byte. */
static void other_types(wb_model *model, wb_schema *schema) {
    static const uint8_t amount[3] = {100, 200, 250};
    static const double age[3] = {1.5, 2.5, 3.5};
    static const int64_t online[3] = {1, 0, 2};
    static const wb_view country[3] = {{"FR", 2}, {"DE", 2}, {"IT", 2}};
    const uint8_t has_age = 0x28; /* bits 3 and 5: rows 0 and 2 */
    double score[3];
    int32_t status[3];
    wb_batch *batch = NULL;
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, 3, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column_as(batch, 0, WB_ELEMENT_UINT8, amount, 1, NULL, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column_as(batch, 1, WB_ELEMENT_FLOAT64, age, 8, &has_age, 3, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column_as(batch, 2, WB_ELEMENT_VIEW, country, sizeof *country, NULL, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_column_as(batch, 3, WB_ELEMENT_INT64, online, 8, NULL, 0, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(100, 1.5, 1, 1, 0), score[0]);
    CHECK_NEAR(fixture_score(200, 0, 2, 0, 0), score[1]);
    CHECK(status[2] == WB_INVALID_INPUT && E->row == 2 && E->feature == 3); /* a bool is 0 or 1 */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 0, WB_ELEMENT_BOOL, amount, 1, NULL, 0, E));
    CHECK(strstr(E->message, "amount_minor") && strstr(E->message, "int64") && strstr(E->message, "bool"));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 2, WB_ELEMENT_INT8, amount, 1, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 0, 14, amount, 1, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 0, -1, amount, 1, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 4, WB_ELEMENT_INT8, amount, 1, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_column_as(batch, 0, WB_ELEMENT_INT8, NULL, 1, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_set_column_as(NULL, 0, WB_ELEMENT_INT8, amount, 1, NULL, 0, E));
    wb_batch_free(batch);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=1", 4);
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    same_bits(model, schema);
    good_and_bad(model, schema);
    sizes_and_mistakes(model, schema);
    arrow(model, schema);
    arrow_rows(model, schema);
    other_types(model, schema);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
