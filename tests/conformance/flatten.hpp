// SPDX-License-Identifier: Apache-2.0
// Reads files of cases, and writes them as lines for the C runner; README.md has both forms.
#pragma once

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace conformance {

using json = nlohmann::ordered_json;

// A key that this runner does not know could ask for what it does not do.
inline void check_keys(const json &object, const std::string &where, std::initializer_list<std::string_view> known) {
    for (const auto &[key, value] : object.items())
        if (std::find(known.begin(), known.end(), key) == known.end())
            throw std::runtime_error(where + ": unknown key '" + key + "'");
}

inline json read(const char *path) {
    std::ifstream file(path);
    json document = json::parse(file);
    check_keys(document, path, {"bundle", "engines", "options", "may_refuse", "schema_only", "cases"});
    for (const json &one : document["cases"]) {
        const std::string where = std::string(path) + ": " + one["name"].dump();
        check_keys(one, where, {"name", "row", "json", "call", "check", "expect"});
        check_keys(one["expect"], where,
                   {"score_hex", "probability_hex", "score", "tolerance", "band", "defaulted", "clipped", "reason",
                    "status", "feature", "bytes"});
        check_keys(one.value("call", json::object()), where, {"deadline", "fallback"});
    }
    return document;
}

inline bool is_special(const json &value) {
    if (value.is_array()) return std::any_of(value.begin(), value.end(), is_special);
    return value.is_object() && (value.contains("$float") || value.contains("$bytes"));
}

inline bool is_plain(const json &row) { return std::none_of(row.begin(), row.end(), is_special); }

inline std::string joined(std::string list, const char *between, const std::string &one) {
    return list.empty() ? one : list + between + one;
}

// "f:nan" or "b:c328" of a scalar, "F:nan,0.5" or "B:c328,4652" of a sequence.
inline std::string flat_special(const json &value) {
    const json &first = value.is_array() ? *std::find_if(value.begin(), value.end(), is_special) : value;
    const bool number = first.contains("$float");
    auto said = [&](const json &element) {
        if (element.is_object()) return std::string(element[number ? "$float" : "$bytes"]);
        if (number) return element.dump();
        std::string digits;
        for (unsigned char byte : std::string(element)) {
            digits += "0123456789abcdef"[byte >> 4];
            digits += "0123456789abcdef"[byte & 15];
        }
        return digits;
    };
    if (!value.is_array()) return (number ? "f:" : "b:") + said(value);
    std::string elements;
    for (const json &element : value) elements = joined(std::move(elements), ",", said(element));
    return (number ? "F:" : "B:") + elements;
}

inline std::string flat_call(const json &call) {
    std::string flags = call.contains("deadline") ? "past" : "";
    if (!call.value("fallback", true)) flags = joined(std::move(flags), " ", "strict");
    return flags.empty() ? "-" : flags;
}

inline void flatten(const json &document, std::ostream &out) {
    std::string options;
    const json named = document.value("options", json::object());
    for (const auto &[name, value] : named.items())
        options = joined(std::move(options), ";", name + "=" + std::string(value));
    for (const json &one : document["cases"]) {
        json plain = json::object();
        std::string specials;
        const json row = one.value("row", json::object());
        for (const auto &[name, value] : row.items()) {
            if (one.value("check", "") == "name")
                specials = joined(std::move(specials), " ", name + "=u:");
            else if (is_special(value))
                specials = joined(std::move(specials), " ", name + "=" + flat_special(value));
            else
                plain[name] = value;
        }
        const json &expect = one["expect"];
        auto said = [&](const std::string &key) {
            if (expect.contains(key + "_hex")) return std::string(expect[key + "_hex"]);
            if (!expect.contains(key)) return std::string("-");
            return expect[key].is_string() ? std::string(expect[key]) : expect[key].dump();
        };
        out << std::string(document["bundle"]) << '\t'
            << (document.value("schema_only", false) ? "schema" : document.value("engines", "-")) << '\t'
            << (options.empty() ? "-" : options) << '\t' << document.value("may_refuse", "-") << '\t'
            << std::string(one["name"]) << '\t' << one.value("json", plain.dump()) << '\t'
            << (specials.empty() ? "-" : specials) << '\t' << flat_call(one.value("call", json::object()));
        for (const char *key :
             {"status", "score", "tolerance", "probability", "band", "defaulted", "clipped", "reason", "feature"})
            out << '\t' << said(key);
        std::string bytes;
        for (const json &hex : expect.value("bytes", json::array()))
            bytes = joined(std::move(bytes), " ", std::string(hex));
        out << '\t' << (bytes.empty() ? "-" : bytes) << '\n';
    }
}

}  // namespace conformance
