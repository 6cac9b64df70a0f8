// SPDX-License-Identifier: Apache-2.0
#include "scan/divisions.hpp"

#include <algorithm>
#include <string>

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

constexpr int kMostDepth = 256;  // of names and expressions in each other
// How many tokens are looked at, for each of a function's and besides.
constexpr size_t kWorkOfToken = 16, kLeastWork = 65536;

constexpr std::string_view kSigns[] = {"+", "-",  "*",  "/",  "//", "%", "**", "@",  "&", "|",
                                       "^", "<<", ">>", "==", "!=", "<", ">",  "<=", ">="};
constexpr std::string_view kProducts[] = {"*", "/", "//", "%", "@", "**", ".", "~"};
constexpr std::string_view kCalls[] = {"remainder", "floordiv", "divmod", "gcd", "lcm"};
// What LibTorch may know of data.
constexpr std::string_view kAboutTypes[] = {"isinstance", "uninitialized", "hasattr"};

bool is_one_of(const CodeToken &token, Kind kind, std::span<const std::string_view> list) {
    return token.kind == kind && std::find(list.begin(), list.end(), token.text) != list.end();
}

CodeTokens behind(CodeTokens expression, size_t at) { return expression.subspan(std::min(at + 1, expression.size())); }

CodeTokens inside_of(CodeTokens expression, size_t open, size_t close) {
    return expression.subspan(open + 1, std::min(close, expression.size()) - open - 1);
}

CodeTokens without_name(CodeTokens argument) {
    const size_t equals = outside(argument, "=");
    return equals < argument.size() ? behind(argument, equals) : argument;
}

// How many tokens the operand takes that stands behind a sign.
size_t operand_size(CodeTokens rest) {
    size_t at = 0;
    while (at < rest.size()) {
        while (at < rest.size() && (rest[at].is("-") || rest[at].is("+") || rest[at].is("~"))) ++at;
        for (bool first = true; at < rest.size(); first = false) {
            if (rest[at].is("(") || rest[at].is("["))
                at = std::min(closing_of(rest, at) + 1, rest.size());
            else if (first)
                ++at;
            else if (rest[at].is("."))
                at = std::min(at + 2, rest.size());
            else
                break;
        }
        if (at == rest.size() || !rest[at].is("**")) break;
        ++at;
    }
    return at;
}

// Whether a number is other than 0.
bool is_some(const CodeToken &number) {
    const std::string_view digits = number.text.substr(0, number.text.find_first_of("eE"));
    return number.kind == Kind::number && digits.find_first_of("123456789") != digits.npos;
}

}  // namespace

DivisionFinder::DivisionFinder(const CodeLocals &locals, const ModuleCode &code, size_t tokens)
    : locals_(locals), code_(code), most_work_(kLeastWork + kWorkOfToken * tokens) {}

std::vector<size_t> DivisionFinder::find(CodeTokens line) {
    std::vector<size_t> found, open;
    size_t term = 0;  // where the product begins that goes on
    for (size_t at = 0; at < line.size(); ++at) {
        const CodeToken &one = line[at];
        if (one.is("(") || one.is("[") || one.is("{")) {
            if (one.is("(") && at > 2 && is_one_of(line[at - 1], Kind::name, kCalls) && line[at - 2].is(".")) {
                const auto parts = split_by_commas(inside_of(line, at, closing_of(line, at)));
                const bool two = parts.size() > 1;
                const CodeTokens a = without_name(parts[0]), b = two ? without_name(parts[1]) : CodeTokens();
                const bool either = line[at - 1].is("gcd") || line[at - 1].is("lcm") || a.size() < parts[0].size();
                if (two && (may_fold(a, b) || (either && may_fold(b, a)))) found.push_back(at);
            }
            open.push_back(term);
            term = at + 1;
        } else if (one.is(")") || one.is("]") || one.is("}")) {
            if (!open.empty()) term = open.back();
            if (!open.empty()) open.pop_back();
        } else if (one.is("%") || one.is("//")) {
            const bool sets = at + 1 < line.size() && line[at + 1].is("=");
            const CodeTokens rest = behind(line, sets ? at + 1 : at);
            if (may_fold(line.subspan(term, at - term), sets ? rest : rest.first(operand_size(rest))))
                found.push_back(at);
        } else if ((one.kind == Kind::mark && !is_one_of(one, Kind::mark, kProducts)) ||
                   (one.kind == Kind::name && is_keyword(one.text) && !one.is("True") && !one.is("False"))) {
            term = at + 1;
        }
    }
    return found;
}

bool DivisionFinder::may_fold(CodeTokens dividend, CodeTokens divisor) {
    if (dividend.size() == 1 && dividend[0].kind == Kind::text) return false;  // a text that is filled in
    const Known by = of(divisor, 0);
    return !by.data && !by.divides && !of(dividend, 0).data;
}

bool DivisionFinder::all_data(CodeTokens parts, int depth) {
    bool all = !parts.empty();
    for (const CodeTokens part : split_by_commas(parts))
        all = all && (part.empty() || of(without_name(part), depth + 1).data);
    return all;
}

bool DivisionFinder::any_data(CodeTokens parts, int depth) {
    bool any = false;
    for (const CodeTokens part : split_by_commas(parts))
        any = any || (!part.empty() && of(without_name(part), depth + 1).data);
    return any;
}

// What LibTorch computes needs a constant of each operand, but it may choose a branch, or take a tuple's element.
DivisionFinder::Known DivisionFinder::of(CodeTokens expression, int depth) {
    work_ += expression.size();
    if (expression.empty() || depth > kMostDepth || work_ > most_work_) return {false, false};
    if (const size_t at = outside(expression, "if"); at < expression.size()) {
        const Known one = of(expression.first(at), depth + 1);
        const Known other = of(behind(expression, outside(expression, "else")), depth + 1);
        return {one.data && other.data, one.divides && other.divides};
    }
    if (outside(expression, ",") < expression.size()) return {all_data(expression, depth), false};
    for (const std::string_view word : {"and", "or", "not", "is", "in"})
        if (outside(expression, word) < expression.size()) return {false, false};
    if (expression.size() == 2 && expression[0].is("-"))
        return {of(behind(expression, 0), depth + 1).data, is_some(expression[1]) && expression[1].text != "1"};
    Known made{false, false};
    size_t begin = 0, signs = 0;
    for (size_t at = 0; at <= expression.size(); ++at) {
        if (at == expression.size() || is_one_of(expression[at], Kind::mark, kSigns)) {
            const CodeTokens part = expression.subspan(begin, at - begin);
            if (at == expression.size() && signs == 0) return of_value(part, depth + 1);
            made.data = made.data || (!part.empty() && of_value(part, depth + 1).data);
            begin = at + 1;
            ++signs;
        } else if (expression[at].is("(") || expression[at].is("[") || expression[at].is("{")) {
            at = std::min(closing_of(expression, at), expression.size() - 1);
        }
    }
    return made;
}

DivisionFinder::Known DivisionFinder::of_name(std::string_view name, int depth) {
    const auto [found, fresh] = names_.try_emplace(name, Known{false, false});  // while it is looked for
    if (!fresh) return found->second;
    const auto *settings = locals_.settings_of(name);
    if (!settings) return found->second;
    Known made{true, true};
    for (const CodeLocals::Setting &one : *settings) {
        const Known own = one.data ? Known{true, false} : of(one.of, depth + 1);
        made = {made.data && own.data, made.divides && own.divides};
    }
    return found->second = made;
}

// A literal, a name, a group, a call, and what follows them.
DivisionFinder::Known DivisionFinder::of_value(CodeTokens value, int depth) {
    const CodeToken &first = value[0];
    if (value.size() == 1) {
        if (first.kind != Kind::name || is_keyword(first.text)) return {false, is_some(first)};
        return of_name(first.text, depth);
    }
    Known made{false, false};
    size_t at = first.kind == Kind::name ? chain_size(value) : first.is("(") || first.is("[") || first.is("{") ? 0 : 1;
    if (at == 0) {
        const size_t close = closing_of(value, 0);
        const CodeTokens inside = inside_of(value, 0, close);
        made = first.is("(") ? of(inside, depth + 1) : Known{all_data(inside, depth), false};
        at = close + 1;
    } else if (first.kind == Kind::name) {
        const bool called = at < value.size() && value[at].is("(");
        const size_t close = called ? closing_of(value, at) : at;
        const CodeTokens inside = called ? inside_of(value, at, close) : CodeTokens();
        if (first.is("torch") || first.is("ops")) {
            made.data = any_data(inside, depth);
        } else if (first.is("__torch__")) {
            made.data = called && (code_.names.contains(joined(value.first(at))) || all_data(inside, depth));
        } else if (called && at == 1 && (first.is("annotate") || first.is("unchecked_cast"))) {
            made = of(behind(inside, outside(inside, ",")), depth + 1);
        } else if (called && at == 1 && first.is("getattr")) {
            made.data = of(inside.first(outside(inside, ",")), depth + 1).data;
        } else if (called && at == 1) {
            made.data = !is_one_of(first, Kind::name, kAboutTypes) && any_data(inside, depth);
        } else {
            made.data = of_name(first.text, depth).data || any_data(inside, depth);
        }
        if (called) at = close + 1;
    }
    for (; at < value.size(); ++at) {  // what is taken or called of it
        made.divides = false;
        if (!value[at].is("(") && !value[at].is("[")) continue;
        const size_t close = std::min(closing_of(value, at), value.size());
        made.data = made.data || (value[at].is("(") && any_data(inside_of(value, at, close), depth));
        at = close;
    }
    return made;
}

}  // namespace weighbridge::lib
