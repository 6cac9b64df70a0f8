/* SPDX-License-Identifier: Apache-2.0 */
/* Scores a file of payments one by one through the C ABI: score_c BUNDLE ENGINES PLUGIN FILE.ndjson
 * writes a line of score, probability and band for each. Exit 1 with one line on stderr where anything fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

enum { LINE_BYTES = 1 << 20, TAIL_BYTES = 1 << 16 };

typedef struct scorer {
    wb_engine *engine;
    wb_model *model;
    wb_schema *schema;
    size_t row_bytes;
    void *row;
} scorer;

static int32_t open_scorer(scorer *s, const char *bundle, const char *engines, const char *plugin, wb_error *err) {
    wb_engine_options *engine_options = NULL;
    wb_load_options *load_options = NULL;
    wb_schema_info info = {0};
    int32_t status = wb_engine_options_create(&engine_options, err);
    if (status >= 0) status = wb_engine_options_set_torch_plugin(engine_options, plugin, err);
    if (status >= 0) status = wb_engine_create(&s->engine, engine_options, err);
    if (status >= 0) status = wb_load_options_create(&load_options, err);
    if (status >= 0) status = wb_load_options_set_engines(load_options, engines, err);
    if (status >= 0) status = wb_model_load(&s->model, s->engine, bundle, load_options, err);
    if (status >= 0) status = wb_model_schema(&s->schema, s->model, err);
    info.struct_size = sizeof info;
    if (status >= 0) status = wb_schema_describe(&info, s->schema, err);
    wb_engine_options_free(engine_options);
    wb_load_options_free(load_options);
    s->row_bytes = info.fixed_bytes + TAIL_BYTES;
    s->row = malloc(s->row_bytes);
    return s->row ? status : WB_OUT_OF_MEMORY;
}

static int32_t score_line(scorer *s, const char *line, size_t size, wb_error *err) {
    wb_result result = WB_RESULT_INIT;
    int32_t status = wb_row_init(s->schema, s->row, s->row_bytes, err);
    if (status >= 0) status = wb_row_set_json(s->schema, s->row, line, size, err);
    if (status >= 0) status = wb_model_score(&result, s->model, s->row, WB_NO_DEADLINE, NULL, err);
    if (status == WB_OK) printf("%.17g %.17g %d\n", result.score, result.probability, (int)result.band);
    return status;
}

int main(int argc, char **argv) {
    wb_error err = WB_ERROR_INIT;
    scorer s = {0};
    int32_t status = WB_INVALID_ARGUMENT;
    FILE *file = argc == 5 ? fopen(argv[4], "r") : NULL;
    char *line = malloc(LINE_BYTES);
    if (file && line) status = open_scorer(&s, argv[1], argv[2], argv[3], &err);
    while (status == WB_OK && fgets(line, LINE_BYTES, file)) status = score_line(&s, line, strcspn(line, "\r\n"), &err);
    if (status != WB_OK) fprintf(stderr, "%s: %s\n", wb_status_name(status), err.message);
    if (file) fclose(file);
    free(line);
    free(s.row);
    wb_schema_free(s.schema);
    wb_model_free(s.model);
    wb_engine_free(s.engine);
    return status != WB_OK;
}
