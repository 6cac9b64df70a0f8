/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles in memory: the same bits as from a directory, and all that is checked of one. */
#include "support/files.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": true}";

/* Scores the row and frees the model. */
static wb_result scored(wb_model *model) {
    uint64_t row[64];
    wb_schema *schema = NULL;
    wb_result result = WB_RESULT_INIT;
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_model_score(&result, model, row, WB_NO_DEADLINE, NULL, E));
    wb_schema_free(schema);
    wb_model_free(model);
    return result;
}

static void check_same_text(wb_text *a, wb_text *b) {
    CHECK(wb_text_size(a) == wb_text_size(b) && wb_text_size(a) > 0);
    CHECK(memcmp(wb_text_data(a), wb_text_data(b), wb_text_size(a)) == 0);
    wb_text_free(a);
    wb_text_free(b);
}

/* Every function that takes a source gives what its sibling gives of the directory. */
static void equals_the_directory(wb_engine *engine, char **argv) {
    wb_source *source = source_of(argv, "mlp");
    wb_model *loaded = NULL, *read = NULL;
    wb_text *a = NULL, *b = NULL;
    wb_slot *slot = NULL;
    wb_schema *schema = NULL;
    wb_schema_info info = {0}, same = {0};
    wb_result expected, got;
    info.struct_size = same.struct_size = sizeof info;

    CHECK_STATUS(WB_OK, wb_model_load(&loaded, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_load_source(&read, engine, source, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_info(&a, loaded, E));
    CHECK_STATUS(WB_OK, wb_model_info(&b, read, E));
    check_same_text(a, b);
    expected = scored(loaded);
    got = scored(read);
    CHECK(memcmp(&expected.score, &got.score, sizeof got.score) == 0 && expected.probability == got.probability);
    CHECK(expected.bundle == got.bundle && strcmp(expected.version, got.version) == 0);

    CHECK_STATUS(WB_OK, wb_bundle_inspect(&a, fixture(argv, "mlp"), E));
    CHECK_STATUS(WB_OK, wb_bundle_inspect_source(&b, source, E));
    check_same_text(a, b);
    CHECK_STATUS(WB_OK, wb_bundle_verify(&a, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_bundle_verify_source(&b, engine, source, NULL, E));
    check_same_text(a, b);

    CHECK_STATUS(WB_OK, wb_schema_load(&schema, fixture(argv, "mlp"), E));
    CHECK_STATUS(WB_OK, wb_schema_describe(&info, schema, E));
    wb_schema_free(schema);
    CHECK_STATUS(WB_OK, wb_schema_load_source(&schema, source, E));
    CHECK_STATUS(WB_OK, wb_schema_describe(&same, schema, E));
    wb_schema_free(schema);
    CHECK(memcmp(&info, &same, sizeof info) == 0);

    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load_source(slot, source, NULL, E));
    wb_source_free(source); /* the model keeps the memory */
    CHECK_STATUS(WB_OK, wb_slot_model(&read, slot, E));
    got = scored(read);
    CHECK(memcmp(&expected.score, &got.score, sizeof got.score) == 0);
    wb_slot_free(slot);
}

/* Loads a source that is not right, and frees it. */
static void refuse(wb_engine *engine, wb_source *source, const char *why) {
    wb_model *model = NULL;
    CHECK_STATUS(WB_INVALID_BUNDLE, wb_model_load_source(&model, engine, source, NULL, E));
    CHECK(model == NULL);
    if (!strstr(E->message, why)) {
        fprintf(stderr, "expected \"%s\", got \"%s\"\n", why, E->message);
        exit(1);
    }
    wb_source_free(source);
}

static void damaged(wb_engine *engine, char **argv) {
    size_t i, size;
    wb_source *source = NULL;
    char expected[128];
    CHECK_STATUS(WB_OK, wb_source_create(&source, E));
    refuse(engine, source, "manifest.json: expected a file, got none");
    for (i = 0; i < sizeof kFixtureFiles / sizeof *kFixtureFiles; ++i) {
        const char *name = kFixtureFiles[i];
        char *content;
        snprintf(expected, sizeof expected, "%s: expected a file", name);
        refuse(engine, source_but(argv, "mlp", name), expected);
        if (strcmp(name, "manifest.json") == 0) continue;

        /* model.ts is not read where there is a plan: its size is what counts */
        content = read_fixture(argv, "mlp", name, &size);
        content[size / 2] ^= 1;
        source = source_but(argv, "mlp", name);
        CHECK_STATUS(WB_OK, wb_source_add_file(source, name, content, size, E));
        snprintf(expected, sizeof expected, "%s: expected sha256", name);
        if (strcmp(name, "model.ts") != 0)
            refuse(engine, source, expected);
        else
            wb_source_free(source);

        source = source_but(argv, "mlp", name);
        CHECK_STATUS(WB_OK, wb_source_add_file(source, name, content, size - 1, E));
        snprintf(expected, sizeof expected, "%s: expected %zu bytes, got %zu", name, size, size - 1);
        refuse(engine, source, expected);
        free(content);
    }
    source = source_of(argv, "mlp");
    CHECK_STATUS(WB_OK, wb_source_add_file(source, "more.bin", NULL, 0, E));
    refuse(engine, source, "'more.bin': expected only files that manifest.json lists");
}

static void wrong_use(wb_engine *engine, char **argv) {
    static const char *const names[] = {"", "../mlp", "a/b", ".hidden", "name with blanks", "model.plan\n"};
    wb_source *source = NULL;
    wb_model *model = NULL;
    wb_text *text = NULL;
    size_t i;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_create(NULL, E));
    CHECK_STATUS(WB_OK, wb_source_create(&source, E));
    for (i = 0; i < sizeof names / sizeof *names; ++i)
        CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_add_file(source, names[i], "x", 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_add_file(source, NULL, "x", 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_add_file(source, "model.ts", NULL, 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_add_file(source, "model.ts", "x", SIZE_MAX, E));
    CHECK(strstr(E->message, "size: expected at most") != NULL);
    CHECK_STATUS(WB_OK, wb_source_add_file(source, "model.ts", "x", 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_source_add_file(source, "model.ts", "x", 1, E));
    CHECK(strstr(E->message, "not there yet"));
    wb_source_free(source);
    wb_source_free(NULL);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_source_add_file(source, "model.ts", "x", 1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_model_load_source(&model, engine, source, NULL, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_bundle_inspect_source(&text, (wb_source *)engine, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_bundle_verify_source(&text, engine, NULL, NULL, E));
    source = source_of(argv, "mlp");
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_load_source(NULL, engine, source, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_schema_load_source(NULL, source, E));
    wb_source_free(source);
    CHECK(model == NULL && text == NULL);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=2", 8);
    CHECK(argc == 2);
    equals_the_directory(engine, argv);
    damaged(engine, argv);
    wrong_use(engine, argv);
    wb_engine_free(engine);
    return 0;
}
