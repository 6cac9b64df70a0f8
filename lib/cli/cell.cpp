// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/payments.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number in JSON's spelling, which has no plus, no leading zeroes, and digits on both sides of the point.
// False, and nothing appended, where the text is none.
bool append_number(std::string &json, std::string_view text) {
    size_t at = 0;
    auto digits = [&] {
        const size_t begin = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(begin, at - begin);
    };
    auto skip = [&](std::string_view any) { return at < text.size() && any.find(text[at]) != any.npos && ++at > 0; };
    skip("+-");
    std::string_view whole = digits(), fraction;
    if (skip(".")) fraction = digits();
    if (whole.empty() && fraction.empty()) return false;
    const std::string_view power = text.substr(at);
    if (skip("eE")) {
        skip("+-");
        if (digits().empty()) return false;
    }
    if (at < text.size()) return false;
    whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
    if (text[0] == '-') json += '-';
    json += whole.empty() ? "0" : whole;
    if (!fraction.empty()) (json += '.') += fraction;
    json += power;
    return true;
}

void append_text(std::string &json, std::string_view text) { json += json_text(text); }

// True and false as JSON, pandas and spreadsheets write them.
bool append_flag(std::string &json, std::string_view text) {
    for (const auto &[name, value] : {std::pair{"true", true},
                                      {"True", true},
                                      {"TRUE", true},
                                      {"false", false},
                                      {"False", false},
                                      {"FALSE", false}})
        if (text == name) return json += value ? "true" : "false", true;
    return false;
}

// What the text says, as JSON; the library says what it becomes, and refuses what it cannot be.
void append_value(std::string &json, const wb_feature_info &feature, std::string_view text) {
    if (feature.type == WB_TYPE_BOOL && append_flag(json, text)) return;
    if (!append_number(json, text)) append_text(json, text);
}

// Calls `element` with each text between semicolons, as it is written.
template <class Element>
void for_each_element(std::string_view text, Element element) {
    if (text.empty()) return;
    size_t begin = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == ';') {
            element(text.substr(begin, at - begin));
            begin = at + 1;
        }
    }
    element(text.substr(begin));
}

// `\;` is a semicolon and `\\` a backslash; before anything else a backslash is itself.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (size_t at = 0; at < text.size(); ++at) {
        const bool escape = text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == ';' || text[at + 1] == '\\');
        plain += text[escape ? ++at : at];
    }
    return plain;
}

}  // namespace

Expected<void> set_cell(Row &row, uint32_t index, const CsvField &field, std::string &json) {
    const wb_feature_info &feature = row.schema().features()[index];
    const std::string_view text = field.text;
    const bool is_text = feature.type == WB_TYPE_CATEGORY || feature.type == WB_TYPE_TEXT;
    const bool may_be_empty = field.quoted && (is_text || feature.is_sequence);
    if (text.empty() && !may_be_empty) return row.set(index, std::nullopt);
    if (is_text && !feature.is_sequence) return row.set(index, text);
    if (is_text) {
        std::vector<std::string> keys;
        for_each_element(text, [&](std::string_view one) { keys.push_back(unescaped(one)); });
        return row.set(index, keys);
    }
    json += json.empty() ? '{' : ',';
    json += formatted("\"{}\":", feature.name);
    if (!feature.is_sequence) {
        append_value(json, feature, text);
        return {};
    }
    json += '[';
    for_each_element(text, [&](std::string_view one) {
        if (json.back() != '[') json += ',';
        append_value(json, feature, one);
    });
    json += ']';
    return {};
}

}  // namespace weighbridge::cli
