/* SPDX-License-Identifier: Apache-2.0 */
/* pthread_cancel() on a thread inside a call: the call ends with its answer, the thread behind it, and the process goes
 * on. It used to abort ("FATAL: exception not rethrown"), since forced unwinding ended at the ABI's barrier. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "support/check.h"

static const char *bundle;
static atomic_int answered;

static void *cancelled(void *call) {
    wb_schema *schema = NULL;
    wb_engine *engine = NULL;
    wb_text *text = NULL;
    int32_t code = WB_OK;
    pthread_cancel(pthread_self());
    switch ((int)(intptr_t)call) {
        case 0:
            code = wb_schema_load(&schema, bundle, NULL);
            break;
        case 1:
            code = wb_engine_create(&engine, NULL, NULL);
            break;
        case 2:
            code = wb_system_info(&text, NULL);
            break;
    }
    if (code == WB_OK) atomic_fetch_add(&answered, 1);
    wb_text_free(text);
    wb_schema_free(schema);
    wb_engine_free(engine);
    pthread_testcancel();
    return NULL;
}

int main(int argc, char **argv) {
    static char path[4096];
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/mlp", argv[1]);
    bundle = path;
    for (int call = 0; call < 3; ++call) {
        pthread_t thread;
        void *result = NULL;
        CHECK(pthread_create(&thread, NULL, cancelled, (void *)(intptr_t)call) == 0);
        CHECK(pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        CHECK(atomic_load(&answered) == call + 1);
    }
    return 0;
}
