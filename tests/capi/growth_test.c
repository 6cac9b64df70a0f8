/* SPDX-License-Identifier: Apache-2.0 */
/* Sized structs between versions: an old caller on this library (smaller structs), and a caller newer than it (larger
 * ones, whose tail is zeroed). */
#include "support/check.h"

static wb_engine *engine;
static wb_model *model;
static wb_schema *schema;
static wb_slot *slot;
static uint64_t row[64];

/* Each fills one sized struct at `out`. */
static int32_t call_result(void *out, wb_error *err) {
    return wb_model_score((wb_result *)out, model, row, WB_NO_DEADLINE, NULL, err);
}
static int32_t call_snapshot(void *out, wb_error *err) { return wb_engine_snapshot((wb_snapshot *)out, engine, err); }
static int32_t call_schema(void *out, wb_error *err) { return wb_schema_describe((wb_schema_info *)out, schema, err); }
static int32_t call_feature(void *out, wb_error *err) {
    return wb_schema_feature((wb_feature_info *)out, schema, 0, err);
}
static int32_t call_tensor(void *out, wb_error *err) { return wb_schema_tensor((wb_tensor_info *)out, schema, 0, err); }
static int32_t call_output(void *out, wb_error *err) { return wb_schema_output((wb_tensor_info *)out, schema, 0, err); }
static int32_t call_encode(void *out, wb_error *err) {
    static unsigned char tensor[4096];
    return wb_schema_encode((wb_tensor_info *)out, schema, row, 0, tensor, sizeof tensor, err);
}

static int32_t call_option(void *out, wb_error *err) {
    return wb_engine_options_describe((wb_option_info *)out, 0, err);
}
static int32_t call_slot(void *out, wb_error *err) { return wb_slot_describe((wb_slot_info *)out, slot, err); }
static int32_t call_load_option(void *out, wb_error *err) {
    return wb_load_options_describe((wb_option_info *)out, 0, err);
}

static int32_t call_band(void *out, wb_error *err) { return wb_schema_band((wb_band_info *)out, schema, 0, err); }
static int32_t call_describe(void *out, wb_error *err) {
    return wb_model_describe((wb_model_description *)out, model, err);
}

static const struct {
    const char *name;
    uint32_t first, now; /* sizes: of the first version, of this one */
    int32_t (*call)(void *out, wb_error *err);
} kStructs[] = {{"wb_result", WB_RESULT_SIZE_V1, sizeof(wb_result), call_result},
                {"wb_snapshot", WB_SNAPSHOT_SIZE_V1, sizeof(wb_snapshot), call_snapshot},
                {"wb_schema_info", WB_SCHEMA_INFO_SIZE_V1, sizeof(wb_schema_info), call_schema},
                {"wb_feature_info", WB_FEATURE_INFO_SIZE_V1, sizeof(wb_feature_info), call_feature},
                {"wb_tensor_info", WB_TENSOR_INFO_SIZE_V1, sizeof(wb_tensor_info), call_tensor},
                {"wb_tensor_info of an output", WB_TENSOR_INFO_SIZE_V1, sizeof(wb_tensor_info), call_output},
                {"wb_tensor_info of encode", WB_TENSOR_INFO_SIZE_V1, sizeof(wb_tensor_info), call_encode},
                {"wb_band_info", WB_BAND_INFO_SIZE_V1, sizeof(wb_band_info), call_band},
                {"wb_model_description", WB_MODEL_DESCRIPTION_SIZE_V1, sizeof(wb_model_description), call_describe},
                {"wb_option_info", WB_OPTION_INFO_SIZE_V1, sizeof(wb_option_info), call_option},
                {"wb_slot_info", WB_SLOT_INFO_SIZE_V1, sizeof(wb_slot_info), call_slot},
                {"wb_option_info of a load", WB_OPTION_INFO_SIZE_V1, sizeof(wb_option_info), call_load_option}};

enum { kRoom = WB_STRUCT_SIZE_LIMIT + 64, kFiller = 0xa5 };

/* Memory of the caller's, filled, with this struct_size. */
static unsigned char *filled(uint32_t size) {
    static uint64_t memory[kRoom / 8];
    memset(memory, kFiller, sizeof memory);
    memcpy(memory, &size, sizeof size);
    return (unsigned char *)memory;
}

/* Whether the bytes [from, to) are all `value`. */
static int all(const unsigned char *bytes, size_t from, size_t to, unsigned char value) {
    for (; from < to; ++from)
        if (bytes[from] != value) return 0;
    return 1;
}

static void play(size_t i, uint32_t size) {
    unsigned char *out = filled(size);
    uint32_t kept;
    const uint32_t known = size < kStructs[i].now ? size : kStructs[i].now;
    const int taken = size >= kStructs[i].first && size <= WB_STRUCT_SIZE_LIMIT;
    fprintf(stderr, "%s with struct_size %u\n", kStructs[i].name, (unsigned)size);
    CHECK_STATUS(taken ? WB_OK : WB_INVALID_ARGUMENT, kStructs[i].call(out, E));
    memcpy(&kept, out, sizeof kept);
    CHECK(kept == size);
    if (!taken) {
        CHECK(strstr(E->message, "struct_size") != NULL && all(out, sizeof size, kRoom, kFiller));
        return;
    }
    CHECK(!all(out, sizeof size, known, kFiller));
    CHECK(all(out, known, size, 0) && all(out, size, kRoom, kFiller));
}

/* wb_error: of a struct_size that is none, nothing is written. */
static void play_error(uint32_t size) {
    unsigned char *out = filled(size);
    wb_error *err = (wb_error *)(void *)out;
    const int taken = size >= WB_ERROR_SIZE_V1 && size <= WB_STRUCT_SIZE_LIMIT;
    CHECK(wb_engine_snapshot(NULL, NULL, err) == WB_INVALID_HANDLE);
    if (!taken) {
        CHECK(all(out, sizeof size, kRoom, kFiller));
        return;
    }
    CHECK(err->struct_size == size && err->code == WB_INVALID_HANDLE && strstr(err->message, "engine") != NULL);
    CHECK(all(out, sizeof *err, size, 0) && all(out, size, kRoom, kFiller));
}

/* Each struct that a caller hands in has an _INIT macro, which sets its size and nothing else. */
static void initial(void) {
    static const wb_snapshot snapshot = WB_SNAPSHOT_INIT;
    static const wb_schema_info schema_info = WB_SCHEMA_INFO_INIT;
    static const wb_feature_info feature = WB_FEATURE_INFO_INIT;
    static const wb_tensor_info tensor = WB_TENSOR_INFO_INIT;
    static const wb_band_info band = WB_BAND_INFO_INIT;
    static const wb_model_description description = WB_MODEL_DESCRIPTION_INIT;
    static const wb_option_info option = WB_OPTION_INFO_INIT;
    static const wb_slot_info slot_info = WB_SLOT_INFO_INIT;
#define CHECK_INITIAL(of) \
    CHECK((of).struct_size == sizeof(of) && all((const unsigned char *)&(of), sizeof(uint32_t), sizeof(of), 0))
    CHECK_INITIAL(snapshot);
    CHECK_INITIAL(schema_info);
    CHECK_INITIAL(feature);
    CHECK_INITIAL(tensor);
    CHECK_INITIAL(band);
    CHECK_INITIAL(description);
    CHECK_INITIAL(option);
    CHECK_INITIAL(slot_info);
#undef CHECK_INITIAL
}

int main(int argc, char **argv) {
    size_t i;
    initial();
    CHECK(argc == 2);
    engine = make_engine("cpu=1", 4);
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, fixture(argv, "mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    fill(schema, row, "{\"amount_minor\": 1250, \"country\": \"FR\", \"online\": false}");
    for (i = 0; i < sizeof kStructs / sizeof *kStructs; ++i) {
        play(i, 0), play(i, 4), play(i, kStructs[i].first - 1);                       /* never a version */
        play(i, kStructs[i].first);                                                   /* the oldest caller */
        play(i, kStructs[i].now), play(i, kStructs[i].now + 1);                       /* today's and the next */
        play(i, kStructs[i].now + 64), play(i, WB_STRUCT_SIZE_LIMIT);                 /* newer ones */
        play(i, WB_STRUCT_SIZE_LIMIT + 1), play(i, 0xa5a5a5a5u), play(i, UINT32_MAX); /* never set */
    }
    play_error(0), play_error(24), play_error(WB_ERROR_SIZE_V1 - 1), play_error(WB_ERROR_SIZE_V1);
    play_error(sizeof(wb_error)), play_error(sizeof(wb_error) + 64), play_error(WB_STRUCT_SIZE_LIMIT);
    play_error(WB_STRUCT_SIZE_LIMIT + 1), play_error(UINT32_MAX);
    wb_slot_free(slot);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
