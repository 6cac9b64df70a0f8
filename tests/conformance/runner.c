/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_c DIRECTORIES FLAT: runs the cases of a flat file (README.md) through the C API. C99. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

enum {
    BUNDLE,
    ENGINES,
    OPTIONS,
    MAY_REFUSE,
    NAME,
    JSON,
    SPECIALS,
    CALL,
    STATUS,
    SCORE,
    TOLERANCE,
    PROBABILITY,
    BAND,
    DEFAULTED,
    CLIPPED,
    REASON,
    FEATURE,
    BYTES,
    FIELDS
};

static char line[1 << 16], loaded[4096];
static uint64_t row[8192];
enum { ROW_BYTES = 1024 }; /* of the rows whose bytes are compared */
static wb_engine *engine;
static wb_model *model; /* NULL where the schema alone is loaded */
static wb_schema *schema;
static int refused; /* the model, as it may be */

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

/* Sets `name=text` options, with semicolons between them, in place. */
static int32_t set_options(wb_load_options *options, char *list, wb_error *err) {
    int32_t status = WB_OK;
    char *one = strtok(list, ";");
    for (; one && status >= 0; one = strtok(NULL, ";")) {
        char *text = strchr(one, '=');
        *text++ = 0;
        status = wb_load_options_set(options, one, text, err);
    }
    return status;
}

static int32_t load_model(const char *path, char **fields, wb_error *err) {
    wb_load_options *options = NULL;
    int32_t status = wb_load_options_create(&options, err);
    if (status >= 0 && said(fields[ENGINES])) status = wb_load_options_set_engines(options, fields[ENGINES], err);
    if (status >= 0 && said(fields[OPTIONS])) status = set_options(options, fields[OPTIONS], err);
    if (status >= 0) status = wb_model_load(&model, engine, path, options, err);
    wb_load_options_free(options);
    return status;
}

/* Loads the case's bundle where it is not the one before. */
static int32_t load(const char *directories, char **fields, wb_error *err) {
    char path[1024], wanted[sizeof loaded];
    int32_t status;
    snprintf(wanted, sizeof wanted, "%s\t%s\t%s", fields[BUNDLE], fields[ENGINES], fields[OPTIONS]);
    if (strcmp(loaded, wanted) == 0) return WB_OK;
    snprintf(loaded, sizeof loaded, "%s", wanted);
    wb_schema_free(schema);
    wb_model_free(model);
    schema = NULL;
    model = NULL;
    refused = 0;
    if (!find(directories, fields[BUNDLE], path, sizeof path)) return WB_IO_ERROR;
    if (strcmp(fields[ENGINES], "schema") == 0) return wb_schema_load(&schema, path, err);
    status = load_model(path, fields, err);
    if (status >= 0) return wb_model_schema(&schema, model, err);
    refused = strcmp(fields[MAY_REFUSE], wb_status_name(status)) == 0;
    if (!refused) return status;
    printf("%s: refused as it may be: %s\n", fields[BUNDLE], err->message);
    return WB_OK;
}

static uint32_t read_bytes(const char *hex, size_t digits, unsigned char *out) {
    size_t i;
    for (i = 0; i < digits / 2; ++i) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return (uint32_t)(digits / 2);
}

/* Sets a sequence of numbers or of texts: `nan,0.5` or `c328,4652`. */
static int32_t set_elements(const wb_schema_info *info, const wb_feature_info *feature, uint32_t index,
                            const char *value, int texts) {
    union {
        float singles[32];
        double doubles[32];
        wb_span spans[32];
    } elements;
    unsigned char bytes[256];
    uint32_t count = 0;
    size_t width = texts ? sizeof(wb_span) : feature->type == WB_TYPE_FLOAT32 ? sizeof(float) : sizeof(double);
    for (; *value && count < 32; ++count) {
        size_t length = strcspn(value, ",");
        if (texts) {
            elements.spans[count].size = read_bytes(value, length, bytes);
            elements.spans[count].offset = wb_row_append(row, bytes, elements.spans[count].size);
            if (elements.spans[count].offset == 0) return WB_BUFFER_TOO_SMALL;
        } else if (feature->type == WB_TYPE_FLOAT32) {
            elements.singles[count] = (float)strtod(value, NULL);
        } else {
            elements.doubles[count] = strtod(value, NULL);
        }
        value += length + (value[length] == ',');
    }
    return wb_row_set_span(row, info, feature, index, &elements, count, width);
}

/* The inline setters write what they are given: that a value is of the feature's type is the caller's to know. */
static int takes(const wb_feature_info *feature, char kind) {
    int numbers = feature->type == WB_TYPE_FLOAT32 || feature->type == WB_TYPE_FLOAT64;
    int texts = feature->type == WB_TYPE_CATEGORY || feature->type == WB_TYPE_TEXT;
    return (kind == 'f' || kind == 'F' ? numbers : texts) && (kind == 'F' || kind == 'B') == feature->is_sequence;
}

/* Sets one special value, such as `name=f:nan`, through the inline setters. */
static int32_t set_special(char *special, wb_error *err) {
    wb_schema_info info = {0};
    wb_feature_info feature = {0};
    uint32_t index = 0;
    unsigned char bytes[256];
    char *value = strchr(special, '='), kind;
    int32_t status;
    *value++ = 0;
    kind = *value;
    value += 2;
    info.struct_size = sizeof info;
    feature.struct_size = sizeof feature;
    if ((status = wb_schema_describe(&info, schema, err)) < 0) return status;
    if ((status = wb_schema_find(&index, schema, special, err)) < 0) return status;
    if ((status = wb_schema_feature(&feature, schema, index, err)) < 0) return status;
    if (!takes(&feature, kind)) {
        err->feature = (int32_t)index;
        return WB_INVALID_INPUT;
    }
    switch (kind) {
        case 'f':
            if (feature.type == WB_TYPE_FLOAT32)
                wb_row_set_float32(row, &info, &feature, index, (float)strtod(value, NULL));
            else
                wb_row_set_float64(row, &info, &feature, index, strtod(value, NULL));
            return WB_OK;
        case 'b':
            return wb_row_set_span(row, &info, &feature, index, bytes, read_bytes(value, strlen(value), bytes), 1);
        default:
            return set_elements(&info, &feature, index, value, kind == 'B');
    }
}

static int32_t set(char **fields, wb_error *err) {
    int32_t status;
    char *special = strtok(fields[SPECIALS], " ");
    memset(row, 0, ROW_BYTES);
    if ((status = wb_row_init(schema, row, said(fields[BYTES]) ? ROW_BYTES : sizeof row, err)) < 0) return status;
    if ((status = wb_row_set_json(schema, row, fields[JSON], strlen(fields[JSON]), err)) < 0) return status;
    for (; special && said(special); special = strtok(NULL, " "))
        if ((status = set_special(special, err)) < 0) return status;
    return WB_OK;
}

/* Whether the row is one of `expected`: hex, with spaces between them. */
static int is_one_of(const char *expected) {
    wb_row_header header;
    unsigned char bytes[ROW_BYTES];
    memcpy(&header, row, sizeof header);
    while (*expected) {
        size_t digits = strcspn(expected, " ");
        if (digits == 2 * (size_t)header.used && read_bytes(expected, digits, bytes) &&
            memcmp(bytes, row, header.used) == 0)
            return 1;
        expected += digits + (expected[digits] == ' ');
    }
    return 0;
}

static int32_t score(char **fields, wb_result *result, wb_error *err) {
    wb_call *call = NULL;
    int32_t status = wb_call_create(&call, err);
    if (status >= 0) status = wb_call_set_fallback(call, strstr(fields[CALL], "strict") == NULL, err);
    if (status >= 0)
        status = wb_model_score(result, model, row, strstr(fields[CALL], "past") ? 0 : WB_NO_DEADLINE, call, err);
    wb_call_free(call);
    return status;
}

/* Returns 1, and says so, where a number is not the one expected: to the last bit, unless there is a tolerance. */
static int wrong_number(char **fields, int field, const char *what, double found) {
    double expected = atof(fields[field]);
    double off = said(fields[TOLERANCE]) ? atof(fields[TOLERANCE]) : 0;
    if (!said(fields[field]) || found == expected || (off > 0 && fabs(found - expected) <= off)) return 0;
    printf("%s: expected %s %s, got %a\n", fields[NAME], what, fields[field], found);
    return 1;
}

static int wrong_count(char **fields, int field, const char *what, int64_t found) {
    if (!said(fields[field]) || atoll(fields[field]) == found) return 0;
    printf("%s: expected %s %s, got %lld\n", fields[NAME], what, fields[field], (long long)found);
    return 1;
}

static int wrong_result(char **fields, const wb_result *result) {
    if (said(fields[REASON]) && strcmp(fields[REASON], wb_reason_name(result->reason)) != 0) {
        printf("%s: expected reason %s, got %s\n", fields[NAME], fields[REASON], wb_reason_name(result->reason));
        return 1;
    }
    return wrong_number(fields, SCORE, "score", result->score) ||
           wrong_number(fields, PROBABILITY, "probability", result->probability) ||
           wrong_count(fields, BAND, "band", result->band) ||
           wrong_count(fields, DEFAULTED, "defaulted", result->defaulted) ||
           wrong_count(fields, CLIPPED, "clipped", result->clipped);
}

static int wrong_feature(char **fields, const wb_error *err) {
    wb_feature_info feature = {0};
    feature.struct_size = sizeof feature;
    if (!said(fields[FEATURE])) return 0;
    if (err->feature >= 0) wb_schema_feature(&feature, schema, (uint32_t)err->feature, NULL);
    if (strcmp(feature.name, fields[FEATURE]) == 0) return 0;
    printf("%s: expected feature %s, got '%s': %s\n", fields[NAME], fields[FEATURE], feature.name, err->message);
    return 1;
}

/* Returns 1, and says why, where the outcome is not the one expected. */
static int wrong(char **fields) {
    wb_error err = WB_ERROR_INIT;
    wb_result result = WB_RESULT_INIT;
    int32_t status = set(fields, &err);
    const char *expected = said(fields[STATUS]) ? fields[STATUS] : "WB_OK";
    if (status >= 0 && said(fields[BYTES]) && !is_one_of(fields[BYTES])) {
        printf("%s: expected other bytes\n", fields[NAME]);
        return 1;
    }
    if (status >= 0 && model) status = score(fields, &result, &err);
    if (strcmp(wb_status_name(status), expected) != 0) {
        printf("%s: expected %s, got %s: %s\n", fields[NAME], expected, wb_status_name(status), err.message);
        return 1;
    }
    if (status < 0) return wrong_feature(fields, &err);
    return model ? wrong_result(fields, &result) : 0;
}

int main(int argc, char **argv) {
    wb_error err = WB_ERROR_INIT;
    int cases = 0, failed = 0;
    char *fields[FIELDS];
    FILE *file;
    if (argc != 3 || !(file = fopen(argv[2], "r"))) return 2;
    if (wb_engine_create(&engine, NULL, &err) < 0) return 1;
    for (; fgets(line, sizeof line, file); ++cases) {
        if (!split(line, fields) || load(argv[1], fields, &err) < 0) {
            fprintf(stderr, "case %d: %s\n", cases, err.code ? err.message : "no bundle, or not all of its fields");
            return 1;
        }
        if (!refused) failed += wrong(fields);
    }
    printf("%d cases, %d failed\n", cases, failed);
    fclose(file);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return failed || !cases;
}
