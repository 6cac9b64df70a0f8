/* SPDX-License-Identifier: Apache-2.0 */
/* Fixture bundles as sources, for tests in C. */
#ifndef WB_TESTS_FILES_H
#define WB_TESTS_FILES_H

#include "support/check.h"

/* The files of every fixture. */
static const char *const kFixtureFiles[] = {"golden.jsonl", "manifest.json", "model.plan", "model.ts"};

/* A file below the folder of fixtures, to be freed. */
static inline char *read_fixture(char **argv, const char *bundle, const char *name, size_t *size) {
    char path[4096];
    char *content = malloc(1 << 20);
    FILE *file;
    snprintf(path, sizeof path, "%s/%s/%s", argv[1], bundle, name);
    file = fopen(path, "rb");
    CHECK(file && content);
    *size = fread(content, 1, 1 << 20, file);
    CHECK(*size > 0 && *size < 1 << 20);
    fclose(file);
    return content;
}

/* A fixture bundle in memory, but for the file `without`, if that is not NULL. */
static inline wb_source *source_but(char **argv, const char *bundle, const char *without) {
    wb_source *source = NULL;
    size_t i, size;
    CHECK_STATUS(WB_OK, wb_source_create(&source, E));
    for (i = 0; i < sizeof kFixtureFiles / sizeof *kFixtureFiles; ++i) {
        char *content;
        if (without && strcmp(without, kFixtureFiles[i]) == 0) continue;
        content = read_fixture(argv, bundle, kFixtureFiles[i], &size);
        CHECK_STATUS(WB_OK, wb_source_add_file(source, kFixtureFiles[i], content, size, E));
        memset(content, 0, size); /* it was copied */
        free(content);
    }
    return source;
}

static inline wb_source *source_of(char **argv, const char *bundle) { return source_but(argv, bundle, NULL); }

#endif
