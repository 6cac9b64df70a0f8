// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "bundle/manifest.hpp"
#include "feature/wordpiece.hpp"

namespace weighbridge::lib {

inline constexpr uint64_t kManifestBytes = 4 << 20;          // most of manifest.json
inline constexpr uint64_t kModuleBytes = uint64_t{2} << 30;  // most of model.ts
inline constexpr uint64_t kFileBytes = 256 << 20;            // most of every other file
inline constexpr size_t kSamples = 256;                      // most values that Bundle::samples keeps of a feature

// A step that waits for a file of the bundle.
struct VocabularyUse {
    uint32_t feature, step;
    std::string file;
    bool codes;  // keys are integers
};
struct TokeniserUse {
    uint32_t feature, step;
    std::string file;
    WordPieceOptions options;
};

// A manifest whose steps Vocabularise (from a file), Tokenise and Cyclic still lack what they point at.
struct ReadManifest {
    Manifest manifest;
    std::vector<VocabularyUse> vocabularies;
    std::vector<TokeniserUse> tokenisers;
    std::vector<std::vector<std::string>> samples;  // as Bundle::samples, of vocabularies inside the manifest
};

enum class Completeness {
    complete,  // as a bundle has it
    draft,     // weighbridge.requires and files may be absent
};

// Reads the text of a manifest; messages call it `file`. WB_INVALID_BUNDLE.
Expected<ReadManifest> read_manifest(std::string_view file, std::string_view text, Completeness completeness);

// What identity.name and identity.version are: 1 to 31 of [A-Za-z0-9_.+-].
bool is_identity_label(std::string_view text);

// A file beside manifest.json: 1 to 127 of [A-Za-z0-9._-], not starting with a dot.
bool is_file_name(std::string_view name);
// Such a name that no file of the format has: what a vocabulary may be called.
bool is_free_file_name(std::string_view name);
uint64_t file_limit_bytes(std::string_view name);

// 64 lower-case hex digits.
bool is_hex_digest(std::string_view text);

// Whether time is named by an IANA zone: neither "" nor fixed.
bool is_named_zone(const Feature &feature);

// "YYYY-MM-DDTHH:MM:SSZ" to seconds since 1970-01-01 UTC and back (to text: years 1 to 9999).
bool is_utc_time(std::string_view text);
int64_t utc_seconds(std::string_view text);
std::string utc_text(int64_t seconds);

// At most kSamples of the values, evenly spread.
std::vector<std::string> spread_samples(const std::vector<std::string> &values);

}  // namespace weighbridge::lib
