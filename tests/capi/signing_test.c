/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, signatures and the load policy: what a service sees of a signed bundle, and wrong use. */
#define _POSIX_C_SOURCE 200809L
#include <sys/stat.h>

#include "support/files.h"

static char folder[] = "/tmp/wb-signing-XXXXXX";

/* A path below the test's folder, of four that are kept. */
static const char *place(const char *name) {
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* A copy of a fixture, in the folder's `name`. */
static void copy_fixture(char **argv, const char *name) {
    size_t i, size;
    CHECK(mkdir(place(name), 0700) == 0);
    for (i = 0; i < sizeof kFixtureFiles / sizeof *kFixtureFiles; ++i) {
        char path[512], *content = read_fixture(argv, "mlp", kFixtureFiles[i], &size);
        FILE *file;
        snprintf(path, sizeof path, "%s/%s", place(name), kFixtureFiles[i]);
        file = fopen(path, "wb");
        CHECK(file && fwrite(content, 1, size, file) == size && fclose(file) == 0);
        free(content);
    }
}

static wb_load_options *options_with(const char *name, const char *text) {
    wb_load_options *options = NULL;
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_load_options_set(options, name, text, E));
    return options;
}

static void add_file(wb_source *source, const char *path, const char *name) {
    char content[8192];
    size_t size;
    FILE *file = fopen(path, "rb");
    CHECK(file);
    size = fread(content, 1, sizeof content, file);
    CHECK(size > 0 && size < sizeof content && fclose(file) == 0);
    CHECK_STATUS(WB_OK, wb_source_add_file(source, name, content, size, E));
}

/* The description, the information and the events name who signed, from a directory and from memory. */
static void signers_are_named(wb_engine *engine, char **argv) {
    wb_load_options *options = options_with("trusted_keys", place("owner.pub"));
    wb_model_description about = WB_MODEL_DESCRIPTION_INIT;
    wb_model *model = NULL;
    wb_slot *slot = NULL;
    wb_source *source = source_of(argv, "mlp");
    wb_text *info = NULL;
    wb_event events[16];
    size_t i, named = 0, count = 0;
    char key[sizeof about.signed_by];

    CHECK_STATUS(WB_INVALID_BUNDLE, wb_model_load(&model, engine, fixture(argv, "mlp"), options, E));
    CHECK(strstr(check_error.message, "found none: sign the bundle"));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, place("signed"), options, E));
    CHECK_STATUS(WB_OK, wb_model_describe(&about, model, E));
    CHECK(about.signers == 1 && strlen(about.signed_by) == 12);
    memcpy(key, about.signed_by, sizeof key);
    CHECK_STATUS(WB_OK, wb_model_info(&info, model, E));
    CHECK(strstr(wb_text_data(info), "\"checked\": true") && strstr(wb_text_data(info), key));
    wb_text_free(info);
    wb_model_free(model);

    add_file(source, place("signed/model.sig"), "model.sig");
    CHECK_STATUS(WB_OK, wb_model_load_source(&model, engine, source, options, E));
    wb_model_free(model);
    wb_source_free(source);

    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "card", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_load(slot, place("signed"), options, E));
    for (i = 0; i < 16; ++i) events[i].struct_size = sizeof events[i];
    CHECK_STATUS(WB_OK, wb_engine_events(events, sizeof *events, 16, &count, NULL, engine, E));
    for (i = 0; i < count; ++i) named += strstr(events[i].message, key) != NULL;
    CHECK(named == 4); /* loaded thrice, swapped once */
    wb_slot_free(slot);

    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, place("signed"), NULL, E)); /* no keys: nothing is claimed */
    CHECK_STATUS(WB_OK, wb_model_describe(&about, model, E));
    CHECK(about.signers == 0 && about.signed_by[0] == 0);
    wb_model_free(model);
    wb_load_options_free(options);
}

static void policies_refuse(wb_engine *engine) {
    static const struct {
        const char *name, *text, *said;
        int32_t status;
    } cases[] = {{"minimum_version", "9999", "identity.version: expected 9999 or later", WB_INVALID_BUNDLE},
                 {"expected_name", "other", "identity.name: expected other (option expected_name)", WB_INVALID_BUNDLE},
                 {"bundle_bytes", "10", "expected at most 10 bytes together", WB_INVALID_BUNDLE},
                 {"unsigned", "refused", "expected trusted_keys beside it", WB_INVALID_ARGUMENT},
                 {"signatures_required", "1", "expected trusted_keys beside it", WB_INVALID_ARGUMENT},
                 {"trusted_keys", "no/such.pub", "no/such.pub: cannot open the key", WB_IO_ERROR}};
    wb_model_description about = WB_MODEL_DESCRIPTION_INIT;
    wb_load_options *options;
    wb_model *model = NULL;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; ++i) {
        options = options_with(cases[i].name, cases[i].text);
        CHECK_STATUS(cases[i].status, wb_model_load(&model, engine, place("signed"), options, E));
        CHECK(!model && strstr(check_error.message, cases[i].said));
        wb_load_options_free(options);
    }
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, place("signed"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_describe(&about, model, E));
    wb_model_free(model);
    options = options_with("revoked", about.bundle_sha256);
    CHECK_STATUS(WB_INVALID_BUNDLE, wb_model_load(&model, engine, place("signed"), options, E));
    CHECK(strstr(check_error.message, "is revoked"));
    wb_load_options_free(options);
    /* The engine fake looks at no digest, so that it takes no keys. */
    options = options_with("trusted_keys", place("owner.pub"));
    CHECK_STATUS(WB_OK, wb_load_options_set(options, "engines", "fake", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_model_load(&model, engine, place("signed"), options, E));
    wb_load_options_free(options);
}

static void wrong_use(void) {
    wb_text *bytes = NULL;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_key_generate(NULL, "b", NULL, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_key_generate("a", NULL, NULL, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_key_generate(place("x"), place("y"), "P-224", NULL, E));
    CHECK_STATUS(WB_IO_ERROR, wb_key_generate(place("owner.key"), place("y"), NULL, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_sign(NULL, NULL, "k", NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_sign("b", NULL, NULL, NULL, E));
    CHECK_STATUS(WB_IO_ERROR, wb_bundle_sign(place("none"), NULL, place("owner.key"), NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_sign(place("signed"), "Risk", place("owner.key"), NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_sign(place("signed"), "risk", place("owner.pub"), NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_signed_bytes(NULL, place("signed"), NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_signed_bytes(&bytes, NULL, NULL, E));
    CHECK_STATUS(WB_OK, wb_bundle_signed_bytes(&bytes, place("signed"), NULL, E));
    CHECK(strncmp(wb_text_data(bytes), "DSSEv1 28 application/vnd.in-toto+json ", 39) == 0);
    wb_text_free(bytes);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_attach_signature(NULL, NULL, "p", "s", 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_attach_signature("b", NULL, NULL, "s", 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_bundle_attach_signature("b", NULL, "p", NULL, 1, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT,
                 wb_bundle_attach_signature(place("signed"), NULL, place("owner.pub"), "none", 4, E));
}

int main(int argc, char **argv) {
    char command[64];
    wb_engine *engine = make_engine("cpu=1", 4);
    CHECK(argc == 2 && mkdtemp(folder));
    copy_fixture(argv, "signed");
    CHECK_STATUS(WB_OK, wb_key_generate(place("owner.key"), place("owner.pub"), NULL, NULL, E));
    CHECK_STATUS(WB_OK, wb_bundle_sign(place("signed"), NULL, place("owner.key"), NULL, E));
    signers_are_named(engine, argv);
    policies_refuse(engine);
    wrong_use();
    wb_engine_free(engine);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0;
}
