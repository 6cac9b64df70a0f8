/* SPDX-License-Identifier: Apache-2.0 */
/* Four threads on two contexts while a slot is swapped under them: no answer is lost, wrong or of mixed versions; no
 * thread is started; resident memory stops growing. 60 s and 100 swaps with WB_FULL=1, else 5 s and 20 swaps. With a
 * second argument, a list of engines, a third, a bundle, and a fourth, a row in JSON, that bundle is swapped instead:
 * its scores are compared with the first one. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support/check.h"
#include "support/process.h"

enum { kThreads = 4 };

static wb_slot *slot;
static wb_schema *schema;
static const char *row_json = "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}";
static atomic_int stop;
static atomic_llong answers;
static double expected[2];
static double tolerance;

static void *client(void *argument) {
    uint64_t row[512];
    wb_result result = WB_RESULT_INIT;
    wb_error err = WB_ERROR_INIT;
    (void)argument;
    if (wb_row_init(schema, row, sizeof row, &err) < 0 ||
        wb_row_set_json(schema, row, row_json, strlen(row_json), &err) < 0)
        return (void *)1;
    while (!atomic_load(&stop)) {
        int32_t status = wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, &err);
        int version = result.version[0] == '2';
        if (status != WB_OK || !(fabs(result.score - expected[version]) <= tolerance)) {
            fprintf(stderr, "%s: %s; score %.17g of version %s, expected %.17g\n", wb_status_name(status), err.message,
                    result.score, result.version, expected[version]);
            return (void *)1;
        }
        atomic_fetch_add(&answers, 1);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[kThreads];
    int swaps = full_campaign() ? 100 : 20, i;
    long pause_ms = (full_campaign() ? 60000 : 5000) / swaps, started, resident = 0, failures = 0;
    struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
    wb_engine *engine = make_engine("cpu=2", 16);
    wb_load_options *options = NULL;
    char paths[2][4096];
    uint64_t row[512];
    wb_snapshot snapshot = {0};
    CHECK(argc == 2 || argc == 5);
    CHECK_STATUS(WB_OK, wb_load_options_create(&options, E));
    for (i = 0; i < 2; ++i)
        snprintf(paths[i], sizeof paths[i], "%s", argc == 5 ? argv[3] : fixture(argv, i ? "mlp-v2" : "mlp"));
    if (argc == 5) {
        CHECK_STATUS(WB_OK, wb_load_options_set_engines(options, argv[2], E));
        row_json = argv[4];
        tolerance = 1e-6; /* LibTorch's own bits may differ from run to run */
    }
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_schema_load(&schema, paths[0], E));
    for (i = 0; i < 2; ++i) { /* the last one loaded is the one that serves first: version 1 */
        wb_result result = WB_RESULT_INIT;
        CHECK_STATUS(WB_OK, wb_slot_load(slot, paths[1 - i], options, E));
        CHECK_STATUS(WB_OK, wb_row_init(schema, row, sizeof row, E));
        CHECK_STATUS(WB_OK, wb_row_set_json(schema, row, row_json, strlen(row_json), E));
        CHECK_STATUS(WB_OK, wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
        expected[1 - i] = result.score;
        if (argc == 5) expected[0] = expected[1] = result.score;
    }
    for (i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, client, NULL) == 0);
    started = process_status("Threads:");
    for (i = 0; i < swaps; ++i) {
        nanosleep(&pause, NULL);
        CHECK_STATUS(WB_OK, wb_slot_load(slot, paths[(i + 1) % 2], options, E));
        if (i == swaps / 4) resident = process_status("VmRSS:");
    }
    CHECK(process_status("Threads:") == started);
    printf("%lld answers, %d swaps, %ld threads, %ld kB resident after a quarter, %ld kB at the end\n",
           (long long)atomic_load(&answers), swaps, started, resident, process_status("VmRSS:"));
    CHECK(process_status("VmRSS:") < resident + (argc == 5 ? 32 : 2) * 1024);
    atomic_store(&stop, 1);
    for (i = 0; i < kThreads; ++i) {
        void *failed = NULL;
        CHECK(pthread_join(threads[i], &failed) == 0);
        failures += failed != NULL;
    }
    CHECK(failures == 0 && atomic_load(&answers) > 100);
    snapshot.struct_size = sizeof snapshot;
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, engine, E));
    CHECK((long long)snapshot.rows == atomic_load(&answers) + 2 && snapshot.failed == 0 && snapshot.fallbacks == 0);
    wb_load_options_free(options);
    wb_slot_free(slot);
    wb_schema_free(schema);
    wb_engine_free(engine);
    return 0;
}
