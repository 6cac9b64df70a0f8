// SPDX-License-Identifier: Apache-2.0
#include "bundle/vocabulary_files.hpp"

#include <cstdint>
#include <tuple>

#include "base/number.hpp"
#include "base/utf8.hpp"
#include "bundle/json_cursor.hpp"
#include "feature/vocabulary.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kLongestKey = 65536;

Status line_error(const std::string &file, size_t line, std::string_view expected, std::string_view got) {
    return Status::failure(WB_INVALID_BUNDLE, "{}: line {}: expected {}, got \"{}\"", file, line, expected,
                           shown_text(got, 40));
}

// A key a line; the last line may end without a newline.
Expected<std::vector<std::string>> read_keys(const std::string &file, std::string_view text) {
    std::vector<std::string> keys;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.size() > kLongestKey || line.back() == '\r')
            return line_error(file, keys.size() + 1, "a key of 1 to 65536 bytes without carriage return", line);
        if (utf8_error(line) != std::string_view::npos)
            return line_error(file, keys.size() + 1, "UTF-8", line.substr(0, utf8_error(line)));
        keys.emplace_back(line);
    }
    if (keys.empty()) return Status::failure(WB_INVALID_BUNDLE, "{}: expected a key a line, got an empty file", file);
    return keys;
}

Expected<std::vector<int64_t>> read_codes(const std::string &file, const std::vector<std::string> &keys) {
    std::vector<int64_t> codes;
    codes.reserve(keys.size());
    for (const std::string &key : keys) {
        int64_t code = 0;
        if (!parse_number(key, INT64_MIN, INT64_MAX, code))
            return line_error(file, codes.size() + 1, "a 64-bit integer", key);
        codes.push_back(code);
    }
    return codes;
}

struct KeyFile {
    std::shared_ptr<const Vocabulary> vocabulary;
    std::vector<std::string> samples;
};

Expected<KeyFile> make_vocabulary(const VocabularyUse &use, std::string_view text) {
    auto keys = read_keys(use.file, text);
    if (!keys) return keys.status();
    KeyFile made;
    made.samples = spread_samples(*keys);
    Expected<std::shared_ptr<const Vocabulary>> vocabulary = std::shared_ptr<const Vocabulary>();
    if (use.codes) {
        auto codes = read_codes(use.file, *keys);
        if (!codes) return codes.status();
        vocabulary = Vocabulary::make(*std::move(codes));
    } else {
        vocabulary = Vocabulary::make(*std::move(keys));
    }
    if (!vocabulary) return Status::failure(WB_INVALID_BUNDLE, "{}: {}", use.file, vocabulary.status().message);
    made.vocabulary = *vocabulary;
    return made;
}

// Pieces that stand at the start of a word: neither continuations nor special tokens.
std::vector<std::string> read_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.empty() && !line.starts_with("##") && line[0] != '[' && line.back() != '\r' &&
            utf8_error(line) == std::string_view::npos)
            words.emplace_back(line);
    }
    return words;
}

// An unknown default would fail each payment that lacks the feature; better to fail the bundle.
Status check_default(const Feature &feature) {
    if (!feature.missing || feature.sequence) return {};
    for (const Encoding &step : feature.encoding) {
        bool known = true;
        if (const auto *vocabulary = std::get_if<Vocabularise>(&step); vocabulary && vocabulary->unknown_is_error)
            known = feature.type == StoredType::code
                        ? vocabulary->vocabulary->find(feature.missing->integer).has_value()
                        : vocabulary->vocabulary->find(feature.missing->text).has_value();
        if (const auto *identity = std::get_if<Identity>(&step))
            known = feature.missing->integer >= 0 && feature.missing->integer < identity->size;
        if (!known)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "manifest.json: feature '{}': missing.default: expected a key that the encoding "
                                   "knows, got another",
                                   feature.name);
    }
    return {};
}

}  // namespace

Status bind_vocabularies(const FilesByName &files, ReadManifest &read) {
    std::vector<Feature> &features = read.manifest.features;
    std::map<std::pair<std::string, bool>, KeyFile> by_file;
    for (const VocabularyUse &use : read.vocabularies) {
        KeyFile &shared = by_file[{use.file, use.codes}];
        if (!shared.vocabulary) {
            auto made = make_vocabulary(use, as_text(*files.at(use.file)));
            if (!made) return made.status();
            shared = *std::move(made);
        }
        std::get<Vocabularise>(features[use.feature].encoding[use.step]).vocabulary = shared.vocabulary;
        read.samples[use.feature] = shared.samples;
    }

    using TokeniserKey = std::tuple<std::string, bool, std::optional<bool>, bool, bool, bool>;
    std::map<TokeniserKey, std::shared_ptr<const WordPiece>> by_options;
    for (const TokeniserUse &use : read.tokenisers) {
        const WordPieceOptions &o = use.options;
        auto &shared = by_options[{use.file, o.lowercase, o.strip_accents, o.split_cjk, o.add_special, o.keep_tail}];
        const std::string_view text = as_text(*files.at(use.file));
        if (!shared) {
            auto made = WordPiece::make(text, use.options);
            if (!made) return Status::failure(WB_INVALID_BUNDLE, "{}: {}", use.file, made.status().message);
            shared = *made;
        }
        std::get<Tokenise>(features[use.feature].encoding[use.step]).tokeniser = shared;
        read.samples[use.feature] = spread_samples(read_words(text));
    }

    for (const Feature &feature : features)
        if (Status status = check_default(feature); !status.ok()) return status;
    return {};
}

}  // namespace weighbridge::lib
