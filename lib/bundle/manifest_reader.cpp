// SPDX-License-Identifier: Apache-2.0
#include "bundle/manifest_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "bundle/manifest_sections.hpp"
#include "bundle/signature_file.hpp"
#include "feature/rfc3339.hpp"
#include "feature/zone.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::lib {
namespace {

constexpr std::string_view kOwnFiles[] = {"manifest.json", "model.ts",      "model.plan", "golden.jsonl",
                                          "zones.json",    "baseline.json", "CARD.md"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

using Version = std::array<int, 3>;

// major.minor.patch, each 0 to 65535 without leading zeros.
std::optional<Version> version_of(std::string_view text) {
    Version version{};
    const char *at = text.data(), *end = at + text.size();
    for (size_t i = 0; i < version.size(); ++i) {
        if (i > 0 && (at == end || *at++ != '.')) return std::nullopt;
        const char *start = at;
        auto [next, error] = std::from_chars(start, end, version[i]);
        if (error != std::errc{} || !is_digit(*start) || version[i] > 65535 || (*start == '0' && next - start > 1))
            return std::nullopt;
        at = next;
    }
    return at == end ? std::optional(version) : std::nullopt;
}

bool is_version(std::string_view text) { return version_of(text).has_value(); }
bool is_slot_name(std::string_view text) { return is_label(text, 63); }

void read_header(const JsonCursor &header, Completeness completeness, Manifest &out) {
    // Format and version come first: a newer library's manifest may well have fields that this one does not know.
    if (!header.object()) return;
    const JsonCursor format = header.field("format");
    format.integer(1, 1);
    const JsonCursor required = header.field("requires");
    out.requires_version = WB_VERSION_STRING;
    if (required || completeness == Completeness::complete)
        out.requires_version = required.text(is_version, "a version as 1.2.3");
    if (header.report().failed()) return;
    if (version_of(out.requires_version) > version_of(WB_VERSION_STRING))
        required.expected("at most " WB_VERSION_STRING " (this library)");
    header.object({"format", "requires"});
}

std::string optional_text(const JsonCursor &parent, std::string_view name) {
    const JsonCursor field = parent.field(name);
    return field ? field.text(1, 255) : std::string();
}

std::string optional_text(const JsonCursor &parent, std::string_view name, bool (*test)(std::string_view),
                          std::string_view expected) {
    const JsonCursor field = parent.field(name);
    return field ? field.text(test, expected) : std::string();
}

void read_identity(const JsonCursor &identity, BundleIdentity &out) {
    if (!identity.object({"name", "version", "created", "owner", "purpose", "risk_tier", "training_data_sha256",
                          "framework", "not_after"}))
        return;
    constexpr std::string_view label = "1 to 31 of [A-Za-z0-9_.+-]";
    constexpr std::string_view time = "UTC as 2026-11-01T00:00:00Z";
    const JsonCursor name = identity.field("name"), version = identity.field("version");
    out.name = name.text(is_identity_label, label);
    out.version = version.text(is_identity_label, label);
    out.created = optional_text(identity, "created", is_utc_time, time);
    out.not_after = optional_text(identity, "not_after", is_utc_time, time);
    out.owner = optional_text(identity, "owner");
    out.purpose = optional_text(identity, "purpose");
    out.framework = optional_text(identity, "framework");
    out.training_data_sha256 =
        optional_text(identity, "training_data_sha256", is_hex_digest, "64 lower-case hex digits");
    if (const JsonCursor tier = identity.field("risk_tier"); tier) {
        constexpr std::string_view tiers[] = {"low", "medium", "high"};
        out.risk_tier = tiers[tier.choice({"low", "medium", "high"})];
    }
}

void read_limits(const JsonCursor &limits, Manifest &out) {
    const bool sequences = std::any_of(out.features.begin(), out.features.end(), [](auto &f) { return f.sequence; });
    if (limits || sequences) {
        if (!limits.object({"length", "least_length", "shorter", "rows", "text_bytes", "memory_bytes"})) return;
        if (const JsonCursor length = limits.field("length"); length || sequences)
            out.limits.length = length.integer(0, 65536);
        const JsonCursor least = limits.field("least_length"), shorter = limits.field("shorter");
        if (least) out.limits.least_length = least.integer(0, out.limits.length);
        if (shorter && !least) shorter.refuse("expected a least_length beside it, got none");
        if (shorter && shorter.choice({"fallback", "error"}) == 1) out.limits.shorter = Shorter::error;
        if (const JsonCursor rows = limits.field("rows"); rows) out.limits.rows = rows.integer(1, 1048576);
        if (const JsonCursor text = limits.field("text_bytes"); text)
            out.limits.text_bytes = text.integer(1, 1073741824);
        if (const JsonCursor memory = limits.field("memory_bytes"); memory)
            out.limits.memory_bytes = memory.integer(1, int64_t{1} << 40);
    }
}

void read_fallback(const JsonCursor &fallback, Fallback &out) {
    if (!fallback.object({"score", "slot", "reserve_us"})) return;
    const JsonCursor score = fallback.field("score");
    out.score = score.number();
    const JsonCursor slot = fallback.field("slot"), reserve = fallback.field("reserve_us");
    if (slot) out.slot = slot.text(is_slot_name, "1 to 63 of [A-Za-z0-9_.-]");
    if (!reserve) return;
    if (!slot) return reserve.refuse("expected a slot beside it, got none");
    out.reserve_us = reserve.integer(0, 1000000);
}

// What can be meant, but hardly is.
void warn_of_unlikely(Manifest &manifest) {
    for (const Output &output : manifest.outputs) {
        if (!output.primary) continue;
        const double score = manifest.fallback.score;
        if (output.activation != Output::Activation::none && (score < 0 || score > 1))
            manifest.warnings.push_back(
                formatted("fallback.score: {}, where output '{}' is a probability", score, output.name));
        const auto *platt = std::get_if<Platt>(&output.calibration);
        if (platt && platt->a <= 0)
            manifest.warnings.push_back(formatted(
                "output '{}': Platt's a is {}: a higher score gives no higher probability", output.name, platt->a));
    }
}

void read_tolerances(const JsonCursor &tolerances, std::map<std::string, Tolerance> &out) {
    out["fp32"] = Tolerance{};
    if (!tolerances || !tolerances.object({"fp32", "bf16", "int8", "int8bf16"})) return;
    for (std::string_view precision : tolerances.names()) {
        const JsonCursor tolerance = tolerances.field(precision);
        if (!tolerance.object({"absolute"})) return;
        const JsonCursor absolute = tolerance.field("absolute");
        out[std::string(precision)].absolute = absolute.number(0.0, 1e300);
    }
}

void read_files(const JsonCursor &files, Completeness completeness, std::map<std::string, FileEntry> &out) {
    if (!files && completeness == Completeness::draft) return;
    if (!files.object()) return;
    for (std::string_view name : files.names()) {
        const JsonCursor entry = files.field(name);
        if (!is_file_name(name) || name == "manifest.json")
            return entry.refuse("expected a name of 1 to 127 of [A-Za-z0-9._-], no leading dot, not manifest.json");
        if (is_signature_name(name)) return entry.refuse("expected no signature, which lies beside what it signs");
        if (!entry.object({"sha256", "bytes"})) return;
        const JsonCursor digest = entry.field("sha256"), bytes = entry.field("bytes");
        FileEntry &file = out[std::string(name)];
        file.sha256 = digest.text(is_hex_digest, "64 lower-case hex digits");
        file.bytes = static_cast<uint64_t>(bytes.integer(0, static_cast<int64_t>(file_limit_bytes(name))));
    }
    if (completeness == Completeness::draft) return;
    for (const char *needed : {kModuleFile, "golden.jsonl"}) {
        const JsonCursor entry = files.field(needed);
        if (!entry) return entry.expected("an entry");
    }
}

// Files that the features need must be listed, so that they are covered by a digest.
void check_listed(const JsonCursor &files, const ReadManifest &read) {
    auto check = [&](const std::string &name, uint32_t feature) {
        const JsonCursor entry = files.field(name);
        if (!entry) entry.expected(formatted("an entry, for features[{}]", feature));
    };
    for (const auto &use : read.vocabularies) check(use.file, use.feature);
    for (const auto &use : read.tokenisers) check(use.file, use.feature);
    for (uint32_t i = 0; i < read.manifest.features.size(); ++i)
        if (is_named_zone(read.manifest.features[i])) check("zones.json", i);
}

}  // namespace

bool is_label(std::string_view text, size_t most, std::string_view more) {
    if (text.empty() || text.size() > most) return false;
    return std::all_of(text.begin(), text.end(), [more](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-' ||
               more.find(c) != std::string_view::npos;
    });
}

bool is_hex_digest(std::string_view text) {
    return text.size() == 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_identity_label(std::string_view text) { return is_label(text, 31, "+"); }

bool is_file_name(std::string_view name) { return is_label(name, 127) && name[0] != '.'; }

bool is_free_file_name(std::string_view name) {
    return is_file_name(name) && !is_signature_name(name) &&
           std::find(std::begin(kOwnFiles), std::end(kOwnFiles), name) == std::end(kOwnFiles);
}

uint64_t file_limit_bytes(std::string_view name) { return name == kModuleFile ? kModuleBytes : kFileBytes; }

bool is_named_zone(const Feature &feature) {
    return feature.type == StoredType::timestamp && !Zone::from_text(feature.zone);
}

bool is_utc_time(std::string_view text) {
    int64_t seconds;
    return text.size() == 20 && text[10] == 'T' && text[19] == 'Z' && parse_rfc3339(text, 1, seconds) == TimeRead::ok;
}

int64_t utc_seconds(std::string_view text) {
    int64_t seconds = 0;
    return parse_rfc3339(text, 1, seconds) == TimeRead::ok ? seconds : 0;
}

std::string utc_text(int64_t seconds) {
    // Days to a date in the proleptic Gregorian calendar, counted in eras of 400 years from 0000-03-01
    // (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
    constexpr int64_t kDay = 86400, kFirst = -62135596800, kLast = 253402300799;
    seconds = std::clamp(seconds, kFirst, kLast);
    int64_t days = seconds / kDay, rest = seconds % kDay;
    if (rest < 0) rest += kDay, --days;
    days += 719468;
    const int64_t era = days / 146097, day_of_era = days % 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return formatted("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
                     day_of_year - (153 * shifted + 2) / 5 + 1, rest / 3600, rest / 60 % 60, rest % 60);
}

std::vector<std::string> spread_samples(const std::vector<std::string> &values) {
    const size_t count = std::min(values.size(), kSamples);
    std::vector<std::string> samples;
    samples.reserve(count);
    for (size_t i = 0; i < count; ++i) samples.push_back(values[i * values.size() / count]);
    return samples;
}

Expected<ReadManifest> read_manifest(std::string_view file, std::string_view text, Completeness completeness) {
    auto document = parse_json(file, text, kManifestBytes);
    if (!document) return document.status();
    JsonReport report{std::string(file)};
    const JsonCursor root(report, *document);
    ReadManifest read;
    Manifest &manifest = read.manifest;

    if (root.object()) {
        const JsonCursor header = root.field("weighbridge");
        read_header(header, completeness, manifest);
    }
    if (report.failed() || !root.object({"weighbridge", "identity", "features", "tensors", "outputs", "limits",
                                         "fallback", "tolerances", "files", "annotations"}))
        return report.status();

    const JsonCursor identity = root.field("identity"), features = root.field("features"),
                     tensors = root.field("tensors"), outputs = root.field("outputs"), limits = root.field("limits"),
                     fallback = root.field("fallback"), tolerances = root.field("tolerances"),
                     files = root.field("files"), annotations = root.field("annotations");
    read_identity(identity, manifest.identity);
    read_features(features, read);
    if (report.failed()) return report.status();
    read_tensors(tensors, manifest);
    read_outputs(outputs, manifest);
    read_limits(limits, manifest);
    read_fallback(fallback, manifest.fallback);
    read_tolerances(tolerances, manifest.tolerances);
    read_files(files, completeness, manifest.files);
    if (completeness == Completeness::complete && !report.failed()) check_listed(files, read);
    if (annotations && annotations.object()) manifest.annotations = annotations.json();
    if (report.failed()) return report.status();
    warn_of_unlikely(manifest);
    return read;
}

}  // namespace weighbridge::lib
