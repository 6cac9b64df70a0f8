/* SPDX-License-Identifier: Apache-2.0 */
/* The layouts of version 1 are frozen: offsets and sizes that callers in other languages wrote down. */
#include "support/check.h"

#define OFFSET(type, member, expected) CHECK(offsetof(type, member) == (expected))

int main(void) {
    CHECK(sizeof(wb_error) == 280 && WB_ERROR_SIZE_V1 == 280);
    OFFSET(wb_error, code, 4);
    OFFSET(wb_error, feature, 8);
    OFFSET(wb_error, row, 16);
    OFFSET(wb_error, message, 24);

    CHECK(sizeof(wb_row_header) == 24);
    OFFSET(wb_row_header, used, 4);
    OFFSET(wb_row_header, schema_digest, 8);
    OFFSET(wb_row_header, busy, 16);
    CHECK(sizeof(wb_span) == 8 && sizeof(wb_view) == 16);

    CHECK(sizeof(wb_schema_info) == 64 && WB_SCHEMA_INFO_SIZE_V1 == 40);
    OFFSET(wb_schema_info, digest, 8);
    OFFSET(wb_schema_info, fixed_bytes, 16);
    OFFSET(wb_schema_info, missing_offset, 20);
    OFFSET(wb_schema_info, max_rows, 36);
    OFFSET(wb_schema_info, band_count, 48);
    OFFSET(wb_schema_info, primary_class, 56);

    CHECK(sizeof(wb_feature_info) == 264 && WB_FEATURE_INFO_SIZE_V1 == 104);
    OFFSET(wb_feature_info, type, 4);
    OFFSET(wb_feature_info, offset, 20);
    OFFSET(wb_feature_info, ticks_per_second, 32);
    OFFSET(wb_feature_info, name, 40);
    OFFSET(wb_feature_info, nan_is_missing, 104);
    OFFSET(wb_feature_info, minimum, 112);
    OFFSET(wb_feature_info, default_integer, 136);
    OFFSET(wb_feature_info, unknown_keys, 152);
    OFFSET(wb_feature_info, currency, 160);
    OFFSET(wb_feature_info, privacy, 168);
    OFFSET(wb_feature_info, zone, 200);

    CHECK(sizeof(wb_band_info) == 80 && WB_BAND_INFO_SIZE_V1 == 80);
    OFFSET(wb_band_info, below, 8);
    OFFSET(wb_band_info, name, 16);

    CHECK(sizeof(wb_model_description) == 544 && WB_MODEL_DESCRIPTION_SIZE_V1 == 288);
    OFFSET(wb_model_description, signers, 20);
    OFFSET(wb_model_description, weight_bytes, 24);
    OFFSET(wb_model_description, name, 48);
    OFFSET(wb_model_description, version, 112);
    OFFSET(wb_model_description, bundle_sha256, 144);
    OFFSET(wb_model_description, plan_sha256, 216);
    OFFSET(wb_model_description, signed_by, 288);

    CHECK(sizeof(wb_tensor_info) == 152 && WB_TENSOR_INFO_SIZE_V1 == 152);
    OFFSET(wb_tensor_info, shape, 16);
    OFFSET(wb_tensor_info, bytes, 80);
    OFFSET(wb_tensor_info, name, 88);

    CHECK(sizeof(wb_result) == 112 && WB_RESULT_SIZE_V1 == 112);
    OFFSET(wb_result, status, 4);
    OFFSET(wb_result, score, 8);
    OFFSET(wb_result, probability, 16);
    OFFSET(wb_result, band, 24);
    OFFSET(wb_result, reason, 28);
    OFFSET(wb_result, backend, 32);
    OFFSET(wb_result, numerics, 40);
    OFFSET(wb_result, defaulted, 44);
    OFFSET(wb_result, device, 52);
    OFFSET(wb_result, bundle, 56);
    OFFSET(wb_result, queue_ns, 64);
    OFFSET(wb_result, version, 80);

    CHECK(sizeof(wb_completion) == 408 && WB_COMPLETION_SIZE_V1 == 408);
    OFFSET(wb_completion, status, 4);
    OFFSET(wb_completion, tag, 8);
    OFFSET(wb_completion, error, 16);
    OFFSET(wb_completion, result, 296);

    CHECK(sizeof(wb_option_info) == 520 && WB_OPTION_INFO_SIZE_V1 == 520);
    OFFSET(wb_option_info, name, 8);
    OFFSET(wb_option_info, form, 72);
    OFFSET(wb_option_info, initial, 200);
    OFFSET(wb_option_info, help, 264);

    CHECK(sizeof(wb_batch_result) == 144 && WB_BATCH_RESULT_SIZE_V1 == 144);
    OFFSET(wb_batch_result, status, 4);
    OFFSET(wb_batch_result, rows, 8);
    OFFSET(wb_batch_result, scored, 16);
    OFFSET(wb_batch_result, fallbacks, 24);
    OFFSET(wb_batch_result, invalid, 32);
    OFFSET(wb_batch_result, failed, 40);
    OFFSET(wb_batch_result, first_error, 48);
    OFFSET(wb_batch_result, reason, 56);
    OFFSET(wb_batch_result, backend, 60);
    OFFSET(wb_batch_result, precision, 64);
    OFFSET(wb_batch_result, numerics, 68);
    OFFSET(wb_batch_result, device, 72);
    OFFSET(wb_batch_result, bundle, 80);
    OFFSET(wb_batch_result, fallback_bundle, 88);
    OFFSET(wb_batch_result, queue_ns, 96);
    OFFSET(wb_batch_result, run_ns, 104);
    OFFSET(wb_batch_result, version, 112);

    CHECK(sizeof(wb_batch_encoding) == 56 && WB_BATCH_ENCODING_SIZE_V1 == 56);
    OFFSET(wb_batch_encoding, rows, 8);
    OFFSET(wb_batch_encoding, encoded, 16);
    OFFSET(wb_batch_encoding, first_error, 32);
    OFFSET(wb_batch_encoding, length, 40);
    OFFSET(wb_batch_encoding, tokens, 48);

    CHECK(sizeof(wb_event) == 512 && WB_EVENT_SIZE_V1 == 512);
    OFFSET(wb_event, event, 4);
    OFFSET(wb_event, level, 8);
    OFFSET(wb_event, time_ns, 16);
    OFFSET(wb_event, count, 24);
    OFFSET(wb_event, slot, 32);
    OFFSET(wb_event, version, 96);
    OFFSET(wb_event, message, 128);

    CHECK(sizeof(wb_slot_info) == 264 && WB_SLOT_INFO_SIZE_V1 == 264);
    OFFSET(wb_slot_info, generation, 8);
    OFFSET(wb_slot_info, bundle, 24);
    OFFSET(wb_slot_info, requests, 40);
    OFFSET(wb_slot_info, latency_p50_ns, 96);
    OFFSET(wb_slot_info, name, 136);
    OFFSET(wb_slot_info, version, 200);
    OFFSET(wb_slot_info, previous_version, 232);

    CHECK(sizeof(wb_snapshot) == 248 && WB_SNAPSHOT_SIZE_V1 == 120);
    OFFSET(wb_snapshot, handles, 120);
    OFFSET(wb_snapshot, requests, 16);
    OFFSET(wb_snapshot, latency_p50_ns, 80);
    CHECK(wb_abi_version() == WB_ABI_VERSION && wb_abi_minor() == WB_ABI_MINOR &&
          strcmp(wb_version(), WB_VERSION_STRING) == 0);
    CHECK(strcmp(wb_status_name(WB_BUSY), "WB_BUSY") == 0 && strcmp(wb_status_name(77), "WB_UNKNOWN") == 0);
    return 0;
}
