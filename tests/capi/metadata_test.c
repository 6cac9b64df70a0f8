/* SPDX-License-Identifier: Apache-2.0 */
/* What bundles and models say of themselves, as structs, and the names of numbers. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <unistd.h>

#include "support/check.h"

static const char kVocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\ncoffee\n";
static const char kDraft[] =
    "{\"weighbridge\": {\"format\": 1}, \"identity\": {\"name\": \"n\", \"version\": \"1\", \"purpose\": \"tests\"},"
    "\"features\": ["
    "{\"name\": \"amount\", \"type\": \"int64\", \"money\": {\"currency\": \"JPY\", \"exponent\": 0}, \"range\": [0, "
    "900],"
    " \"privacy\": \"payment\", \"missing\": {\"default\": 7}},"
    "{\"name\": \"ratio\", \"type\": \"float64\", \"missing\": {\"default\": -0.5}, \"nan\": \"missing\"},"
    "{\"name\": \"paid_at\", \"type\": \"timestamp\", \"unit\": \"ms\", \"zone\": \"+05:30\", \"encoding\":"
    " [{\"op\": \"cyclic\", \"period\": \"day\"}]},"
    "{\"name\": \"seen_at\", \"type\": \"timestamp\", \"unit\": \"s\"},"
    "{\"name\": \"country\", \"type\": \"category\", \"missing\": {\"default\": \"IT\"}, \"encoding\":"
    " [{\"op\": \"vocabulary\", \"values\": [\"FR\", \"IT\"]}]},"
    "{\"name\": \"shop\", \"type\": \"category\", \"encoding\":"
    " [{\"op\": \"vocabulary\", \"values\": [\"a\", \"b\", \"c\"], \"unknown\": \"zero\"}]},"
    "{\"name\": \"merchant\", \"type\": \"category\", \"encoding\": [{\"op\": \"hash\", \"buckets\": 64, \"seed\": "
    "1}]},"
    "{\"name\": \"code\", \"type\": \"category\", \"keys\": \"int64\", \"encoding\":"
    " [{\"op\": \"identity\", \"size\": 10}]},"
    "{\"name\": \"note\", \"type\": \"text\", \"missing\": {\"default\": \"\"}, \"encoding\":"
    " [{\"op\": \"wordpiece\", \"file\": \"vocab.txt\", \"max_tokens\": 16}]}],"
    "\"tensors\": [{\"name\": \"numbers\", \"dtype\": \"float64\", \"shape\": [\"batch\", 5],"
    " \"features\": [\"amount\", \"ratio\", \"paid_at\", \"seen_at\"]},"
    "{\"name\": \"keys\", \"dtype\": \"int64\", \"shape\": [\"batch\", 4],"
    " \"features\": [\"country\", \"shop\", \"merchant\", \"code\"]},"
    "{\"name\": \"note\", \"dtype\": \"int64\", \"shape\": [\"batch\", 16], \"features\": [\"note\"]}],"
    "\"outputs\": [{\"name\": \"embedding\", \"source\": 0, \"shape\": [\"batch\", 8]},"
    "{\"name\": \"fraud\", \"source\": 1, \"shape\": [\"batch\", 3], \"activation\": {\"kind\": \"softmax\","
    " \"applied\": false}, \"primary\": true, \"class\": 2}],"
    "\"limits\": {\"rows\": 16}, \"fallback\": {\"score\": 0.5}}";

static void write_file(const char *folder, const char *name, const char *text) {
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void remove_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(unlink(path) == 0);
}

static wb_feature_info feature(wb_schema *schema, const char *name, uint32_t *index) {
    wb_feature_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_schema_find(index, schema, name, E));
    CHECK_STATUS(WB_OK, wb_schema_feature(&info, schema, *index, E));
    return info;
}

static void check_keys(wb_schema *schema, const char *name, int64_t size, int32_t unknown, uint32_t tokens) {
    uint32_t index;
    wb_feature_info info = feature(schema, name, &index);
    CHECK(info.vocabulary_size == size && info.unknown_keys == unknown && info.max_tokens == tokens);
    CHECK(info.currency[0] == 0 && info.has_range == 0 && info.zone[0] == 0 && info.privacy[0] == 0);
}

static void features(wb_schema *schema) {
    uint32_t i;
    wb_text *text = NULL;
    wb_feature_info info = feature(schema, "amount", &i);
    CHECK(strcmp(info.currency, "JPY") == 0 && info.money_exponent == 0 && strcmp(info.privacy, "payment") == 0);
    CHECK(info.has_range == 1 && info.minimum == 0 && info.maximum == 900);
    CHECK(info.required == 0 && info.default_integer == 7 && info.unknown_keys == 0 && info.zone[0] == 0);
    CHECK_STATUS(WB_NOT_FOUND, wb_schema_default_text(&text, schema, i, E));
    info = feature(schema, "ratio", &i);
    CHECK(info.has_range == 0 && info.minimum == -INFINITY && info.maximum == INFINITY);
    CHECK(info.default_number == -0.5 && info.nan_is_missing == 1 && info.currency[0] == 0 && info.privacy[0] == 0);
    info = feature(schema, "paid_at", &i);
    CHECK(strcmp(info.zone, "+05:30") == 0 && info.required == 1 && info.nan_is_missing == 0);
    CHECK(strcmp(feature(schema, "seen_at", &i).zone, "UTC") == 0);

    check_keys(schema, "country", 2, WB_UNKNOWN_ERROR, 0);
    check_keys(schema, "shop", 3, WB_UNKNOWN_TAKEN, 0);
    check_keys(schema, "merchant", 0, WB_UNKNOWN_TAKEN, 0);
    check_keys(schema, "code", 10, WB_UNKNOWN_ERROR, 0);
    check_keys(schema, "note", 5, 0, 16);

    (void)feature(schema, "country", &i);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_default_text(NULL, schema, i, E));
    CHECK_STATUS(WB_OK, wb_schema_default_text(&text, schema, i, E));
    CHECK(strcmp(wb_text_data(text), "IT") == 0);
    wb_text_free(text);
    (void)feature(schema, "note", &i);
    CHECK_STATUS(WB_OK, wb_schema_default_text(&text, schema, i, E));
    CHECK(strcmp(wb_text_data(text), "") == 0 && wb_text_size(text) == 0);
    wb_text_free(text);
    (void)feature(schema, "shop", &i);
    CHECK_STATUS(WB_NOT_FOUND, wb_schema_default_text(&text, schema, i, E));
    CHECK(strstr(E->message, "'shop'") != NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_default_text(&text, schema, 99, E));
}

static void draft(void) {
    char folder[] = "/tmp/wb-metadata-XXXXXX";
    wb_schema *schema = NULL;
    wb_schema_info info = {0};
    wb_band_info band = {0};
    info.struct_size = sizeof info, band.struct_size = sizeof band;
    CHECK(mkdtemp(folder) != NULL);
    write_file(folder, "manifest.json", kDraft);
    write_file(folder, "vocab.txt", kVocabulary);
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, folder, E));
    features(schema);
    CHECK_STATUS(WB_OK, wb_schema_describe(&info, schema, E));
    CHECK(info.band_count == 0 && info.primary_output == 1 && info.primary_class == 2 && info.reserved == 0);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_band(&band, schema, 0, E));
    wb_schema_free(schema);
    remove_file(folder, "manifest.json"), remove_file(folder, "vocab.txt");
    CHECK(rmdir(folder) == 0);
}

static void bands_and_outputs(wb_schema *schema) {
    static const struct {
        const char *name;
        double below;
    } kBands[] = {{"approve", 0.5}, {"review", 0.9}, {"decline", INFINITY}};
    wb_schema_info info = {0};
    uint32_t i, output = 99;
    info.struct_size = sizeof info;
    CHECK_STATUS(WB_OK, wb_schema_describe(&info, schema, E));
    CHECK(info.band_count == 3 && info.primary_output == 0 && info.primary_class == 0);
    for (i = 0; i < 3; ++i) {
        wb_band_info band = {0};
        band.struct_size = sizeof band;
        CHECK_STATUS(WB_OK, wb_schema_band(&band, schema, i, E));
        CHECK(strcmp(band.name, kBands[i].name) == 0 && band.below == kBands[i].below && band.reserved == 0);
    }
    CHECK_STATUS(WB_OK, wb_schema_find_output(&output, schema, "logit", E));
    CHECK(output == 1);
    CHECK_STATUS(WB_NOT_FOUND, wb_schema_find_output(&output, schema, "logits", E));
    CHECK(strstr(E->message, "near: 'logit', 'fraud'") != NULL && output == 1);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_find_output(NULL, schema, "logit", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_find_output(&output, schema, NULL, E));
    CHECK_STATUS(WB_NOT_FOUND, wb_schema_find(&output, schema, "amount", E));
    CHECK(strstr(E->message, "amount_minor") != NULL);
}

static void model(wb_model *loaded) {
    wb_model_description about = {0};
    wb_result result = WB_RESULT_INIT;
    wb_schema *schema = NULL;
    uint64_t row[64];
    char prefix[17];
    about.struct_size = sizeof about;
    CHECK_STATUS(WB_OK, wb_model_describe(&about, loaded, E));
    CHECK(strcmp(about.name, "fixture") == 0 && strcmp(about.version, "1.0.0") == 0);
    CHECK(about.backend == WB_BACKEND_NATIVE && about.precision == WB_PRECISION_FP32 && about.numerics == 1);
    CHECK(about.contexts == 2 && about.signers == 0 && about.not_after_s == 0);
    CHECK(about.weight_bytes > 0 && about.context_bytes > 0);
    CHECK(strlen(about.bundle_sha256) == 64 && strlen(about.plan_sha256) == 64);
    CHECK(strcmp(about.bundle_sha256, about.plan_sha256) != 0);

    CHECK_STATUS(WB_OK, wb_model_schema(&schema, loaded, E));
    bands_and_outputs(schema);
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    CHECK_STATUS(WB_OK, wb_model_score(&result, loaded, row, WB_NO_DEADLINE, NULL, E));
    snprintf(prefix, sizeof prefix, "%016llx", (unsigned long long)result.bundle);
    CHECK(strncmp(prefix, about.bundle_sha256, 16) == 0);
    CHECK(result.backend == about.backend && result.precision == about.precision && result.numerics == about.numerics);
    wb_schema_free(schema);
}

typedef const char *(*name_fn)(int32_t number);

/* Each number has a name of its own, those beside them none. */
static void names(name_fn name, int32_t first, int32_t last, const char *first_name, const char *last_name) {
    int32_t i, k;
    CHECK(strcmp(name(first), first_name) == 0 && strcmp(name(last), last_name) == 0);
    for (i = first; i <= last; ++i)
        for (k = first; k < i; ++k) CHECK(strcmp(name(i), name(k)) != 0);
    CHECK(strcmp(name(first - 1), "?") == 0 && strcmp(name(last + 1), "?") == 0);
    CHECK(strcmp(name(INT32_MIN), "?") == 0 && strcmp(name(INT32_MAX), "?") == 0);
}

int main(int argc, char **argv) {
    wb_engine *engine;
    wb_model *loaded = NULL;
    CHECK(argc == 2);
    engine = make_engine("cpu=2", 4);
    CHECK_STATUS(WB_OK, wb_model_load(&loaded, engine, fixture(argv, "mlp"), NULL, E));
    model(loaded);
    draft();
    names(wb_reason_name, WB_REASON_NONE, WB_REASON_SHORT, "none", "short");
    names(wb_backend_name, WB_BACKEND_NONE, WB_BACKEND_FAKE, "none", "fake");
    names(wb_precision_name, 0, WB_PRECISION_FAKE, "none", "fake");
    names(wb_type_name, WB_TYPE_FLOAT32, WB_TYPE_TEXT, "float32", "text");
    names(wb_event_name, WB_LOG_LOADED, WB_LOG_CLOSED, "loaded", "closed");
    wb_model_free(loaded);
    wb_engine_free(engine);
    return 0;
}
