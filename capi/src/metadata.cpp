// SPDX-License-Identifier: Apache-2.0
// Metadata of bundles and models as structs of the C ABI.
#include <cmath>
#include <vector>

#include "base/spelling.hpp"
#include "bundle/manifest_reader.hpp"
#include "feature/vocabulary.hpp"
#include "feature/wordpiece.hpp"
#include "objects.hpp"
#include "sign/trust.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::copy_text;
using capi::Kind;
using lib::Status;

namespace {

template <class Body>
int32_t with_bundle(wb_schema *schema, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SchemaObject> object(Kind::schema, schema);
        return object ? body(*object->bundle) : object.status();
    });
}

// Keys of categories and codes, and tokens of texts.
void describe_keys(const lib::Feature &feature, wb_feature_info &info) {
    const bool keys = feature.type == lib::StoredType::category || feature.type == lib::StoredType::code;
    info.unknown_keys = keys ? WB_UNKNOWN_TAKEN : 0;
    for (const lib::Encoding &step : feature.encoding) {
        if (const auto *listed = std::get_if<lib::Vocabularise>(&step)) {
            info.vocabulary_size = listed->vocabulary->size();
            if (listed->unknown_is_error) info.unknown_keys = WB_UNKNOWN_ERROR;
        } else if (const auto *codes = std::get_if<lib::Identity>(&step)) {
            info.vocabulary_size = codes->size;
            info.unknown_keys = WB_UNKNOWN_ERROR;
        } else if (const auto *text = std::get_if<lib::Tokenise>(&step)) {
            info.vocabulary_size = text->tokeniser->size();
            info.max_tokens = static_cast<uint32_t>(text->max_tokens);
        }
    }
}

wb_feature_info describe(const lib::Feature &feature) {
    wb_feature_info info{};
    info.type = static_cast<int32_t>(feature.type);
    info.is_sequence = feature.sequence;
    info.required = !feature.missing;
    info.is_private = !feature.privacy.empty();
    info.offset = feature.offset;
    info.money_exponent = feature.money_exponent;
    info.ticks_per_second = feature.ticks_per_second;
    copy_text(info.name, feature.name);
    info.nan_is_missing = feature.nan_is_missing;
    info.has_range = feature.minimum || feature.maximum;
    info.minimum = feature.minimum.value_or(-HUGE_VAL);
    info.maximum = feature.maximum.value_or(HUGE_VAL);
    if (feature.missing) {
        info.default_number = feature.missing->number;
        info.default_integer = feature.missing->integer;
    }
    describe_keys(feature, info);
    copy_text(info.currency, feature.currency);
    copy_text(info.privacy, feature.privacy);
    if (feature.type == lib::StoredType::timestamp) copy_text(info.zone, feature.zone.empty() ? "UTC" : feature.zone);
    return info;
}

wb_model_description describe(const lib::Model &model) {
    const lib::Bundle &bundle = model.bundle();
    const lib::Manifest &manifest = bundle.manifest();
    const lib::Program &program = model.program();
    wb_model_description made{};
    made.backend = program.backend();
    made.precision = program.precision();
    made.numerics = program.numerics();
    made.contexts = static_cast<uint32_t>(model.pool().contexts());
    made.weight_bytes = program.weight_bytes();
    made.context_bytes = model.context_bytes();
    made.signers = static_cast<uint32_t>(bundle.signers().size());
    if (!manifest.identity.not_after.empty()) made.not_after_s = lib::utc_seconds(manifest.identity.not_after);
    copy_text(made.name, manifest.identity.name);
    copy_text(made.version, manifest.identity.version);
    copy_text(made.bundle_sha256, lib::hex(bundle.digest()));
    const auto plan = manifest.files.find("model.plan");
    const bool plan_runs = program.backend() != WB_BACKEND_TORCHSCRIPT && plan != manifest.files.end();
    if (plan_runs) copy_text(made.plan_sha256, plan->second.sha256);
    copy_text(made.signed_by, lib::signer_names(bundle));
    return made;
}

}  // namespace

extern "C" {

int32_t wb_schema_feature(wb_feature_info *out, wb_schema *schema, uint32_t index, wb_error *err) {
    return with_bundle(schema, err, [&](const lib::Bundle &bundle) {
        const auto &features = bundle.schema()->features();
        if (index >= features.size()) return capi::out_of_range("feature", features.size(), index);
        return capi::fill_struct(out, describe(features[index]), WB_FEATURE_INFO_SIZE_V1);
    });
}

int32_t wb_schema_default_text(wb_text **out, wb_schema *schema, uint32_t index, wb_error *err) {
    if (out) *out = nullptr;
    return with_bundle(schema, err, [&](const lib::Bundle &bundle) {
        if (!out) return capi::null_argument("out");
        const auto &features = bundle.schema()->features();
        if (index >= features.size()) return capi::out_of_range("feature", features.size(), index);
        const lib::Feature &feature = features[index];
        const bool text = feature.type == lib::StoredType::category || feature.type == lib::StoredType::text;
        if (!feature.missing || !text || feature.sequence)
            return Status::failure(WB_NOT_FOUND, "feature '{}': expected one with a default text", feature.name);
        return capi::give_text(out, feature.missing->text);
    });
}

int32_t wb_schema_band(wb_band_info *out, wb_schema *schema, uint32_t index, wb_error *err) {
    return with_bundle(schema, err, [&](const lib::Bundle &bundle) {
        const auto &bands = bundle.primary().bands;
        if (index >= bands.size()) return capi::out_of_range("band", bands.size(), index);
        wb_band_info info{};
        info.below = bands[index].below;
        copy_text(info.name, bands[index].name);
        return capi::fill_struct(out, info, WB_BAND_INFO_SIZE_V1);
    });
}

int32_t wb_schema_find_output(uint32_t *out, wb_schema *schema, const char *name, wb_error *err) {
    return with_bundle(schema, err, [&](const lib::Bundle &bundle) {
        if (!out) return capi::null_argument("out");
        if (!name) return capi::null_argument("name");
        std::vector<std::string_view> names;
        for (const lib::Output &output : bundle.manifest().outputs) {
            if (output.name == name) {
                *out = static_cast<uint32_t>(names.size());
                return Status();
            }
            names.emplace_back(output.name);
        }
        return Status::failure(WB_NOT_FOUND, "output '{:.64}': expected one of the schema; near: {}", name,
                               lib::nearest_names(name, names));
    });
}

int32_t wb_model_describe(wb_model_description *out, wb_model *model, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::ModelObject> object(Kind::model, model);
        if (!object) return object.status();
        return capi::fill_struct(out, describe(*object->model), WB_MODEL_DESCRIPTION_SIZE_V1);
    });
}

}  // extern "C"
