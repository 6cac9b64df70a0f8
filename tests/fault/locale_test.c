/* SPDX-License-Identifier: Apache-2.0 */
/* {"age_days": 1.5} was read as 1 where the process has a locale whose decimal separator is not a point, and by chance
 * while another thread set one. Loads, reads, encodes and reports under ps_AF.UTF-8 (U+066B, two bytes), set for the
 * process, for the thread, and by another thread all the time. The locale is built here; where the system has no
 * source of it (Debian's package `locales`) the test says so and ends with 77, which CTest counts as skipped. */
#define _GNU_SOURCE /* uselocale */

#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/check.h"

enum { text_bytes = 1 << 16, rounds = 50000 };

static const char kLocale[] = "ps_AF.UTF-8";
static const char kRow[] = "{\"amount_minor\": 1.25e3, \"age_days\": 1.5, \"country\": \"DE\", \"online\": true}";
static const char kWrong[] = "{\"online\": 0.5}";

static char path[4096];
static char expected_info[text_bytes], expected_message[256];
static wb_result expected_result = WB_RESULT_INIT;
static wb_schema *schema;
static atomic_int ended;

static void check_row(void) {
    wb_error error = WB_ERROR_INIT;
    wb_tensor_info info = {0};
    uint64_t row[64];
    float numbers[3];
    info.struct_size = sizeof info;
    CHECK(wb_row_init(schema, row, sizeof row, &error) == WB_OK);
    CHECK(wb_row_set_json(schema, row, kRow, strlen(kRow), &error) == WB_OK);
    CHECK(wb_schema_encode(&info, schema, row, 0, numbers, sizeof numbers, &error) == WB_OK);
    CHECK(numbers[1] == 1.5f);
    CHECK(wb_row_set_json(schema, row, kWrong, strlen(kWrong), &error) == WB_INVALID_INPUT);
    CHECK(strcmp(error.message, expected_message) == 0);
}

/* A load (manifest, golden vectors), a score and a report. */
static void load_and_score(char *info, wb_result *result) {
    uint64_t row[64];
    wb_text *text = NULL;
    wb_model *model = NULL;
    wb_engine *engine = make_engine("cpu=1", 4);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, path, NULL, E));
    if (!schema) CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_model_score(result, model, row, WB_NO_DEADLINE, NULL, E));
    CHECK_STATUS(WB_OK, wb_model_info(&text, model, E));
    CHECK(wb_text_size(text) < text_bytes);
    strcpy(info, wb_text_data(text));
    wb_text_free(text);
    wb_model_free(model);
    wb_engine_free(engine);
}

static void check_all(void) {
    static char info[text_bytes];
    wb_result result = WB_RESULT_INIT;
    check_row();
    load_and_score(info, &result);
    CHECK(strcmp(info, expected_info) == 0);
    CHECK(result.score == expected_result.score && result.band == expected_result.band);
}

static void *flip(void *unused) {
    while (!atomic_load(&ended)) {
        setlocale(LC_NUMERIC, kLocale);
        setlocale(LC_NUMERIC, "C");
    }
    return unused;
}

static void *read_rows(void *unused) {
    int i;
    for (i = 0; i < rounds; ++i) check_row();
    return unused;
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/wb_locale_XXXXXX", command[512];
    pthread_t flipper, readers[2];
    locale_t own;
    int i;
    wb_error wrong = WB_ERROR_INIT;
    uint64_t row[64];
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s", fixture(argv, "mlp"));
    CHECK(mkdtemp(folder));
    snprintf(command, sizeof command, "localedef --no-archive -i ps_AF -f UTF-8 %s/%s >%s/said 2>&1", folder, kLocale,
             folder);
    if (system(command) != 0) {
        fprintf(stderr, "skipped: localedef made no %s (are its sources installed? Debian: locales)\n", kLocale);
        return 77;
    }
    load_and_score(expected_info, &expected_result);
    CHECK_STATUS(WB_OK, wb_row_init(schema, row, sizeof row, E));
    CHECK(wb_row_set_json(schema, row, kWrong, strlen(kWrong), &wrong) == WB_INVALID_INPUT);
    CHECK(strstr(expected_info, "0.5") && strstr(expected_info, "0.75"));
    memcpy(expected_message, wrong.message, sizeof expected_message);
    check_all();

    CHECK(setenv("LOCPATH", folder, 1) == 0);
    CHECK(setlocale(LC_ALL, kLocale));
    CHECK(strcmp(localeconv()->decimal_point, "\xD9\xAB") == 0);
    check_all();
    CHECK(setlocale(LC_ALL, "C"));

    own = newlocale(LC_ALL_MASK, kLocale, (locale_t)0);
    CHECK(own);
    uselocale(own);
    check_all();
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(own);

    CHECK(pthread_create(&flipper, NULL, flip, NULL) == 0);
    for (i = 0; i < 2; ++i) CHECK(pthread_create(&readers[i], NULL, read_rows, NULL) == 0);
    for (i = 0; i < 20; ++i) check_all();
    for (i = 0; i < 2; ++i) CHECK(pthread_join(readers[i], NULL) == 0);
    atomic_store(&ended, 1);
    CHECK(pthread_join(flipper, NULL) == 0);

    wb_schema_free(schema);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
