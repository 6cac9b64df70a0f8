/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of any length come whole, also with the error that they are about. */
#define _GNU_SOURCE
#include <unistd.h>

#include "support/check.h"

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) ++found;
    return found;
}

static void lifetimes(void) {
    wb_text *text = NULL;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_system_info(NULL, E));
    CHECK_STATUS(WB_OK, wb_system_info(&text, E));
    CHECK(strstr(wb_text_data(text), "\"version\"") && strlen(wb_text_data(text)) == wb_text_size(text));
    wb_text_free(text);
    wb_text_free(NULL);
    CHECK(wb_text_data(text) == NULL && wb_text_size(text) == 0);
    CHECK(wb_text_data(NULL) == NULL && wb_text_size(NULL) == 0);
    CHECK(wb_text_data((wb_text *)E) == NULL);
}

/* 8,000 vectors, of which 500 do not come out: two outputs and a probability each. */
static void verification(wb_engine *engine, char **argv) {
    wb_text *text = NULL;
    const char *report;
    CHECK_STATUS(WB_VERIFY_FAILED, wb_bundle_verify(&text, engine, fixture(argv, "mlp-long-wrong-golden"), NULL, E));
    CHECK(strlen(E->message) < 255 && strchr(E->message, '\n') == NULL);
    report = wb_text_data(text);
    CHECK(wb_text_size(text) > 100000);
    CHECK(strstr(report, "\"verified\": false") && strstr(report, "\"vectors\": 8000"));
    CHECK(count(report, "\"line ") == 1500 && strstr(report, "\"line 7992: ") != NULL); /* every 16th vector */
    wb_text_free(text);

    text = (wb_text *)E;
    CHECK_STATUS(WB_IO_ERROR, wb_bundle_verify(&text, engine, "/nowhere", NULL, E));
    CHECK(text == NULL);
    CHECK_STATUS(WB_OK, wb_bundle_verify(&text, engine, fixture(argv, "mlp"), NULL, E));
    CHECK(strstr(wb_text_data(text), "\"verified\": true") && !strstr(wb_text_data(text), "mismatches"));
    wb_text_free(text);
}

/* A module of which 5,000 operators do not lower (tests/support/fake_plugin.c). */
static void compilation(char **argv) {
    char path[4096], own[4000];
    const ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    wb_text *text = NULL;
    CHECK(size > 0);
    own[size] = 0;
    *strrchr(own, '/') = 0;
    snprintf(path, sizeof path, "%s/fake_plugins/libfake_good.so", own);
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_torch_plugin(options, path, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    CHECK_STATUS(WB_INVALID_BUNDLE, wb_bundle_compile(&text, engine, fixture(argv, "mlp"), NULL, 0, NULL, E));
    CHECK(strcmp(E->message,
                 "model.ts: 5000 operators do not lower, the first: fake::operator_1, model.py:1: not known") == 0);
    CHECK(count(wb_text_data(text), "\n") >= 5000 && count(wb_text_data(text), "fake::operator_") == 5000);
    CHECK(strstr(wb_text_data(text), "\"fake::operator_5000, model.py:5000: not known\""));
    wb_text_free(text);
    wb_engine_free(engine);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=2", 8);
    CHECK(argc == 2);
    lifetimes();
    verification(engine, argv);
    wb_engine_free(engine);
    compilation(argv);
    return 0;
}
