/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as text, and rows that were in use at a fork. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

static const char kRow[] = "{\"amount_minor\": 1250, \"age_days\": 2.5, \"country\": \"DE\\u00e9\\n\"}";
static const char kShown[] =
    "{\"amount_minor\":\"<redacted>\",\"age_days\":2.5,\"country\":\"DE\303\251\\n\",\"online\":null}";

static void as_text(wb_schema *schema) {
    uint64_t row[64] = {0};
    wb_text *text = NULL;
    fill(schema, row, kRow);
    CHECK_STATUS(WB_OK, wb_row_get_json(&text, schema, row, E));
    CHECK(wb_text_size(text) == sizeof kShown - 1 && strcmp(wb_text_data(text), kShown) == 0);
    wb_text_free(text);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_row_get_json(&text, schema, NULL, E));
    CHECK(text == NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_row_get_json(NULL, schema, row, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_row_get_json(&text, NULL, row, E));
    memset(row, 0, sizeof row);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_row_get_json(&text, schema, row, E));
}

static wb_model *model;
static uint64_t scored_row[64];
static atomic_int stop;

static void *score_all_the_time(void *argument) {
    wb_result result = WB_RESULT_INIT;
    (void)argument;
    while (!atomic_load(&stop))
        if (wb_model_score(&result, model, scored_row, WB_NO_DEADLINE, NULL, NULL) != WB_OK) return (void *)1;
    return NULL;
}

enum { SCORED, FAILED, NOT_IN_USE };

/* In a child: whether the row was in use at the fork, and can be scored. */
static int score_in_child(void) {
    wb_result result = WB_RESULT_INIT;
    wb_row_header header;
    memcpy(&header, scored_row, sizeof header);
    if (header.busy == 0) return NOT_IN_USE;
    return wb_model_score(&result, model, scored_row, WB_NO_DEADLINE, NULL, NULL) == WB_OK ? SCORED : FAILED;
}

static void in_use_at_a_fork(wb_schema *schema) {
    pthread_t thread;
    void *failed = NULL;
    int in_use = 0, i;
    fill(schema, scored_row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": true}");
    CHECK(pthread_create(&thread, NULL, score_all_the_time, NULL) == 0);
    for (i = 0; i < 1000 && in_use < 3; ++i) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            _exit(score_in_child());
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) != FAILED);
        in_use += WEXITSTATUS(status) == SCORED;
    }
    atomic_store(&stop, 1);
    CHECK(pthread_join(thread, &failed) == 0 && !failed);
    CHECK(in_use == 3);
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=1", 4);
    wb_schema *schema = NULL;
    CHECK(argc == 2);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    as_text(schema);
    in_use_at_a_fork(schema);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
