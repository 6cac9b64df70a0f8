/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_c FIXTURES FLAT: runs the cases of a flat file (README.md) through the C API. C99. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

enum { BUNDLE, NAME, JSON, SPECIALS, STATUS, SCORE, TOLERANCE, BAND, DEFAULTED, FEATURE, FIELDS };

static char line[1 << 16], loaded[256];
static uint64_t row[8192];
static wb_engine *engine;
static wb_model *model;
static wb_schema *schema;

static int said(const char *field) { return strcmp(field, "-") != 0; }

/* Splits the line at tabs, in place. Returns 1 where it has all fields. */
static int split(char *text, char **fields) {
    int i;
    text[strcspn(text, "\n")] = 0;
    for (i = 0; i < FIELDS; ++i) {
        fields[i] = text;
        text += strcspn(text, "\t");
        if (*text == '\t') *text++ = 0;
    }
    return *fields[FEATURE] != 0;
}

static int load(const char *directory, const char *bundle, wb_error *err) {
    char path[1024];
    if (strcmp(loaded, bundle) == 0) return 0;
    wb_schema_free(schema);
    wb_model_free(model);
    schema = NULL;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, bundle) >= sizeof path) return 1;
    if ((size_t)snprintf(loaded, sizeof loaded, "%s", bundle) >= sizeof loaded) return 1;
    return wb_model_load(&model, engine, path, NULL, err) < 0 || wb_model_schema(&schema, model, err) < 0;
}

/* Sets one special value, `name=f:nan` or `name=b:c328`, through the inline setters. */
static int32_t set_special(char *special, wb_error *err) {
    wb_schema_info info = {0};
    wb_feature_info feature = {0};
    uint32_t index = 0, size = 0;
    unsigned char bytes[256];
    char *value = strchr(special, '=');
    int32_t status;
    *value++ = 0;
    info.struct_size = sizeof info;
    feature.struct_size = sizeof feature;
    if ((status = wb_schema_describe(&info, schema, err)) < 0) return status;
    if ((status = wb_schema_find(&index, schema, special, err)) < 0) return status;
    if ((status = wb_schema_feature(&feature, schema, index, err)) < 0) return status;
    if (*value == 'f') {
        double number = strtod(value + 2, NULL);
        if (feature.type == WB_TYPE_FLOAT32)
            wb_row_set_float32(row, &info, &feature, index, (float)number);
        else
            wb_row_set_float64(row, &info, &feature, index, number);
        return WB_OK;
    }
    for (value += 2; value[0] && value[1] && size < sizeof bytes; value += 2) {
        char pair[3] = {value[0], value[1], 0};
        bytes[size++] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return wb_row_set_span(row, &info, &feature, index, bytes, size, 1);
}

static int32_t score(char **fields, wb_result *result, wb_error *err) {
    int32_t status = wb_row_init(schema, row, sizeof row, err);
    if (status < 0) return status;
    if ((status = wb_row_set_json(schema, row, fields[JSON], strlen(fields[JSON]), err)) < 0) return status;
    if (said(fields[SPECIALS])) {
        char *special = strtok(fields[SPECIALS], " ");
        for (; special; special = strtok(NULL, " "))
            if ((status = set_special(special, err)) < 0) return status;
    }
    return wb_model_score(result, model, row, WB_NO_DEADLINE, NULL, err);
}

/* Returns 1, and says why, where the outcome is not the one expected. */
static int wrong(char **fields) {
    wb_error err = WB_ERROR_INIT;
    wb_result result = WB_RESULT_INIT;
    wb_feature_info feature = {0};
    int32_t status = score(fields, &result, &err);
    const char *expected = said(fields[STATUS]) ? fields[STATUS] : "WB_OK";
    feature.struct_size = sizeof feature;
    if (strcmp(wb_status_name(status), expected) != 0) {
        printf("%s: expected %s, got %s: %s\n", fields[NAME], expected, wb_status_name(status), err.message);
        return 1;
    }
    if (said(fields[FEATURE])) {
        if (err.feature >= 0) wb_schema_feature(&feature, schema, (uint32_t)err.feature, NULL);
        if (strcmp(feature.name, fields[FEATURE]) != 0) {
            printf("%s: expected feature %s, got %s: %s\n", fields[NAME], fields[FEATURE], feature.name, err.message);
            return 1;
        }
    }
    if (said(fields[SCORE]) && !(fabs(result.score - atof(fields[SCORE])) <= atof(fields[TOLERANCE]))) {
        printf("%s: expected score %s, got %.9g\n", fields[NAME], fields[SCORE], result.score);
        return 1;
    }
    if ((said(fields[BAND]) && result.band != atoi(fields[BAND])) ||
        (said(fields[DEFAULTED]) && result.defaulted != (uint32_t)atoi(fields[DEFAULTED]))) {
        printf("%s: expected band %s and defaulted %s, got %d and %u\n", fields[NAME], fields[BAND], fields[DEFAULTED],
               (int)result.band, (unsigned)result.defaulted);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    wb_error err = WB_ERROR_INIT;
    int cases = 0, failed = 0;
    char *fields[FIELDS];
    FILE *file;
    if (argc != 3 || !(file = fopen(argv[2], "r"))) return 2;
    if (wb_engine_create(&engine, NULL, &err) < 0) return 1;
    while (fgets(line, sizeof line, file)) {
        if (!split(line, fields) || load(argv[1], fields[BUNDLE], &err)) {
            fprintf(stderr, "case %d: %s\n", cases, err.code ? err.message : "not a line of ten fields");
            return 1;
        }
        ++cases;
        failed += wrong(fields);
    }
    printf("%d cases, %d failed, 0 skipped\n", cases, failed);
    fclose(file);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return failed || !cases;
}
