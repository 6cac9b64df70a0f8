/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs that are not there: a clear refusal, or an engine that serves from the CPU and says so. */
#include "support/check.h"

static wb_engine *engine_on(const char *devices, int32_t expected) {
    wb_engine_options *options = NULL;
    wb_engine *engine = NULL;
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "devices", devices, E));
    CHECK_STATUS(WB_OK, wb_engine_options_set(options, "cuda_driver", "/no/such/libcuda.so.1", E));
    CHECK_STATUS(expected, wb_engine_create(&engine, options, E));
    wb_engine_options_free(options);
    return engine;
}

int main(int argc, char **argv) {
    wb_engine *engine;
    wb_event event;
    uint64_t dropped = 0;
    size_t count = 0;
    (void)argc;
    (void)argv;

    CHECK(engine_on("cuda:1,cpu=1", WB_BACKEND_UNAVAILABLE) == NULL);
    CHECK(strstr(E->message, "cuda:1: ") == E->message);
    CHECK(strstr(E->message, "/no/such/libcuda.so.1") != NULL);

    CHECK(engine_on("cuda:0!", WB_BACKEND_UNAVAILABLE) == NULL);
    engine = engine_on("cuda:0?!=2,cpu=1", WB_OK);
    CHECK_STATUS(WB_OK, wb_engine_events(&event, sizeof event, 1, &count, &dropped, engine, E));
    CHECK(count == 1 && event.event == WB_LOG_WARNING);
    CHECK(strstr(event.message, "the CPU serves alone: cuda:0: ") == event.message);
    CHECK_STATUS(WB_OK, wb_engine_close(engine, WB_NO_DEADLINE, E));
    wb_engine_free(engine);
    return 0;
}
