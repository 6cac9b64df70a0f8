// SPDX-License-Identifier: Apache-2.0
#include "feature/schema.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/sha256.hpp"
#include "base/spelling.hpp"
#include "base/utf8.hpp"
#include "feature/cell_value.hpp"

namespace weighbridge::lib {
namespace {

// wb_feature_info.name has 64 bytes, NUL included.
constexpr size_t kLongestName = 63;
// Keeps every offset and the bitmap far inside 32 bits.
constexpr size_t kMostFeatures = 65536;
// ISO 4217 minor units go from 0 to 4.
constexpr int kMostExponent = 4;

bool is_name(std::string_view name) {
    auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (name.empty() || name.size() > kLongestName || !lower(name[0])) return false;
    return std::all_of(name.begin(), name.end(), [&](char c) { return lower(c) || digit(c) || c == '_'; });
}

bool is_number(StoredType type) {
    return type == StoredType::float32 || type == StoredType::float64 || type == StoredType::int64;
}

bool is_floating(StoredType type) { return type == StoredType::float32 || type == StoredType::float64; }

uint32_t field_bytes(const Feature &feature) {
    if (feature.sequence) return sizeof(wb_span);
    switch (feature.type) {
        case StoredType::boolean:
            return 1;
        case StoredType::float32:
            return 4;
        default:
            return 8;
    }
}

template <class... Values>
Status refuse(const Feature &feature, TextFormat<Values...> format, const Values &...values) {
    Line<160> text;
    text.add(format, values...);
    return Status::failure(WB_INVALID_BUNDLE, "feature '{}': {}", feature.name, text.view());
}

Status check_default(const Feature &feature) {
    const DefaultValue &value = *feature.missing;
    if (feature.sequence) return Status();
    if (feature.type == StoredType::category || feature.type == StoredType::text) {
        size_t bad = utf8_error(value.text);
        if (bad != std::string::npos) return refuse(feature, "expected a default of UTF-8, got a bad byte at {}", bad);
        return Status();
    }
    if (feature.type == StoredType::boolean && value.number != 0 && value.number != 1)
        return refuse(feature, "expected a default of 0 or 1, got {}", value.number);
    if (is_floating(feature.type) && !std::isfinite(value.number))
        return refuse(feature, "expected a finite default, got {}", value.number);
    double raw = is_floating(feature.type) ? value.number : static_cast<double>(value.integer);
    if (feature.type != StoredType::boolean && feature.type != StoredType::code && !feature.in_range(raw))
        return refuse(feature, "expected a default in the range [{}, {}], got {}", feature.minimum.value_or(-HUGE_VAL),
                      feature.maximum.value_or(HUGE_VAL), raw);
    return Status();
}

Status check_feature(const Feature &feature) {
    if (!is_name(feature.name))
        return Status::failure(WB_INVALID_BUNDLE, "feature '{:.80}': expected a name like [a-z][a-z0-9_]{{0,62}}",
                               utf8_error(feature.name) == std::string::npos ? feature.name : "not UTF-8");
    std::string_view type = name_of(feature.type);
    if (type == "unknown") return refuse(feature, "expected a known type, got {}", static_cast<int>(feature.type));
    if (feature.sequence && (feature.type == StoredType::boolean || feature.type == StoredType::text))
        return refuse(feature, "expected a sequence of numbers, categories or timestamps, got one of {}", type);
    if (feature.money_exponent != -1) {
        if (feature.type != StoredType::int64) return refuse(feature, "expected money as int64, got {}", type);
        if (feature.money_exponent < 0 || feature.money_exponent > kMostExponent)
            return refuse(feature, "expected a money exponent in [0, {}], got {}", kMostExponent,
                          feature.money_exponent);
    }
    int64_t ticks = feature.ticks_per_second;
    if (feature.type == StoredType::timestamp) {
        if (ticks != 1 && ticks != 1000 && ticks != 1000000 && ticks != 1000000000)
            return refuse(feature, "expected 1, 1000, 1000000 or 1000000000 ticks per second, got {}", ticks);
    } else if (ticks != 0 || !feature.zone.empty()) {
        return refuse(feature, "expected a unit and a zone on a timestamp only, got them on {}", type);
    }
    if (feature.minimum || feature.maximum) {
        if (!is_number(feature.type) && feature.type != StoredType::timestamp)
            return refuse(feature, "expected a range on numbers and timestamps only, got one on {}", type);
        double least = feature.minimum.value_or(-HUGE_VAL), most = feature.maximum.value_or(HUGE_VAL);
        if (!(least <= most)) return refuse(feature, "expected an ascending range, got [{}, {}]", least, most);
    }
    if (feature.nan_is_missing && (!is_floating(feature.type) || feature.sequence))
        return refuse(feature, "expected \"nan\": \"missing\" on float32 and float64 only, got it on {}{}",
                      feature.sequence ? "a sequence of " : "", type);
    return feature.missing ? check_default(feature) : Status();
}

// The layout of a row depends on exactly this text: a version, then a line for each feature.
std::string canonical_text(const std::vector<Feature> &features) {
    std::string text = "weighbridge row layout 1\n";
    for (const Feature &feature : features)
        text += formatted("{} {} {} {} {}{}{}\n", feature.name, name_of(feature.type), feature.sequence ? 1 : 0,
                          feature.money_exponent, feature.ticks_per_second, feature.currency.empty() ? "" : " ",
                          feature.currency);
    return text;
}

}  // namespace

std::string_view name_of(StoredType type) {
    switch (type) {
        case StoredType::float32:
            return "float32";
        case StoredType::float64:
            return "float64";
        case StoredType::int64:
            return "int64";
        case StoredType::boolean:
            return "bool";
        case StoredType::category:
            return "category";
        case StoredType::code:
            return "code";
        case StoredType::timestamp:
            return "timestamp";
        case StoredType::text:
            return "text";
    }
    return "unknown";
}

bool Feature::in_range(double raw) const {
    double least = minimum.value_or(-HUGE_VAL), most = maximum.value_or(HUGE_VAL);
    if (type == StoredType::float32) {
        raw = round_to_single(raw);
        least = round_to_single(least);
        most = round_to_single(most);
    }
    return least <= raw && raw <= most;
}

Expected<std::shared_ptr<const Schema>> Schema::make(std::vector<Feature> features) {
    if (features.empty() || features.size() > kMostFeatures)
        return Status::failure(WB_INVALID_BUNDLE, "features: expected 1 to {}, got {}", kMostFeatures, features.size());
    auto schema = std::make_shared<Schema>();
    auto align = [](size_t at, size_t to) { return (at + to - 1) / to * to; };
    size_t at = sizeof(wb_row_header) + (features.size() + 7) / 8;
    std::unordered_map<std::string_view, size_t> places;
    for (size_t i = 0; i < features.size(); ++i) {
        Feature &feature = features[i];
        Status status = check_feature(feature);
        if (!status.ok()) return status.with_feature(static_cast<int32_t>(i));
        auto [place, added] = places.emplace(feature.name, i);
        if (!added)
            return Status::failure(WB_INVALID_BUNDLE, "feature '{}': expected distinct names, got it at {} and {}",
                                   feature.name, place->second, i)
                .with_feature(static_cast<int32_t>(i));
        uint32_t bytes = field_bytes(feature);
        at = align(at, bytes);
        feature.offset = static_cast<uint32_t>(at);
        schema->fields_.push_back({feature.offset, feature.type, feature.sequence});
        at += bytes;
    }
    auto digest = sha256(as_bytes(canonical_text(features)));
    if (!digest) return digest.status();
    schema->digest_ = leading_u64(*digest);
    schema->missing_offset_ = sizeof(wb_row_header);
    schema->fixed_bytes_ = static_cast<uint32_t>(align(at, 8));
    schema->features_ = std::move(features);
    return std::shared_ptr<const Schema>(std::move(schema));
}

std::optional<uint32_t> Schema::find(std::string_view name) const {
    for (size_t i = 0; i < features_.size(); ++i)
        if (features_[i].name == name) return static_cast<uint32_t>(i);
    return std::nullopt;
}

std::string Schema::nearest(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const Feature &feature : features_) names.emplace_back(feature.name);
    return nearest_names(name, names);
}

}  // namespace weighbridge::lib
