/* SPDX-License-Identifier: Apache-2.0 */
/* Handles that are freed, forged, of another kind or NULL are errors, never crashes. */
#include "support/check.h"

enum { kPairs = 4000 };

/* The place of a handle in the library's table, as long as tokens are made as they are. */
static uint32_t place(const wb_call *call) { return (uint32_t)(uintptr_t)call; }

static wb_call *make_call(void) {
    wb_call *call = NULL;
    CHECK_STATUS(WB_OK, wb_call_create(&call, E));
    return call;
}

/* What was freed first is used again first, and not soon: a stale token stays dead for 2^34 handles. */
static void reuse(void) {
    static wb_call *made[kPairs];
    wb_call *first = make_call(), *second = make_call(), *third = make_call();
    const uint32_t order[] = {place(second), place(third), place(first)};
    int i, used_again = 0;
    wb_call_free(second), wb_call_free(third), wb_call_free(first);
    for (i = 0; i < kPairs; ++i) {
        made[i] = make_call();
        wb_call_free(made[i]);
        CHECK(made[i] != first && made[i] != second && made[i] != third);
        if (place(made[i]) == order[0] || place(made[i]) == order[1] || place(made[i]) == order[2])
            CHECK(i >= 1000 && place(made[i]) == order[used_again++ % 3]);
    }
    CHECK(used_again >= 3);
    for (i = 0; i < kPairs; ++i) CHECK_STATUS(WB_INVALID_HANDLE, wb_call_set_priority(made[i], 0, E));
}

int main(int argc, char **argv) {
    wb_engine *engine = make_engine("cpu=1", 4), *other = make_engine("cpu", 4);
    wb_model *model = NULL;
    wb_schema *schema = NULL;
    wb_slot *slot = NULL;
    wb_batch *batch = NULL;
    wb_snapshot snapshot = {0};
    wb_schema_info info = {0};
    wb_engine_options *options = NULL;
    int i;
    CHECK(argc == 2);
    snapshot.struct_size = sizeof snapshot;
    info.struct_size = sizeof info;

    /* forged: small numbers, addresses, all bits, neighbours of a live token */
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, (wb_engine *)1, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, (wb_engine *)(void *)&info, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, (wb_engine *)UINTPTR_MAX, E));
    for (i = 1; i < 64; ++i)
        CHECK(wb_engine_snapshot(&snapshot, (wb_engine *)((uintptr_t)engine ^ ((uintptr_t)1 << i)), E) ==
                  WB_INVALID_HANDLE ||
              ((uintptr_t)engine ^ ((uintptr_t)1 << i)) == (uintptr_t)other);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, NULL, E));
    CHECK(strstr(E->message, "NULL") != NULL);

    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_batch_create(&batch, schema, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, (wb_engine *)model, E));
    CHECK_STATUS(WB_INVALID_HANDLE, wb_schema_describe(&info, (wb_schema *)batch, E));

    /* any order of freeing, twice, NULL */
    wb_engine_free(engine);
    wb_engine_free(engine);
    wb_engine_free(NULL);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_snapshot(&snapshot, engine, E));
    CHECK_STATUS(WB_CLOSED, wb_slot_swap(slot, model, E));
    CHECK_STATUS(WB_OK, wb_schema_describe(&info, schema, E));
    wb_model_free(model);
    wb_model_free(model);
    wb_slot_free(slot);
    wb_slot_free(slot);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_slot_rollback(slot, E));
    wb_schema_free(schema);
    wb_batch_free(batch);
    wb_batch_free(batch);
    wb_schema_free(NULL), wb_model_free(NULL), wb_slot_free(NULL), wb_batch_free(NULL), wb_call_free(NULL);
    wb_cancel_free(NULL), wb_engine_options_free(NULL), wb_load_options_free(NULL);

    /* an index that is used again does not revive the old token */
    for (i = 0; i < 1000; ++i) {
        wb_call *first = NULL, *second = NULL;
        CHECK_STATUS(WB_OK, wb_call_create(&first, E));
        wb_call_free(first);
        CHECK_STATUS(WB_OK, wb_call_create(&second, E));
        CHECK(first != second);
        CHECK_STATUS(WB_INVALID_HANDLE, wb_call_set_priority(first, 0, E));
        wb_call_free(second);
    }
    reuse();
    CHECK_STATUS(WB_OK, wb_engine_snapshot(&snapshot, other, E));

    /* options: errors with both values */
    CHECK_STATUS(WB_OK, wb_engine_options_create(&options, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_devices(options, "tpu:0", E));
    CHECK(strstr(E->message, "tpu:0") != NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_devices(options, "cpu=0", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_devices(options, "cpu=2x", E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_devices(options, NULL, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_queue_limit(options, 1000001, E));
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_options_set_torch_plugin(options, "relative.so", E));
    wb_engine_options_free(options);
    CHECK_STATUS(WB_INVALID_HANDLE, wb_engine_create(&engine, options, E));
    CHECK(engine == NULL);
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_create(NULL, NULL, E));
    snapshot.struct_size = 8;
    CHECK_STATUS(WB_INVALID_ARGUMENT, wb_engine_snapshot(&snapshot, other, E));
    wb_engine_free(other);
    return 0;
}
