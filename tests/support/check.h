/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for tests in C: a failed one prints where and what, and ends the program with 1. */
#ifndef WB_TESTS_CHECK_H
#define WB_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weighbridge.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

#define CHECK_STATUS(expected, call)                                                            \
    do {                                                                                        \
        int32_t check_got = (call);                                                             \
        if (check_got != (expected)) {                                                          \
            fprintf(stderr, "%s:%d: %s: expected %s, got %s (%s)\n", __FILE__, __LINE__, #call, \
                    wb_status_name(expected), wb_status_name(check_got), check_error.message);  \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

#define CHECK_NEAR(expected, got) CHECK(fabs((expected) - (got)) < 1e-6)

static wb_error check_error = WB_ERROR_INIT;
static wb_error *const E = &check_error;

/* A path below the folder of fixtures that the program was given. */
static inline const char *fixture(char **argv, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", argv[1], name);
    return path;
}

/* An engine with `contexts` CPU contexts and room for `waiters` more. */
static inline wb_engine *make_engine(const char *devices, uint32_t waiters) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_devices(options, devices, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set_queue_limit(options, waiters, E));
    CHECK_STATUS(WB_OK, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    return engine;
}

/* A row of the fixture bundle, filled from JSON. 512 bytes. */
static inline void fill(wb_schema *schema, void *row, const char *json) {
    CHECK_STATUS(WB_OK, wb_row_init(schema, row, 512, E));
    CHECK_STATUS(WB_OK, wb_row_set_json(schema, row, json, strlen(json), E));
}

/* The fixture's formula (tests/support/fixture.hpp); country is 0 for an unknown one, 1 FR, 2 DE, 3 IT. */
static inline double fixture_score(double amount_minor, double age_days, int country, int online, double bias) {
    static const double by_country[] = {0.125, 0.5, -0.5, 0.25};
    double logit = 0.5 * log1p(amount_minor / 100) - 0.25 * age_days + by_country[country] + online + bias;
    return 1 / (1 + exp(-logit));
}

#endif
