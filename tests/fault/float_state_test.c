/* SPDX-License-Identifier: Apache-2.0 */
/* A host that rounds otherwise, flushes denormals or traps on floating-point exceptions: every function that computes
 * gives the bits that it gives elsewhere, and leaves the host's state as it was, on errors too. Each case is run in the
 * state of a new process and in each other state, with the same output, byte for byte. */
#define _GNU_SOURCE
#include <fenv.h>
#include <stdlib.h>

#include "support/check.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

/* What a case wrote: statuses, messages and whatever it was given. */
static struct {
    char bytes[1 << 16];
    size_t used;
} now, expected;

static void keep(const void *data, size_t size) {
    CHECK(now.used + size <= sizeof now.bytes);
    memcpy(now.bytes + now.used, data, size);
    now.used += size;
}

/* The call's status, and its message where it failed. */
static int32_t said(int32_t status) {
    keep(&status, sizeof status);
    if (status < 0) keep(E->message, strlen(E->message) + 1);
    return status;
}

static char directory[4096];
static wb_engine *engine;
static wb_model *model;
static wb_schema *schema;
static wb_slot *slot;
static uint64_t row[64], steep_row[64];

static const char *in(const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* Fields that are not times. */
static void keep_result(const wb_result *result) {
    keep(&result->score, sizeof result->score);
    keep(&result->probability, sizeof result->probability);
    keep(&result->band, sizeof result->band);
    keep(&result->clipped, sizeof result->clipped);
}

/* Decimals that round, underflow, overflow or divide on their way to a float. */
static const char *const kRows[] = {
    "{\"amount_minor\": 123457, \"age_days\": 0.1, \"country\": \"DE\", \"online\": true}",
    "{\"amount_minor\": 1, \"age_days\": 1.00000005960464477540, \"country\": \"FR\", \"online\": false}",
    "{\"amount_minor\": 9999999, \"age_days\": 1e-40, \"country\": \"IT\", \"online\": true}",
    "{\"amount_minor\": 7, \"age_days\": 1.401298464324817e-45, \"country\": \"FR\", \"online\": false}",
    "{\"amount_minor\": 7, \"age_days\": 4.9e-324, \"country\": \"FR\", \"online\": false}",
    "{\"amount_minor\": 7, \"age_days\": 0.333333333333333333333333333333333333333333333333333, \"country\": \"XX\"}",
    "{\"age_days\": 1e400}",
    "{\"age_days\": -1e400}",
    "{\"age_days\": 1e39}",
    "{\"amount_minor\": 1e400}",
    "{\"amount_minor\": 0.1}",
    "{\"amount_minor\": 12345678901234567890123}",
    "{\"age_days\": \"NaN\"}",
    "{\"unknown\": 1e400}",
    "{\"age_days\": [1e400]}",
};

static void set_json_and_encode(void) {
    size_t i;
    uint32_t tensor;
    for (i = 0; i < sizeof kRows / sizeof *kRows; ++i) {
        uint64_t made[64];
        wb_tensor_info info = {0};
        float numbers[3];
        int64_t country;
        info.struct_size = sizeof info;
        said(wb_row_init(schema, made, sizeof made, E));
        said(wb_row_set_json(schema, made, kRows[i], strlen(kRows[i]), E));
        for (tensor = 0; tensor < 2; ++tensor) {
            void *data = tensor ? (void *)&country : numbers;
            const size_t size = tensor ? sizeof country : sizeof numbers;
            if (said(wb_schema_encode(&info, schema, made, tensor, data, size, E)) == WB_OK) keep(data, size);
        }
    }
}

static void score(void) {
    wb_result result = WB_RESULT_INIT;
    wb_call *call = NULL;
    float logit[1] = {0};
    said(wb_call_create(&call, E));
    said(wb_call_set_output(call, 1, logit, 1, E));
    said(wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E));
    keep_result(&result);
    keep(logit, sizeof logit);
    said(wb_slot_score(&result, slot, row, WB_NO_DEADLINE, call, E));
    keep_result(&result);
    said(wb_call_set_output(call, 1, logit, 0, E));
    said(wb_model_score(&result, model, row, WB_NO_DEADLINE, call, E)); /* the buffer is too small */
    said(wb_model_score(&result, NULL, row, WB_NO_DEADLINE, call, E));
    wb_call_free(call);
}

/* The model's own numbers overflow, and divide an infinity. */
static void score_what_overflows(void) {
    wb_model *steep = NULL;
    wb_result result = WB_RESULT_INIT;
    said(wb_model_load(&steep, engine, in("mlp-steep"), NULL, E));
    said(wb_model_score(&result, steep, steep_row, WB_NO_DEADLINE, NULL, E));
    keep_result(&result);
    wb_model_free(steep);
}

static void score_columns(void) {
    enum { kCount = 5 };
    static const int64_t amount[kCount] = {1, 10, 123457, -1, 9999999};
    static const uint32_t age_bits[kCount] = {0x3DCCCCCD, 1, 0x7F7FFFFF, 0x3F800000, 0x7FA00000}; /* a signalling NaN */
    static const double wide_age[kCount] = {0.1, 1e-300, 1e39, 16777217, 4.9e-324}; /* rounded to float32 */
    static const uint8_t online[kCount] = {1, 0, 1, 1, 0};
    static const char utf8[] = "FRDEITFRXX";
    static const int32_t offsets[kCount + 1] = {0, 2, 4, 6, 8, 10};
    const void *buffers[] = {NULL, offsets, utf8};
    struct ArrowSchema type = {"u", "country", NULL, 2, 0, NULL, NULL, NULL, NULL};
    struct ArrowArray array = {kCount, 0, 0, 3, 0, buffers, NULL, NULL, NULL, NULL};
    float numbers[3 * kCount];
    double scores[kCount], probabilities[kCount];
    int32_t statuses[kCount];
    wb_batch *batch = NULL;
    int i;
    said(wb_batch_create(&batch, schema, E));
    said(wb_batch_reset(batch, kCount, E));
    said(wb_batch_set_column(batch, 0, amount, sizeof *amount, NULL, E));
    said(wb_batch_set_column(batch, 1, age_bits, sizeof *age_bits, NULL, E));
    said(wb_batch_set_arrow(batch, 2, &type, &array, E));
    said(wb_batch_set_column(batch, 3, online, sizeof *online, NULL, E));
    said(wb_batch_set_result(batch, WB_COLUMN_SCORE, scores, sizeof *scores, E));
    said(wb_batch_set_result(batch, WB_COLUMN_PROBABILITY, probabilities, sizeof *probabilities, E));
    said(wb_batch_set_result(batch, WB_COLUMN_STATUS, statuses, sizeof *statuses, E));
    for (i = 0; i < kCount; ++i) said(wb_batch_check(batch, i, E));
    said(wb_model_score_batch(NULL, model, batch, WB_NO_DEADLINE, NULL, E));
    keep(scores, sizeof scores);
    keep(probabilities, sizeof probabilities);
    keep(statuses, sizeof statuses);
    said(wb_slot_score_batch(NULL, slot, batch, WB_NO_DEADLINE, NULL, E));
    keep(scores, sizeof scores);
    said(wb_batch_set_column_as(batch, 1, WB_ELEMENT_FLOAT64, wide_age, sizeof *wide_age, NULL, 0, E));
    said(wb_batch_set_tensor(batch, 0, numbers, sizeof numbers, NULL, 0, E));
    said(wb_batch_encode(NULL, batch, 0, 0, E));
    keep(numbers, sizeof numbers);
    wb_batch_free(batch);
}

static void keep_text(wb_text *text) {
    keep(wb_text_data(text), wb_text_size(text));
    wb_text_free(text);
}

static void load(void) {
    static const char *const engines[] = {"native", "reference"};
    wb_text *text = NULL;
    size_t i;
    for (i = 0; i < 2; ++i) {
        wb_load_options *options = NULL;
        wb_model *loaded = NULL;
        wb_result result = WB_RESULT_INIT;
        said(wb_load_options_create(&options, E));
        said(wb_load_options_set_engines(options, engines[i], E));
        if (said(wb_model_load(&loaded, engine, in("mlp"), options, E)) == WB_OK) {
            said(wb_model_score(&result, loaded, row, WB_NO_DEADLINE, NULL, E));
            keep_result(&result);
            said(wb_model_info(&text, loaded, E));
            keep_text(text);
        }
        said(wb_bundle_verify(&text, engine, in("mlp"), options, E));
        keep_text(text);
        said(wb_bundle_verify(&text, engine, in("mlp-wrong-golden"), options, E));
        keep_text(text);
        wb_model_free(loaded);
        wb_load_options_free(options);
    }
    said(wb_model_load(&(wb_model *){NULL}, engine, in("mlp-wrong-golden"), NULL, E));
    said(wb_bundle_inspect(&text, in("mlp"), E));
    keep_text(text);
}

static void deploy(void) {
    wb_result result = WB_RESULT_INIT;
    said(wb_slot_load(slot, in("mlp-v2"), NULL, E));
    said(wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    keep_result(&result);
    said(wb_slot_load(slot, in("mlp-renamed"), NULL, E));
    said(wb_slot_rollback(slot, E));
    said(wb_slot_score(&result, slot, row, WB_NO_DEADLINE, NULL, E));
    keep_result(&result);
    said(wb_slot_load(slot, in("mlp"), NULL, E));
}

static void describe_schema(void) {
    wb_schema *loaded = NULL;
    wb_schema_info about = {0};
    wb_feature_info feature = {0};
    wb_tensor_info tensor = {0};
    uint32_t index = 0;
    about.struct_size = sizeof about, feature.struct_size = sizeof feature, tensor.struct_size = sizeof tensor;
    said(wb_schema_load(&loaded, in("mlp"), E));
    said(wb_schema_describe(&about, loaded, E));
    said(wb_schema_feature(&feature, loaded, 1, E));
    said(wb_schema_find(&index, loaded, "contry", E));
    said(wb_schema_tensor(&tensor, loaded, 0, E));
    said(wb_schema_output(&tensor, loaded, 0, E));
    keep(&about, sizeof about);
    keep(&feature, sizeof feature);
    keep(&tensor, sizeof tensor);
    wb_schema_free(loaded);
}

/* Counters and times are others each time: what counts is that nothing traps and the state stays. */
static void read_counters(void) {
    wb_text *text = NULL;
    wb_snapshot snapshot = {0};
    wb_engine *other = NULL;
    snapshot.struct_size = sizeof snapshot;
    said(wb_engine_create(&other, NULL, E));
    said(wb_engine_snapshot(&snapshot, engine, E));
    said(wb_engine_metrics(&text, engine, E));
    wb_text_free(text);
    said(wb_engine_maintain(other, E));
    said(wb_system_info(&text, E));
    wb_text_free(text);
    said(wb_engine_close(other, wb_now_ns() + 1000000000, E));
    wb_engine_free(other);
}

static const struct {
    const char *name;
    void (*run)(void);
} kCases[] = {
    {"wb_row_set_json, wb_schema_encode", set_json_and_encode},
    {"wb_model_score, wb_slot_score", score},
    {"wb_model_score of what overflows", score_what_overflows},
    {"wb_batch_check, wb_model_score_batch, wb_slot_score_batch, wb_batch_encode", score_columns},
    {"wb_model_load, wb_model_info, wb_bundle_verify, wb_bundle_inspect", load},
    {"wb_slot_load, wb_slot_rollback", deploy},
    {"wb_schema_*", describe_schema},
    {"wb_engine_*, wb_system_info", read_counters},
};

static void set_mxcsr(unsigned bits) { _mm_setcsr(_mm_getcsr() | bits); }

static void set_x87(unsigned short control) { __asm__ volatile("fldcw %0" : : "m"(control)); }

static void upward(void) { fesetround(FE_UPWARD); }
static void downward(void) { fesetround(FE_DOWNWARD); }
static void to_zero(void) { fesetround(FE_TOWARDZERO); }
static void flush(void) { set_mxcsr(0x8040); } /* FTZ and DAZ */
static void trap(void) { feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW); }
static void trap_all(void) { feenableexcept(FE_ALL_EXCEPT); }
static void everything(void) { upward(), flush(), trap_all(); }
static void x87_double(void) { set_x87(0x027F); }
static void flagged(void) { set_mxcsr(0x3F); }
static void flagged_traps(void) { flagged(), trap_all(); }

static const struct {
    const char *name;
    void (*set)(void);
} kStates[] = {
    {"rounding up", upward},
    {"rounding down", downward},
    {"rounding to zero", to_zero},
    {"flushing denormals", flush},
    {"trapping as numeric hosts do", trap},
    {"trapping on everything", trap_all},
    {"all of these", everything},
    {"x87 in double precision", x87_double},
    {"all flags raised", flagged},
    {"all flags raised and trapping", flagged_traps},
};

typedef struct state {
    unsigned mxcsr;
    unsigned short control, flags;
} state;

static state read_state(void) {
    state read;
    read.mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(read.control));
    __asm__ volatile("fnstsw %0" : "=m"(read.flags));
    read.flags &= 0xFF;
    return read;
}

int main(int argc, char **argv) {
    fenv_t fresh;
    unsigned fresh_mxcsr;
    size_t c, s;
    CHECK(argc == 2);
    snprintf(directory, sizeof directory, "%s", argv[1]);
    engine = make_engine("cpu=1", 16);
    CHECK_STATUS(WB_OK, wb_model_load(&model, engine, in("mlp"), NULL, E));
    CHECK_STATUS(WB_OK, wb_model_schema(&schema, model, E));
    CHECK_STATUS(WB_OK, wb_slot_open(&slot, engine, "champion", WB_SLOT_CREATE, E));
    CHECK_STATUS(WB_OK, wb_slot_swap(slot, model, E));
    fill(schema, row, kRows[0]);
    {
        wb_schema *steep = NULL;
        CHECK_STATUS(WB_OK, wb_schema_load(&steep, in("mlp-steep"), E));
        fill(steep, steep_row,
             "{\"amount_minor\": 1, \"age_days\": 3.4e38, \"extra\": 3.4e38, \"country\": \"FR\", \"online\": true}");
        wb_schema_free(steep);
    }
    fegetenv(&fresh);
    fresh_mxcsr = _mm_getcsr() & ~0x3Fu;
    for (c = 0; c < sizeof kCases / sizeof *kCases; ++c) {
        now.used = 0;
        kCases[c].run();
        memcpy(&expected, &now, sizeof now);
        for (s = 0; s < sizeof kStates / sizeof *kStates; ++s) {
            state before, after;
            now.used = 0;
            fesetenv(&fresh);
            _mm_setcsr(fresh_mxcsr);
            kStates[s].set();
            before = read_state();
            kCases[c].run();
            after = read_state();
            fesetenv(&fresh);
            _mm_setcsr(fresh_mxcsr);
            if (before.mxcsr != after.mxcsr || before.control != after.control || before.flags != after.flags) {
                fprintf(stderr, "%s, %s: state %04x %04x %02x, afterwards %04x %04x %02x\n", kCases[c].name,
                        kStates[s].name, before.mxcsr, before.control, before.flags, after.mxcsr, after.control,
                        after.flags);
                return 1;
            }
            if (now.used != expected.used || memcmp(now.bytes, expected.bytes, now.used) != 0) {
                fprintf(stderr, "%s, %s: other results than in the state of a new process\n", kCases[c].name,
                        kStates[s].name);
                return 1;
            }
        }
    }
    wb_slot_free(slot);
    wb_schema_free(schema);
    wb_model_free(model);
    wb_engine_free(engine);
    return 0;
}
#else
/* The states are those of x86-64; the guard of aarch64 has not been run. */
int main(void) { return 0; }
#endif
