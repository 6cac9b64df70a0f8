/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_c DIRECTORIES FLAT: runs the cases of a flat file (README.md) through the C API. C99. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

enum { BUNDLE, ENGINES, NAME, JSON, SPECIALS, STATUS, SCORE, TOLERANCE, BAND, DEFAULTED, FEATURE, BYTES, FIELDS };

static char line[1 << 16], loaded[256];
static uint64_t row[8192];
enum { ROW_BYTES = 1024 }; /* of the rows whose bytes are compared */
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
    return *fields[BYTES] != 0;
}

/* Writes the path of the bundle in the first of the directories, with colons between them, that has it. */
static int find(const char *directories, const char *bundle, char *path, size_t size) {
    while (*directories) {
        int length = (int)strcspn(directories, ":");
        FILE *manifest;
        snprintf(path, size, "%.*s/%s/manifest.json", length, directories, bundle);
        if ((manifest = fopen(path, "r"))) {
            fclose(manifest);
            snprintf(path, size, "%.*s/%s", length, directories, bundle);
            return 1;
        }
        directories += length + (directories[length] == ':');
    }
    return 0;
}

/* Loads the case's bundle where it is not the one before. Its model is NULL where no allowed engine is there. */
static int32_t load(const char *directories, char **fields, wb_error *err) {
    char path[1024];
    wb_load_options *options = NULL;
    int32_t status;
    if (strcmp(loaded, fields[BUNDLE]) == 0) return WB_OK;
    wb_schema_free(schema);
    wb_model_free(model);
    schema = NULL;
    model = NULL;
    snprintf(loaded, sizeof loaded, "%s", fields[BUNDLE]);
    if (!find(directories, fields[BUNDLE], path, sizeof path)) return WB_IO_ERROR;
    if (said(fields[BYTES])) return wb_schema_load(&schema, path, err);
    if ((status = wb_load_options_create(&options, err)) < 0) return status;
    if (said(fields[ENGINES])) status = wb_load_options_set_engines(options, fields[ENGINES], err);
    if (status >= 0) status = wb_model_load(&model, engine, path, options, err);
    wb_load_options_free(options);
    if (status == WB_BACKEND_UNAVAILABLE) return WB_OK;
    return status < 0 ? status : wb_model_schema(&schema, model, err);
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

static int32_t set(char **fields, size_t capacity, wb_error *err) {
    int32_t status = wb_row_init(schema, row, capacity, err);
    if (status < 0) return status;
    if ((status = wb_row_set_json(schema, row, fields[JSON], strlen(fields[JSON]), err)) < 0) return status;
    if (said(fields[SPECIALS])) {
        char *special = strtok(fields[SPECIALS], " ");
        for (; special; special = strtok(NULL, " "))
            if ((status = set_special(special, err)) < 0) return status;
    }
    return WB_OK;
}

/* Whether the row is one of `expected`: hex, with spaces between them. */
static int is_one_of(const char *expected) {
    wb_row_header header;
    memcpy(&header, row, sizeof header);
    while (*expected) {
        size_t digits = strcspn(expected, " "), i;
        for (i = 0; i < header.used && digits == 2 * (size_t)header.used; ++i) {
            char pair[3] = {expected[2 * i], expected[2 * i + 1], 0};
            if (((unsigned char *)row)[i] != strtoul(pair, NULL, 16)) break;
        }
        if (i == header.used) return 1;
        expected += digits + (expected[digits] == ' ');
    }
    return 0;
}

/* Returns 1, and says so, where the row has other bytes. */
static int wrong_bytes(char **fields) {
    wb_error err = WB_ERROR_INIT;
    int32_t status;
    memset(row, 0, ROW_BYTES);
    status = set(fields, ROW_BYTES, &err);
    if (status >= 0 && is_one_of(fields[BYTES])) return 0;
    printf("%s: expected other bytes, got %s %s\n", fields[NAME], wb_status_name(status), err.message);
    return 1;
}

static int32_t score(char **fields, wb_result *result, wb_error *err) {
    int32_t status = set(fields, sizeof row, err);
    if (status < 0) return status;
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
    int cases = 0, failed = 0, skipped = 0;
    char *fields[FIELDS];
    FILE *file;
    if (argc != 3 || !(file = fopen(argv[2], "r"))) return 2;
    if (wb_engine_create(&engine, NULL, &err) < 0) return 1;
    while (fgets(line, sizeof line, file)) {
        if (!split(line, fields) || load(argv[1], fields, &err) < 0) {
            fprintf(stderr, "case %d: %s\n", cases,
                    err.code ? err.message : "no bundle, or not a line of twelve fields");
            return 1;
        }
        if (said(fields[BYTES])) {
            ++cases;
            failed += wrong_bytes(fields);
            continue;
        }
        if (!model) {
            ++skipped;
            continue;
        }
        ++cases;
        failed += wrong(fields);
    }
    printf("%d cases, %d failed, %d skipped\n", cases, failed, skipped);
    fclose(file);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return failed || !cases;
}
