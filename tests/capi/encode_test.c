/* SPDX-License-Identifier: Apache-2.0 */
/* The window of a batch as tensors: the bits of single rows, refused rows, and what a caller can get wrong.
 * tests/unit/batch/encode_test.cpp has sequences, texts and their masks. */
#include "support/check.h"

enum { kRows = 5, kFirst = 1, kWindow = 4, kNumbers = 3 };

static uint64_t rows[kRows][64];

/* Row 3 is refused. */
static void fill_rows(wb_schema *schema) {
    int i;
    for (i = 0; i < kRows; ++i) {
        char json[160];
        snprintf(json, sizeof json, "{\"amount_minor\": %d, \"age_days\": %d, \"country\": \"DE\", \"online\": true}",
                 i == 3 ? -1 : i * 1000, i);
        fill(schema, rows[i], json);
    }
}

static void as_rows_alone(wb_batch *batch, wb_schema *schema) {
    float numbers[kWindow][kNumbers];
    int64_t country[kWindow];
    int32_t status[kRows] = {9, 9, 9, 9, 9}, feature[kRows] = {9, 9, 9, 9, 9};
    double score[kRows] = {9, 9, 9, 9, 9};
    wb_batch_encoding got = WB_BATCH_ENCODING_INIT;
    int i;
    memset(numbers, 0x55, sizeof numbers), memset(country, 0x55, sizeof country);
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_STATUS, status, sizeof *status, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_FEATURE, feature, sizeof *feature, E));
    CHECK_STATUS(WB_OK, wb_batch_set_result(batch, WB_COLUMN_SCORE, score, sizeof *score, E));
    CHECK_STATUS(WB_OK, wb_batch_set_tensor(batch, 0, numbers, sizeof numbers, NULL, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_set_tensor(batch, 1, country, sizeof country, NULL, 0, E));
    CHECK_STATUS(WB_OK_PARTIAL, wb_batch_encode(&got, batch, 0, 0, E));
    CHECK(E->row == 3 && E->feature == 0 && E->code == WB_OK_PARTIAL && strstr(E->message, "amount_minor"));
    CHECK(got.status == WB_OK_PARTIAL && got.rows == kWindow && got.encoded == 3 && got.invalid == 1);
    CHECK(got.first_error == 3 && got.length == 0 && got.tokens == 0);
    for (i = 0; i < kWindow; ++i) {
        float alone[kNumbers] = {0, 0, 0};
        int64_t key = 0;
        wb_tensor_info info = {0};
        info.struct_size = sizeof info;
        if (kFirst + i != 3) {
            CHECK_STATUS(WB_OK, wb_schema_encode(&info, schema, rows[kFirst + i], 0, alone, sizeof alone, E));
            CHECK_STATUS(WB_OK, wb_schema_encode(&info, schema, rows[kFirst + i], 1, &key, sizeof key, E));
            CHECK(key == 2 && alone[1] == (float)(kFirst + i));
        }
        CHECK(memcmp(alone, numbers[i], sizeof alone) == 0 && country[i] == key);
        CHECK(status[kFirst + i] == (kFirst + i == 3 ? WB_INVALID_INPUT : WB_OK));
        CHECK(feature[kFirst + i] == (kFirst + i == 3 ? 0 : -1) && score[kFirst + i] == 9);
    }
    CHECK(status[0] == 9 && feature[0] == 9);
    CHECK_STATUS(WB_OK_PARTIAL, wb_batch_encode(NULL, batch, 7, 7, E)); /* sizes that no tensor has do not count */
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, 0, 3, E));
    CHECK_STATUS(WB_OK, wb_batch_encode(&got, batch, 0, 0, E));
    CHECK(got.rows == 3 && got.encoded == 3 && got.first_error == -1 && got.status == WB_OK);
}

static void mistakes(wb_batch *batch) {
    float numbers[kWindow][kNumbers];
    uint8_t mask[64];
    wb_batch_encoding got = WB_BATCH_ENCODING_INIT;
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kFirst, kWindow, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_set_tensor(NULL, 0, numbers, sizeof numbers, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_tensor(batch, 2, numbers, sizeof numbers, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_set_tensor(batch, 0, numbers, sizeof numbers, mask, sizeof mask, E));
    CHECK(strstr(E->message, "expected no mask") != NULL);
    CHECK_STATUS(WB_OK, wb_batch_set_tensor(batch, 1, NULL, 0, mask, 0, E)); /* ended */
    CHECK_STATUS(WB_OK, wb_batch_set_tensor(batch, 0, numbers, sizeof numbers - 1, NULL, 0, E));
    got.rows = 77;
    CHECK_STATUS(WB_BUFFER_TOO_SMALL, wb_batch_encode(&got, batch, 0, 0, E));
    CHECK(strstr(E->message, "48 bytes, got 47") && got.rows == 77);
    CHECK_STATUS(WB_OK, wb_batch_set_tensor(batch, 0, numbers, sizeof numbers, NULL, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_encode(&got, batch, -1, 0, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_encode(&got, batch, 0, -1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_batch_encode(&got, NULL, 0, 0, E));
    got.struct_size = WB_BATCH_ENCODING_SIZE_V1 - 1;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_encode(&got, batch, 0, 0, E));
    got.struct_size = sizeof got;
    memset(rows[2], 0, sizeof rows[2]); /* no row */
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_batch_encode(&got, batch, 0, 0, E));
    CHECK(E->row == 2 && got.rows == 77);
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kRows, 0, E));
    CHECK_STATUS(WB_OK, wb_batch_encode(&got, batch, 0, 0, E));
    CHECK(got.rows == 0 && got.encoded == 0);
}

int main(int argc, char **argv) {
    wb_schema *schema = NULL;
    wb_batch *batch = NULL;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E)); /* without a model */
    fill_rows(schema);
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_batch_reset(batch, kRows, E));
    CHECK_STATUS(WB_OK, wb_batch_set_rows(batch, rows, sizeof rows[0], E));
    CHECK_STATUS(WB_OK, wb_batch_set_window(batch, kFirst, kWindow, E));
    as_rows_alone(batch, schema);
    mistakes(batch);
    wb_batch_free(batch);
    wb_schema_free(schema);
    return 0;
}
