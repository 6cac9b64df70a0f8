// SPDX-License-Identifier: Apache-2.0
// Bundles made by tests: the README's example, and directories to spoil.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "bundle/bundle.hpp"
#include "bundle/json_cursor.hpp"
#include "support/catch.hpp"

namespace weighbridge::lib::test {

using Json = nlohmann::ordered_json;  // what tests write and read JSON with: another reader than the library's own

// `part` where `text` holds it, else the whole text, so that a failing check shows it.
inline std::string cut(std::string_view text, std::string_view part) {
    return std::string(text.find(part) == std::string_view::npos ? text : part);
}

// A file of the source tree, by its path from the root. Unit tests run in the folder tests.
inline std::string source_file(const std::string &path) {
    std::ifstream file(std::filesystem::path("..") / path, std::ios::binary);
    INFO("reading " << path);
    REQUIRE(file.good());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::string replaced(std::string text, const std::string &from, const std::string &to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

// The manifest of lib/bundle/README.md, with digests.
inline std::string example_text() {
    const std::string readme = source_file("lib/bundle/README.md");
    const size_t start = readme.find("```json\n") + 8;
    return replaced(readme.substr(start, readme.find("```", start) - start), "64 hex digits", std::string(64, '0'));
}

inline Json example() { return Json::parse(example_text()); }

class Scratch {
  public:
    Scratch() {
        std::string form = (std::filesystem::temp_directory_path() / "wb-bundle-XXXXXX").string();
        REQUIRE(::mkdtemp(form.data()));
        path = form;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;

    std::string operator/(const std::string &name) const { return path + "/" + name; }
    void write(const std::string &name, std::string_view content) const {
        std::filesystem::remove(path + "/" + name);
        REQUIRE(write_file(path + "/" + name, as_bytes(content)).ok());
    }
    std::string read(const std::string &name) const {
        auto bytes = read_file(path + "/" + name, 1 << 28);
        INFO(bytes.status().message);
        REQUIRE(bytes);
        return std::string(as_text(*bytes));
    }

    std::string path;
};

inline constexpr std::string_view kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nshop\nbook\n##s\nparis\n";
inline constexpr std::string_view kZones =
    "{\"Europe/Paris\": {\"initial\": 561, \"transitions\": [[-1855958961, 3600], [1774746000, 7200]]}}";
inline constexpr std::string_view kGoldenLine =
    "{\"row\": {\"amount_minor\": 1250, \"distance_km\": 1.5, \"country\": \"FR\", \"merchant_id\": 7, \"paid_at\": "
    "1700000000000, \"descriptor\": \"book shop\", \"past_amount\": [1, 2]}, \"outputs\": {\"fraud\": [0.25], "
    "\"embedding\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, "
    "27, 28, 29, 30, 31, 32]}}\n";

// Gives `manifest` the digests of the directory's files and writes it there.
inline void seal(const Scratch &directory, Json manifest) {
    manifest["files"] = Json::object();
    auto names = list_directory(directory.path);
    REQUIRE(names);
    for (const std::string &name : *names) {
        if (name == "manifest.json") continue;
        auto bytes = read_file(directory / name, 1 << 28);
        REQUIRE(bytes);
        manifest["files"][name] = {{"sha256", hex(*sha256(*bytes))}, {"bytes", bytes->size()}};
    }
    directory.write("manifest.json", manifest.dump(2));
}

// A whole bundle of the README's example. Its module is no TorchScript: nothing here runs it.
inline void make_bundle(const Scratch &directory, const Json &manifest = example()) {
    directory.write("model.ts", "not a module");
    directory.write("golden.jsonl", kGoldenLine);
    directory.write("vocab.txt", kVocabulary);
    directory.write("zones.json", kZones);
    seal(directory, manifest);
}

inline Expected<std::shared_ptr<const Bundle>> open_full(const std::string &path) {
    return Bundle::open(path, Bundle::Mode::full, Bundle::kAnyTime);
}

}  // namespace weighbridge::lib::test
