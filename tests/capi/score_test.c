/* SPDX-License-Identifier: Apache-2.0 */
/* Scoring one payment: right answers, every way to fill a row, defaults, outputs, bad rows. */
#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"age_days\": 2, \"country\": \"DE\", \"online\": true}";

static void right_answers(wb_model *model, wb_schema *schema) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(1250, 2, 2, 1, 0), result.score);
    CHECK(result.probability == result.score);
    CHECK(result.band == 1 && result.status == WB_OK && result.reason == WB_REASON_NONE);
    CHECK(result.backend == WB_BACKEND_NATIVE && result.precision == WB_PRECISION_FP32 && result.numerics == 1);
    CHECK(strcmp(result.version, "1.0.0") == 0 && result.bundle != 0);
    CHECK(result.queue_ns >= 0 && result.run_ns > 0);
    CHECK(result.defaulted == 0 && result.clipped == 0);
}

static void setters_by_offset(wb_model *model, wb_schema *schema) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    wb_schema_info info = {0};
    wb_feature_info features[4];
    uint32_t i;
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_schema_describe(&info, schema, E));
    CHECK(info.feature_count == 4 && info.output_count == 2 && info.fixed_bytes % 8 == 0);
    for (i = 0; i < 4; ++i) {
        features[i].struct_size = sizeof features[i];
        CHECK_STATUS(WB_OK, wb_schema_feature(&features[i], schema, i, E));
    }
    CHECK(strcmp(features[0].name, "amount_minor") == 0 && features[0].type == WB_TYPE_INT64);
    CHECK(features[0].is_private == 1 && features[0].money_exponent == 2 && features[0].required == 1);
    CHECK(features[1].required == 0 && features[2].type == WB_TYPE_CATEGORY && features[3].type == WB_TYPE_BOOL);
    CHECK_STATUS(WB_OK, wb_row_init(schema, row, sizeof row, E));
    wb_row_set_int64(row, &info, &features[0], 0, 990);
    CHECK_STATUS(WB_OK, wb_row_set_span(row, &info, &features[2], 2, "FR", 2, 1));
    wb_row_set_bool(row, &info, &features[3], 3, 0);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(990, 0, 1, 0, 0), result.score);
    CHECK(result.defaulted == 1);
    /* a row whose tail is full keeps what it has */
    CHECK(wb_row_set_span(row, &info, &features[2], 2, row, 500, 1) == WB_BUFFER_TOO_SMALL);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(990, 0, 1, 0, 0), result.score);
}

static void outputs_of_a_call(wb_model *model, wb_schema *schema) {
    uint64_t row[64];
    float logit[2] = {7, 7};
    wb_call *call = NULL;
    wb_result result = WB_RESULT_INIT;
    wb_tensor_info output = {0};
    output.struct_size = sizeof output;
    CHECK_STATUS(WB_OK, wb_schema_output(&output, schema, 1, E));
    CHECK(strcmp(output.name, "logit") == 0 && output.dtype == WB_DTYPE_FLOAT32 && output.shape[0] == -1);
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 1, logit, 1, E));
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    CHECK_NEAR(result.score, 1 / (1 + exp(-(double)logit[0])));
    CHECK(logit[1] == 7);
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 1, logit, 0, E));
    CHECK_STATUS(WB_BUFFER_TOO_SMALL, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 1, NULL, 0, E));
    CHECK_STATUS(WB_OK, wb_call_set_output(call, 9, logit, 2, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    wb_call_free(call);
}

static void bad_rows(wb_model *model, wb_schema *schema) {
    static const struct {
        const char *json;
        int32_t feature;
        const char *message;
    } cases[] = {
        {"{\"country\": \"FR\", \"online\": true}", 0, "amount_minor"},
        {"{\"amount_minor\": 10000001, \"country\": \"FR\", \"online\": true}", 0, "[0, 10000000]"},
        {"{\"amount_minor\": -3, \"country\": \"FR\", \"online\": true}", 0, "amount_minor"},
        {"{\"amount_minor\": 1, \"age_days\": \"Infinity\", \"country\": \"FR\", \"online\": true}", 1, "age_days"},
        {"{\"amount_minor\": 1, \"country\": \"FR\"}", 3, "online"},
    };
    uint64_t row[64];
    size_t i;
    wb_result result = WB_RESULT_INIT;
    for (i = 0; i < sizeof cases / sizeof *cases; ++i) {
        fill(schema, row, cases[i].json);
        result.score = -1;
        CHECK_STATUS(WB_INVALID_INPUT, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
        CHECK(E->feature == cases[i].feature && E->row == 0 && E->code == WB_INVALID_INPUT);
        CHECK(strstr(E->message, cases[i].message) != NULL);
        CHECK(result.score == -1);
    }
    CHECK(strstr(E->message, "10000001") == NULL);
    fill(schema, row, "{\"amount_minor\": 10000001, \"country\": \"FR\", \"online\": true}");
    CHECK_STATUS(WB_INVALID_INPUT, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(strstr(E->message, "10000001") == NULL); /* amount_minor has a privacy class */
    fill(schema, row, "{\"amount_minor\": 1, \"age_days\": \"NaN\", \"country\": \"XX\", \"online\": true}");
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_NEAR(fixture_score(1, 0, 0, 1, 0), result.score);
    CHECK(result.defaulted == 1);
    CHECK_STATUS(WB_INVALID_INPUT, wb_row_set_json(schema, row, "{\"amount\": 1}", 13, E));
    CHECK(strstr(E->message, "amount_minor") != NULL);
    CHECK_STATUS(WB_INVALID_INPUT, wb_row_set_json(schema, row, "{", 1, E));
    CHECK_STATUS(WB_INVALID_INPUT, wb_row_set_json(schema, row, "{\"online\": 3}", 13, E));
    CHECK_STATUS(WB_INVALID_INPUT, wb_row_set_json(schema, row, "{\"country\": \"\xff\"}", 16, E));
}

static void bad_calls(wb_model *model, wb_schema *schema) {
    uint64_t row[64], other[64] = {0};
    wb_result result = WB_RESULT_INIT;
    wb_row_header header;
    fill(schema, row, kRow);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(NULL, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(&result, model, NULL, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_score(&result, NULL, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_score(&result, (wb_model *)schema, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(&result, model, other, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_row_init(schema, row, 16, E));
    result.struct_size = 4;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    result.struct_size = sizeof result;
    fill(schema, row, kRow);
    memcpy(&header, row, sizeof header);
    header.busy = 1;
    memcpy(row, &header, sizeof header);
    CHECK_STATUS(WB_BUSY, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    header.busy = 0;
    header.used = 1u << 30;
    memcpy(row, &header, sizeof header);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    /* the process is fine: no err struct, then a right call */
    CHECK(wb_model_score(&result, NULL, row, WB_NO_DEADLINE, NULL, NULL) == WB_INVALID_HANDLE);
    right_answers(model, schema);
}

static void deadlines(wb_model *model, wb_schema *schema) {
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    wb_call *call = NULL;
    wb_cancel *cancel = NULL;
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(result.device == 0);
    CHECK_STATUS(WB_OK_FALLBACK, wb_model_score(&result, model, row, wb_now_ns() - 1, NULL, E));
    CHECK(result.device == -1);
    CHECK(result.score == 0.75 && result.probability == 0.75 && result.band == 1);
    CHECK(result.reason == WB_REASON_DEADLINE && result.backend == WB_BACKEND_NONE && result.status == WB_OK_FALLBACK);
    CHECK(strcmp(result.version, "1.0.0") == 0);
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    CHECK_STATUS(WB_OK, wb_call_set_fallback(call, 0, E));
    CHECK_STATUS(WB_DEADLINE_EXCEEDED, wb_model_score(&result, model, row, wb_now_ns() - 1, call, E));
    CHECK_STATUS(WB_OK, wb_cancel_create(&cancel, E));
    CHECK_STATUS(WB_OK, wb_call_set_cancel(call, cancel, E));
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_cancel_set(cancel, 1, E));
    CHECK_STATUS(WB_CANCELLED, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_call_set_priority(call, 2, E));
    CHECK_STATUS(WB_OK, wb_call_set_priority(call, WB_PRIORITY_HIGH, E));
    wb_cancel_free(cancel);
    CHECK_STATUS(WB_CANCELLED, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    CHECK_STATUS(WB_OK, wb_call_set_cancel(call, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    wb_call_free(call);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
}

static void encode(wb_schema *schema) {
    uint64_t row[64];
    float numbers[3];
    wb_tensor_info info = {0};
    fill(schema, row, kRow);
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_schema_encode(&info, schema, row, 0, numbers, sizeof numbers, E));
    CHECK(info.rank == 2 && info.shape[0] == 1 && info.shape[1] == 3 && info.bytes == 12);
    CHECK(numbers[0] == (float)log1p(12.5) && numbers[1] == 2 && numbers[2] == 1);
    CHECK_STATUS(WB_BUFFER_TOO_SMALL, wb_schema_encode(&info, schema, row, 0, numbers, 4, E));
    CHECK(info.bytes == 12);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_encode(&info, schema, row, 2, numbers, sizeof numbers, E));
}

int main(int argc, char **argv) {
    wb_engine *engine;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    CHECK(argc == 2);
    engine = make_engine("cpu=2", 16);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    right_answers(model, schema);
    setters_by_offset(model, schema);
    outputs_of_a_call(model, schema);
    bad_rows(model, schema);
    bad_calls(model, schema);
    deadlines(model, schema);
    encode(schema);
    wb_engine_free(engine);
    {
        uint64_t row[64];
        wb_result result = WB_RESULT_INIT;
        fill(schema, row, kRow);
        CHECK_STATUS(WB_CLOSED, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    }
    wb_model_free(model);
    wb_schema_free(schema);
    return 0;
}
