// SPDX-License-Identifier: Apache-2.0
#include "scan/locals.hpp"

#include <algorithm>

#include "scan/limits.hpp"

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

constexpr std::string_view kAssignments[] = {"=", "+", "-", "*", "/", "%", "|", "&", "^", "**", "//", "<<", ">>", "@"};

// Where the target of an assignment ends: before "=", or before the operator of "+=". line.size() for no assignment.
size_t target_end(CodeTokens line) {
    const size_t equals = outside(line, "=");
    if (equals == line.size() || equals == 0) return line.size();
    for (const std::string_view one : kAssignments)
        if (line[equals - 1].is(one)) return equals - 1;
    return equals;
}

bool is_list_type(std::string_view type) { return type.starts_with("List[") || type.starts_with("Optional[List["); }

}  // namespace

size_t outside(CodeTokens expression, std::string_view mark) {
    for (size_t at = 0; at < expression.size(); ++at) {
        if (expression[at].is(mark)) return at;
        if (expression[at].is("(") || expression[at].is("[") || expression[at].is("{")) at = closing_of(expression, at);
    }
    return expression.size();
}

std::vector<CodeTokens> split_by_commas(CodeTokens expression) {
    std::vector<CodeTokens> parts;
    for (size_t comma = outside(expression, ","); comma < expression.size(); comma = outside(expression, ",")) {
        parts.push_back(expression.first(comma));
        expression = expression.subspan(comma + 1);
    }
    parts.push_back(expression);
    return parts;
}

CodeLocals::CodeLocals(const FunctionSource &source, const ModuleCode &code) : code_(code) {
    add_parameters(source.parameters, code.functions[source.function].owner);
    for_each_line(source.body, [&](CodeTokens line) { add_line(line); });
}

void CodeLocals::add(const CodeToken &name, Setting setting) {
    names_.push_back(name);
    locals_[std::string(name.text)].settings.push_back(std::move(setting));
}

// The first parameter of a method has the class's type, stated or not.
void CodeLocals::add_parameters(CodeTokens parameters, const std::string &owner) {
    TokenCursor at(parameters);
    for (bool first = true; at.peek().kind != Kind::end; first = false) {
        const CodeToken name = at.next();
        std::string type = first ? owner : "";
        if (at.take(":"))
            if (const std::string stated = joined(at.until({"=", ","})); type.empty()) type = stated;
        if (at.take("=")) at.until({","});
        at.take(",");
        add(name, {{}, std::move(type), {}, true});
    }
}

// NAME = VALUE; NAME : TYPE = VALUE; NAME, NAME, = VALUE; NAME += VALUE; for NAME in VALUE:
void CodeLocals::add_line(CodeTokens line) {
    if (line.empty()) return;
    if (line[0].is("for")) {
        for (size_t at = 1; at < line.size() && !line[at].is("in"); ++at)
            if (line[at].kind == Kind::name) add(line[at], {{}, "", {}, true});
        return;
    }
    const size_t end = target_end(line);
    if (end == 0 || end == line.size()) return;
    const CodeTokens target = line.first(end);
    const bool plain = line[end].is("=");
    const CodeTokens value = plain ? line.subspan(end + 1) : CodeTokens();
    const bool typed = target.size() > 2 && target[1].is(":");
    if (target[0].kind == Kind::name && (target.size() == 1 || typed)) {
        add(target[0], {value, typed ? joined(target.subspan(2)) : "", line.subspan(plain ? end + 1 : end + 2)});
        return;
    }
    add_several(target, value);
}

// NAME, NAME = VALUE, VALUE sets each to its own; of one value that is unpacked nothing is known.
void CodeLocals::add_several(CodeTokens target, CodeTokens value) {
    const std::vector<CodeTokens> names = split_by_commas(target), values = split_by_commas(value);
    const bool own =
        names.size() == values.size() &&
        std::none_of(values.begin(), values.end(), [](CodeTokens one) { return one.empty() || one[0].is("*"); }) &&
        std::all_of(names.begin(), names.end(),
                    [](CodeTokens one) { return one.size() == 1 && one[0].kind == Kind::name; });
    for (size_t i = 0; own && i < names.size(); ++i) add(names[i][0], {values[i], "", values[i]});
    if (own) return;
    // What is behind a point is an attribute, what is behind a bracket a place.
    for (size_t at = 0; at < target.size(); ++at) {
        const bool whole =
            at + 1 == target.size() || target[at + 1].is(",") || target[at + 1].is(")") || target[at + 1].is("]");
        if (target[at].kind == Kind::name && whole && (at == 0 || !target[at - 1].is(".")))
            add(target[at], {{}, "", value});
    }
}

CodeTokens CodeLocals::value_of(std::string_view name) const {
    const auto found = locals_.find(name);
    const bool once = found != locals_.end() && found->second.settings.size() == 1;
    return once ? found->second.settings[0].value : CodeTokens();
}

std::string CodeLocals::attribute_type(std::string_view of, std::string_view name) const {
    const CodeClass *known = code_.find_class(of);
    if (!known) return {};
    const auto found = known->attributes.find(name);
    return found == known->attributes.end() ? std::string() : found->second;
}

// The type of what an expression begins with; `behind` becomes the place behind it.
std::string CodeLocals::type_of_head(CodeTokens expression, size_t &behind, int depth) const {
    const CodeToken &first = expression[0];
    const size_t open = first.is("(") ? 0 : 1;
    const size_t close = open < expression.size() && expression[open].is("(") ? closing_of(expression, open) : 0;
    if (first.is("(")) {
        if (close >= expression.size()) return {};
        behind = close + 1;
        return type_of(expression.subspan(1, close - 1), depth + 1);
    }
    if (first.is("__torch__")) {  // a constructor
        const size_t chain = chain_size(expression);
        std::string name = joined(expression.first(chain));
        if (name.ends_with(".__new__")) name.resize(name.size() - 8);
        if (chain >= expression.size() || !expression[chain].is("(")) return {};
        behind = closing_of(expression, chain) + 1;
        return code_.find_class(name) ? name : "";
    }
    const bool cast = first.is("unchecked_cast") || first.is("annotate") || first.is("uninitialized");
    if ((cast || first.is("getattr")) && close > 0 && close < expression.size()) {
        const CodeTokens inside = expression.subspan(2, close - 2);
        const size_t comma = outside(inside, ",");
        behind = close + 1;
        if (cast) return joined(inside.first(comma));
        if (comma + 2 != inside.size() || inside[comma + 1].kind != Kind::text) return {};
        const std::string_view name = inside[comma + 1].text;
        return attribute_type(type_of(inside.first(comma), depth + 1), name.substr(1, name.size() - 2));
    }
    const auto found = locals_.find(first.text);
    behind = 1;
    if (first.kind != Kind::name || found == locals_.end()) return {};
    return type_of_local(found->second, depth);
}

// Names may stand for each other in a circle: nothing is known of one while it is looked for.
std::string CodeLocals::type_of_local(const Local &local, int depth) const {
    if (local.found) return *local.found;
    local.found = std::string();
    std::string type;
    for (const Setting &one : local.settings) {
        std::string own = !one.type.empty() || one.value.empty() ? one.type : type_of(one.value, depth + 1);
        if (own.empty() || (!type.empty() && own != type)) return {};
        type = std::move(own);
    }
    local.found = type;
    return type;
}

bool CodeLocals::is_list_or_none(CodeTokens expression, int depth) const {
    if (expression.empty() || depth > kScanDepth) return false;
    if (expression.size() == 1 && expression[0].is("None")) return true;
    if (expression[0].is("[")) return closing_of(expression, 0) + 1 == expression.size();
    const auto found = expression.size() == 1 ? locals_.find(expression[0].text) : locals_.end();
    if (found == locals_.end()) return is_list_type(type_of(expression));
    const Local &local = found->second;
    if (local.list) return *local.list;
    local.list = false;  // while it is looked for
    local.list = std::all_of(local.settings.begin(), local.settings.end(), [&](const Setting &one) {
        return one.type.empty() ? is_list_or_none(one.value, depth + 1) : is_list_type(one.type);
    });
    return *local.list;
}

std::string CodeLocals::type_of(CodeTokens expression, int depth) const {
    if (expression.empty() || depth > kScanDepth) return {};
    size_t at = 0;
    std::string type = type_of_head(expression, at, depth);
    for (; at < expression.size() && !type.empty(); at += 2) {
        if (!expression[at].is(".") || at + 1 == expression.size()) return {};
        type = attribute_type(type, expression[at + 1].text);
    }
    return type;
}

}  // namespace weighbridge::lib
