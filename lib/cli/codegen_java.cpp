// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "cli/codegen.hpp"
#include "cli/command.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

// The virtual machine's limit of a constructor's parameters, of which long and double take two; `this` is one too.
constexpr int most_words = 254;

const std::set<std::string, std::less<>> reserved = {
    "abstract", "assert", "boolean", "break", "byte", "case", "catch", "char", "class", "const", "continue", "default",
    "do", "double", "else", "enum", "extends", "false", "final", "finally", "float", "for", "goto", "if", "implements",
    "import", "instanceof", "int", "interface", "long", "native", "new", "null", "package", "private", "protected",
    "public", "return", "short", "static", "strictfp", "super", "switch", "synchronized", "this", "throw", "throws",
    "transient", "true", "try", "void", "volatile", "while", "_",
    // Methods of every object, which no component may have the names of.
    "clone", "finalize", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 0x80; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view name) {
    return !name.empty() && (is_letter(name[0]) || name[0] == '_') && !reserved.contains(name) &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool is_package(std::string_view package) {
    for (size_t at = 0; at <= package.size();) {
        size_t dot = std::min(package.find('.', at), package.size());
        if (!is_identifier(package.substr(at, dot - at))) return false;
        at = dot + 1;
    }
    return true;
}

// amount_minor is amountMinor. Features are [a-z][a-z0-9_]*.
std::string component_name(std::string_view feature) {
    std::string name;
    bool is_next_upper = false;
    for (char c : feature) {
        if (c != '_') name += is_next_upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        is_next_upper = c == '_';
    }
    if (reserved.contains(name)) name += '_';
    return name;
}

// What Scorer.bind() compares: without underscores, in small letters.
std::string plain(std::string_view name) {
    std::string small;
    for (char c : name)
        if (c != '_') small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return small;
}

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string java_type(const wb_feature_info &f) {
    bool boxed = !f.required && !f.is_sequence;
    std::string array = f.is_sequence ? "[]" : "";
    switch (f.type) {
        case WB_TYPE_FLOAT32:
            return (boxed ? "Float" : "float") + array;
        case WB_TYPE_FLOAT64:
            return (boxed ? "Double" : "double") + array;
        case WB_TYPE_BOOL:
            return (boxed ? "Boolean" : "boolean") + array;
        case WB_TYPE_INT64:
        case WB_TYPE_CODE:
            return (boxed ? "Long" : "long") + array;
        case WB_TYPE_TIMESTAMP:
            return "Instant" + array;
        default:
            return "String" + array;
    }
}

std::string number(double value) {
    return value == std::rint(value) && std::fabs(value) < 1e15 ? std::to_string(static_cast<long long>(value))
                                                                : formatted("{}", value);
}

std::string described(const wb_feature_info &f) {
    std::string text = type_name(f);
    if (f.currency[0])
        text += ", " + std::string(f.currency) + " in minor units, exponent " + std::to_string(f.money_exponent);
    if (f.ticks_per_second) text += ", no finer than 1/" + std::to_string(f.ticks_per_second) + " s, " + f.zone;
    if (f.has_range) text += ", in [" + number(f.minimum) + ", " + number(f.maximum) + "]";
    if (f.privacy[0]) text += ", private (" + std::string(f.privacy) + ")";
    return text + (f.required ? "" : "; null is missing");
}

}  // namespace

std::string java_record(const CodeRequest &request) {
    std::string record = request.name.empty() ? "Payment" : request.name;
    if (!is_identifier(record)) throw Failure(exit_usage, "--name: expected a name of Java's, got '" + record + "'");
    if (!request.package.empty() && !is_package(request.package))
        throw Failure(exit_usage, "--package: expected names with dots between them, got '" + request.package + "'");
    auto features = request.schema.features();
    std::set<std::string> names, plains, twice;
    int words = 0;
    for (const wb_feature_info &f : features) {
        if (!plains.insert(plain(f.name)).second) twice.insert(plain(f.name));
        std::string type = java_type(f);
        words += type == "long" || type == "double" ? 2 : 1;
    }
    if (words > most_words)
        throw Failure(exit_failed, "a record of Java's has at most " + std::to_string(most_words) +
                                       " words of components (long and double are two), and this schema needs " +
                                       std::to_string(words) + ": use Row's setters");
    bool has_money = false, has_time = false, has_names = false;
    std::string params, components;
    for (const wb_feature_info &f : features) {
        std::string component = component_name(f.name);
        while (!names.insert(component).second) component += '_';
        bool is_named = plain(component) != plain(f.name) || twice.contains(plain(f.name));
        has_money |= f.currency[0] != 0;
        has_time |= f.type == WB_TYPE_TIMESTAMP;
        has_names |= is_named;
        params += " * @param " + component + " " + described(f) + "\n";
        components += components.empty() ? "\n        " : ",\n        ";
        if (is_named) components += "@FeatureName(" + quoted(f.name) + ") ";
        if (f.currency[0])
            components +=
                "@Money(currency = " + quoted(f.currency) + ", exponent = " + std::to_string(f.money_exponent) + ") ";
        components += java_type(f) + " " + component;
    }
    std::string code = "// Written by weighbridge codegen --java; write it again when the schema changes.\n";
    if (!request.package.empty()) code += "package " + request.package + ";\n";
    code += "\n";
    if (has_names) code += "import io.weighbridge.FeatureName;\n";
    if (has_money) code += "import io.weighbridge.Money;\n";
    if (has_time) code += "import java.time.Instant;\n";
    if (has_names || has_money || has_time) code += "\n";
    code += "/**\n * The features of " + request.bundle + ".\n *\n" + params + " */\npublic record " + record + "(" +
            components + ") {}\n";
    return code;
}

}  // namespace weighbridge::cli
