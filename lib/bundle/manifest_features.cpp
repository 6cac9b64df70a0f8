// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "bundle/currencies.hpp"
#include "bundle/manifest_sections.hpp"
#include "feature/zone.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kMostFeatures = 4096;

bool is_feature_name(std::string_view name) {
    if (name.empty() || name.size() > 63 || name[0] < 'a' || name[0] > 'z') return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_currency(std::string_view text) { return currency_exponent(text).has_value(); }

bool is_privacy_class(std::string_view text) { return is_label(text, 31); }

// IANA names: parts of letters, digits, '_', '+' and '-' between slashes. They become paths below the zoneinfo
// directory.
bool is_zone(std::string_view text) {
    if (!text.empty() && Zone::from_text(text)) return true;
    if (text.empty() || text.size() > 63 || text.back() == '/') return false;
    char before = '/';
    for (char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (before == '/' && !letter) return false;
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '-' && c != '/') return false;
        before = c;
    }
    return true;
}

// Names below the zoneinfo directory that are no IANA zones: what they are is for the host to say, or a second copy.
bool is_host_zone(std::string_view text) {
    return text == "localtime" || text == "posixrules" || text == "Factory" || text.starts_with("posix/") ||
           text.starts_with("right/");
}

bool is_integral(StoredType type) {
    return type == StoredType::int64 || type == StoredType::code || type == StoredType::timestamp;
}
bool is_real(StoredType type) { return type == StoredType::float32 || type == StoredType::float64; }
bool has_range(StoredType type) { return is_real(type) || type == StoredType::int64 || type == StoredType::timestamp; }

void read_type(const JsonCursor &feature, Feature &out) {
    const JsonCursor type = feature.field("type"), of = feature.field("of");
    constexpr StoredType types[] = {StoredType::float32,  StoredType::float64,   StoredType::int64, StoredType::boolean,
                                    StoredType::category, StoredType::timestamp, StoredType::text};
    constexpr StoredType elements[] = {StoredType::float32, StoredType::float64, StoredType::int64,
                                       StoredType::category, StoredType::timestamp};
    const size_t chosen =
        type.choice({"float32", "float64", "int64", "bool", "category", "timestamp", "text", "sequence"});
    out.sequence = chosen == std::size(types);
    if (out.sequence)
        out.type = elements[of.choice({"float32", "float64", "int64", "category", "timestamp"})];
    else
        out.type = types[chosen];
    if (of && !out.sequence) of.refuse("expected no such field beside a type other than sequence");

    const JsonCursor keys = feature.field("keys");
    if (keys && out.type != StoredType::category)
        keys.refuse("expected no such field on a feature other than a category");
    else if (keys && keys.choice({"string", "int64"}) == 1)
        out.type = StoredType::code;
}

void read_time(const JsonCursor &feature, Feature &out) {
    const JsonCursor unit = feature.field("unit"), zone = feature.field("zone");
    if (out.type != StoredType::timestamp) {
        if (unit) unit.refuse("expected no such field on a feature other than a timestamp");
        if (zone) zone.refuse("expected no such field on a feature other than a timestamp");
        return;
    }
    constexpr int64_t ticks[] = {1, 1000, 1000000, 1000000000};
    out.ticks_per_second = ticks[unit.choice({"s", "ms", "us", "ns"})];
    if (zone) out.zone = zone.text(is_zone, "UTC, an offset as +05:30, or an IANA name");
    if (is_host_zone(out.zone)) zone.expected("a zone that is the same on every host, as Europe/Paris");
    if (out.zone == "UTC") out.zone.clear();
}

void read_money(const JsonCursor &money, Feature &out, std::vector<std::string> &warnings) {
    if (!money) return;
    if (out.type != StoredType::int64) return money.refuse("expected no such field on a feature other than int64");
    if (!money.object({"currency", "exponent"})) return;
    const JsonCursor currency = money.field("currency"), exponent = money.field("exponent");
    out.currency = currency.text(is_currency, "a currency of ISO 4217, as EUR");
    out.money_exponent = static_cast<int>(exponent.integer(0, 4));
    const auto usual = currency_exponent(out.currency);
    if (usual && *usual != kAnyExponent && *usual != out.money_exponent)
        warnings.push_back(formatted("feature '{}': {} has exponent {} in ISO 4217, and {} here", out.name,
                                     out.currency, *usual, out.money_exponent));
}

// An integer bound must survive as the double that the encoder compares with.
double integral_bound(const JsonCursor &bound) {
    const int64_t value = bound.integer(INT64_MIN, INT64_MAX);
    const auto rounded = static_cast<double>(value);
    if (rounded >= 9223372036854775808.0 || static_cast<int64_t>(rounded) != value)
        bound.expected("an integer that a double holds exactly");
    return rounded;
}

void read_range(const JsonCursor &range, Feature &out) {
    if (!range) return;
    if (!has_range(out.type)) return range.refuse("expected no such field on a feature that is no number or timestamp");
    if (range.size() != 2) return range.expected("[least, most] of numbers");
    const JsonCursor least = range.element(0), most = range.element(1);
    out.minimum = is_real(out.type) ? least.number() : integral_bound(least);
    out.maximum = is_real(out.type) ? most.number() : integral_bound(most);
    if (*out.minimum > *out.maximum) range.refuse("expected least <= most");
}

void read_default(const JsonCursor &value, Feature &out) {
    DefaultValue &missing = out.missing.emplace();
    if (out.sequence) {
        if (!value.is_array() || value.size() > 0) value.expected("[] for a sequence");
        return;
    }
    if (out.type == StoredType::boolean) {
        missing.number = value.boolean() ? 1.0 : 0.0;
    } else if (is_real(out.type)) {
        missing.number = value.number();
        if (out.type == StoredType::float32 && !std::isfinite(static_cast<float>(missing.number)))
            value.expected("a number that float32 holds");
    } else if (is_integral(out.type)) {
        missing.integer = value.integer(INT64_MIN, INT64_MAX);
    } else {
        missing.text = value.text(0, 65536);
    }
    if (!out.minimum) return;
    const double number = is_real(out.type) ? missing.number : static_cast<double>(missing.integer);
    if (!out.in_range(number))
        value.expected(formatted("a number in the feature's range [{}, {}]", *out.minimum, *out.maximum));
}

void read_missing(const JsonCursor &feature, Feature &out) {
    if (const JsonCursor missing = feature.field("missing"); missing && missing.is_string()) {
        if (missing.word() != "error") missing.expected("\"error\" or {\"default\": value}");
    } else if (missing && !missing.is_object()) {
        missing.expected("\"error\" or {\"default\": value}");
    } else if (missing && missing.object({"default"})) {
        const JsonCursor value = missing.field("default");
        read_default(value, out);
    }
    const JsonCursor nan = feature.field("nan");
    if (!nan) return;
    if (!is_real(out.type) || out.sequence)
        return nan.refuse("expected no such field on a feature other than float32 and float64");
    out.nan_is_missing = nan.choice({"error", "missing"}) == 1;
}

void read_feature(const JsonCursor &feature, uint32_t index, ReadManifest &read) {
    if (!feature.object(
            {"name", "type", "of", "keys", "unit", "zone", "money", "range", "missing", "nan", "privacy", "encoding"}))
        return;
    Feature &out = read.manifest.features[index];
    const JsonCursor name = feature.field("name"), money = feature.field("money"), range = feature.field("range"),
                     privacy = feature.field("privacy"), encoding = feature.field("encoding");
    out.name = name.text(is_feature_name, "[a-z][a-z0-9_]{0,62}");
    read_type(feature, out);
    if (feature.report().failed()) return;
    read_time(feature, out);
    read_money(money, out, read.manifest.warnings);
    read_range(range, out);
    if (feature.report().failed()) return;
    read_missing(feature, out);
    if (privacy) out.privacy = privacy.text(is_privacy_class, "1 to 31 of [A-Za-z0-9_.-]");
    if (encoding) read_encoding(encoding, index, read);
}

}  // namespace

void read_features(const JsonCursor &features, ReadManifest &out) {
    const size_t count = features.array(1, kMostFeatures);
    out.manifest.features.resize(count);
    out.samples.resize(count);
    std::set<std::string_view> names;
    for (size_t i = 0; i < count; ++i) {
        const JsonCursor feature = features.element(i);
        read_feature(feature, static_cast<uint32_t>(i), out);
        if (features.report().failed()) return;
        if (names.insert(out.manifest.features[i].name).second) continue;
        const JsonCursor name = feature.field("name");
        return name.expected("each name once");
    }
}

}  // namespace weighbridge::lib
