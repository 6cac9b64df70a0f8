/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of the comparison: the same model and payments as the Java benchmarks, in loops
 * of C, in the same process. */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <weighbridge.h>

enum { NUMBERS = 64, CODES = 16, FEATURES = NUMBERS + CODES };

static wb_schema_info info;
static wb_feature_info features[FEATURES];
static uint64_t row[512];

/* Whether the schema is the MLP's of 80 features, for which a row is made. */
JNIEXPORT jboolean JNICALL Java_io_weighbridge_CCalls_open(JNIEnv *env, jclass self, jlong schema) {
    wb_schema *of = (wb_schema *)(intptr_t)schema;
    uint32_t i;
    (void)env;
    (void)self;
    info.struct_size = sizeof info;
    if (wb_schema_describe(&info, of, NULL) < 0 || info.feature_count != FEATURES) return JNI_FALSE;
    for (i = 0; i < FEATURES; ++i) {
        features[i].struct_size = sizeof features[i];
        if (wb_schema_feature(&features[i], of, i, NULL) < 0) return JNI_FALSE;
    }
    return wb_row_init(of, row, sizeof row, NULL) == WB_OK;
}

/* Scores `count` times; fills the row from the payment's 64 floats and 16 integers before each where `fill` is set. */
JNIEXPORT jdouble JNICALL Java_io_weighbridge_CCalls_score(JNIEnv *env, jclass self, jlong model, jlong payment,
                                                           jint count, jboolean fill) {
    const float *numbers = (const float *)(intptr_t)payment;
    const int64_t *codes = (const int64_t *)(numbers + NUMBERS);
    wb_error err = WB_ERROR_INIT;
    wb_result result = WB_RESULT_INIT;
    double sum = 0;
    int32_t n;
    uint32_t i;
    (void)env;
    (void)self;
    for (n = 0; n < count; ++n) {
        if (fill) {
            for (i = 0; i < NUMBERS; ++i) wb_row_set_float32(row, &info, &features[i], i, numbers[i]);
            for (i = 0; i < CODES; ++i) wb_row_set_int64(row, &info, &features[NUMBERS + i], NUMBERS + i, codes[i]);
        }
        if (wb_model_score(&result, (wb_model *)(intptr_t)model, row, WB_NO_DEADLINE, NULL, &err) != WB_OK) abort();
        sum += result.score;
    }
    return sum;
}
