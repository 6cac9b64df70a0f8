/* SPDX-License-Identifier: Apache-2.0 */
/* The native engine as a host sets it up: CPU levels, precisions, and what compiling refuses. */
#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"age_days\": 2, \"country\": \"DE\", \"online\": true}";

static double score_at(const char *level, const char *path) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    uint64_t row[64];
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_cpu_level(options, level, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_allow_amx(options, strcmp(level, "amx") == 0, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, path, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_row_init(schema, row, sizeof row, E));
    CHECK_STATUS(WB_OK, wb_row_set_json(schema, row, kRow, sizeof kRow - 1, E));
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK(result.backend == WB_BACKEND_NATIVE && result.numerics == 1);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    wb_engine_options_free(options);
    return result.score;
}

static void every_level_gives_the_same_bits(const char *path) {
    static const char *const kLevels[] = {"avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx", ""};
    const double expected = score_at("portable", path);
    size_t i;
    for (i = 0; i < sizeof kLevels / sizeof kLevels[0]; ++i) CHECK(score_at(kLevels[i], path) == expected);
}

static void wrong_options(void) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK(wb_engine_options_set_cpu_level(options, NULL, E) == WB_INVALID_ARGUMENT);
    CHECK(wb_engine_options_set_cpu_level(NULL, "avx2", E) == WB_INVALID_HANDLE);
    CHECK(wb_engine_options_set_allow_amx(options, 2, E) == WB_INVALID_ARGUMENT &&
          strstr(E->message, "allow_amx: expected 0, 1, false or true, got \"2\""));
    CHECK_STATUS(WB_OK, wb_engine_options_set_allow_amx(options, 0, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_cpu_level(options, "sse9", E));
    CHECK(wb_engine_create(&engine, options, E) == WB_INVALID_ARGUMENT && strstr(E->message, "\"sse9\""));
    CHECK(engine == NULL);
    wb_engine_options_free(options);
}

static void precisions(wb_engine *engine, const char *path) {
    wb_load_options *options = NULL;
    wb_model *model = NULL;
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_load_options_set_precision(options, "int8", E));
    CHECK(wb_model_load(&model, engine, path, options, E) == WB_BACKEND_UNAVAILABLE);
    CHECK(strstr(E->message, "int8") && strstr(E->message, "fp32") && model == NULL);
    wb_load_options_free(options);
}

static void refused_compilations(wb_engine *engine, const char *path) {
    wb_text *report = NULL;
    CHECK(wb_bundle_compile(&report, NULL, path, NULL, 0, NULL, E) == WB_INVALID_HANDLE);
    CHECK(wb_bundle_compile(&report, engine, NULL, NULL, 0, NULL, E) == WB_INVALID_ARGUMENT);
    CHECK(wb_bundle_compile(&report, engine, path, "fp32,fp8", 0, NULL, E) == WB_INVALID_ARGUMENT);
    CHECK(strstr(E->message, "'fp8'"));
    CHECK(wb_bundle_compile(&report, engine, path, "", 0, NULL, E) == WB_INVALID_ARGUMENT);
    CHECK(wb_bundle_compile(&report, engine, path, "fp32", 7, NULL, E) == WB_INVALID_ARGUMENT);
    CHECK(wb_bundle_compile(&report, engine, "/nowhere", "fp32", 0, NULL, E) == WB_IO_ERROR);
    CHECK(wb_bundle_compile(NULL, engine, path, NULL, 0, NULL, E) == WB_INVALID_ARGUMENT && report == NULL);
}

int main(int argc, char **argv) {
    const char *path = fixture(argv, "mlp");
    wb_engine *engine = NULL;
    (void)argc;
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, NULL, E));
    every_level_gives_the_same_bits(path);
    wrong_options();
    precisions(engine, path);
    refused_compilations(engine, path);
    wb_engine_free(engine);
    return 0;
}
