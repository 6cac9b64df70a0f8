// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/json.hpp"
#include "bundle/bundle.hpp"
#include "feature/type_name.hpp"
#include "feature/vocabulary.hpp"
#include "feature/wordpiece.hpp"

namespace weighbridge::lib {
namespace {

JsonValue describe_identity(const BundleIdentity &identity) {
    JsonValue out = JsonValue::object();
    auto add = [&out](const char *name, const std::string &value) {
        if (!value.empty()) out[name] = value;
    };
    add("name", identity.name);
    add("version", identity.version);
    add("created", identity.created);
    add("owner", identity.owner);
    add("purpose", identity.purpose);
    add("risk_tier", identity.risk_tier);
    add("training_data_sha256", identity.training_data_sha256);
    add("framework", identity.framework);
    add("not_after", identity.not_after);
    return out;
}

struct DescribeStep {
    JsonValue operator()(const Log1p &) const { return {{"op", "log1p"}}; }
    JsonValue operator()(const Standardise &step) const {
        return {{"op", "standardise"}, {"mean", step.mean}, {"std", step.standard_deviation}};
    }
    JsonValue operator()(const Clip &step) const {
        return {{"op", "clip"}, {"min", step.minimum}, {"max", step.maximum}};
    }
    JsonValue operator()(const Bucketise &step) const {
        return {{"op", "bucketise"}, {"edges", JsonValue::array(step.edges)}};
    }
    JsonValue operator()(const Vocabularise &step) const {
        return {{"op", "vocabulary"},
                {"size", step.vocabulary->size()},
                {"unknown", step.unknown_is_error ? "error" : "zero"}};
    }
    JsonValue operator()(const HashBuckets &step) const {
        return {{"op", "hash"}, {"buckets", step.buckets}, {"seed", step.seed}};
    }
    JsonValue operator()(const Identity &step) const { return {{"op", "identity"}, {"size", step.size}}; }
    JsonValue operator()(const Cyclic &step) const {
        constexpr const char *periods[] = {"hour", "day", "week", "year"};
        return {{"op", "cyclic"}, {"period", periods[static_cast<size_t>(step.period)]}};
    }
    JsonValue operator()(const Tokenise &step) const {
        return {{"op", "wordpiece"}, {"size", step.tokeniser->size()}, {"max_tokens", step.max_tokens}};
    }
    JsonValue operator()(const Truncate &step) const {
        return {{"op", "truncate"}, {"keep", step.keep_tail ? "tail" : "head"}};
    }
};

// As the manifest writes it.
std::string_view type_name(StoredType type) { return name_of(type == StoredType::code ? StoredType::category : type); }

JsonValue describe_default(const Feature &feature) {
    const DefaultValue &value = *feature.missing;
    if (feature.sequence) return JsonValue::array();
    switch (feature.type) {
        case StoredType::boolean:
            return value.number != 0;
        case StoredType::float32:
        case StoredType::float64:
            return value.number;
        case StoredType::category:
        case StoredType::text:
            return value.text;
        default:
            return value.integer;
    }
}

JsonValue describe_feature(const Feature &feature) {
    JsonValue out = JsonValue::object();
    out["name"] = feature.name;
    out["type"] = feature.sequence ? "sequence" : type_name(feature.type);
    if (feature.sequence) out["of"] = type_name(feature.type);
    if (feature.type == StoredType::code) out["keys"] = "int64";
    out["offset"] = feature.offset;
    out["required"] = !feature.missing.has_value();
    if (feature.missing) out["default"] = describe_default(feature);
    if (feature.money_exponent >= 0) {
        out["currency"] = feature.currency;
        out["money_exponent"] = feature.money_exponent;
    }
    if (feature.type == StoredType::timestamp) {
        out["unit"] = unit_name(feature.ticks_per_second);
        out["zone"] = feature.zone.empty() ? "UTC" : feature.zone;
    }
    if (feature.minimum && feature.maximum)
        out["range"] = JsonValue::array(std::array{*feature.minimum, *feature.maximum});
    if (feature.nan_is_missing) out["nan"] = "missing";
    if (!feature.privacy.empty()) out["privacy"] = feature.privacy;
    JsonValue steps = JsonValue::array();
    for (const Encoding &step : feature.encoding) steps.push_back(std::visit(DescribeStep{}, step));
    out["encoding"] = std::move(steps);
    return out;
}

JsonValue describe_shape(const Shape &shape) {
    JsonValue out = JsonValue::array();
    for (int32_t i = 0; i < shape.rank; ++i) {
        const int64_t size = shape.size[static_cast<size_t>(i)];
        if (size >= 0)
            out.push_back(size);
        else
            out.push_back(size == kBatch ? "batch" : size == kLength ? "length" : "tokens");
    }
    return out;
}

JsonValue describe_tensor(const TensorSpec &tensor, const std::vector<Feature> &features) {
    constexpr const char *sources[] = {"features", "lengths", "mask"};
    JsonValue names = JsonValue::array();
    for (uint32_t index : tensor.features) names.push_back(features[index].name);
    return {{"name", tensor.name},
            {"dtype", name_of(tensor.dtype)},
            {"shape", describe_shape(tensor.shape)},
            {"source", sources[static_cast<size_t>(tensor.source)]},
            {"features", std::move(names)}};
}

JsonValue describe_calibration(const Calibration &calibration) {
    if (const auto *platt = std::get_if<Platt>(&calibration))
        return {{"kind", "platt"}, {"a", platt->a}, {"b", platt->b}};
    if (const auto *table = std::get_if<Isotonic>(&calibration))
        return {{"kind", "isotonic"}, {"points", table->x.size()}};
    return {{"kind", "identity"}};
}

JsonValue describe_output(const Output &output) {
    constexpr const char *activations[] = {"none", "sigmoid", "softmax"};
    JsonValue out = JsonValue::object();
    out["name"] = output.name;
    const Output::Source &source = output.source;
    out["source"] = source.key.empty() ? JsonValue(source.place) : JsonValue(source.key);
    out["shape"] = describe_shape(output.shape);
    out["activation"] = {{"kind", activations[static_cast<size_t>(output.activation)]},
                         {"applied", output.activation_applied}};
    out["primary"] = output.primary;
    if (!output.primary) return out;
    out["class"] = output.class_index;
    out["calibration"] = describe_calibration(output.calibration);
    JsonValue bands = JsonValue::array();
    for (const Band &band : output.bands) {
        JsonValue entry = {{"name", band.name}};
        if (&band != &output.bands.back()) entry["below"] = band.below;
        bands.push_back(std::move(entry));
    }
    out["bands"] = std::move(bands);
    return out;
}

// Each with the role of its key, where the signature was checked.
JsonValue describe_signatures(const std::vector<SignatureFile> &signatures, const std::vector<Signer> &signers) {
    JsonValue out = JsonValue::array();
    for (size_t i = 0; i < signatures.size(); ++i) {
        JsonValue entry = {{"file", signatures[i].name}, {"key", signatures[i].key}, {"checked", i < signers.size()}};
        if (i < signers.size() && !signers[i].role.empty()) entry["role"] = signers[i].role;
        out.push_back(std::move(entry));
    }
    return out;
}

JsonValue describe_fallback(const Fallback &fallback) {
    JsonValue out = {{"score", fallback.score}};
    if (!fallback.slot.empty()) {
        out["slot"] = fallback.slot;
        out["reserve_us"] = fallback.reserve_us;
    }
    return out;
}

}  // namespace

JsonValue Bundle::describe() const {
    JsonValue features = JsonValue::array(), tensors = JsonValue::array(), outputs = JsonValue::array();
    for (const Feature &feature : manifest_.features) features.push_back(describe_feature(feature));
    for (const TensorSpec &tensor : manifest_.tensors) tensors.push_back(describe_tensor(tensor, manifest_.features));
    for (const Output &output : manifest_.outputs) outputs.push_back(describe_output(output));
    JsonValue tolerances = JsonValue::object(), files = JsonValue::object();
    for (const auto &[precision, tolerance] : manifest_.tolerances)
        tolerances[precision] = {{"absolute", tolerance.absolute}};
    for (const auto &[name, entry] : manifest_.files) files[name] = {{"sha256", entry.sha256}, {"bytes", entry.bytes}};

    JsonValue out = JsonValue::object();
    out["identity"] = describe_identity(manifest_.identity);
    out["requires"] = manifest_.requires_version;
    out["digest"] = hex(digest_);
    out["signatures"] = describe_signatures(signatures_, signers_);
    out["schema"] = {{"digest", formatted("{:016x}", schema_->digest())},
                     {"features", manifest_.features.size()},
                     {"fixed_bytes", schema_->fixed_bytes()},
                     {"missing_offset", schema_->missing_offset()}};
    out["features"] = std::move(features);
    out["tensors"] = std::move(tensors);
    out["outputs"] = std::move(outputs);
    out["limits"] = {{"length", manifest_.limits.length},
                     {"least_length", manifest_.limits.least_length},
                     {"shorter", manifest_.limits.shorter == Shorter::error ? "error" : "fallback"},
                     {"rows", manifest_.limits.rows},
                     {"text_bytes", manifest_.limits.text_bytes},
                     {"memory_bytes", manifest_.limits.memory_bytes}};
    out["fallback"] = describe_fallback(manifest_.fallback);
    out["tolerances"] = std::move(tolerances);
    out["files"] = std::move(files);
    out["warnings"] = JsonValue::array(manifest_.warnings);
    return out;
}

}  // namespace weighbridge::lib
