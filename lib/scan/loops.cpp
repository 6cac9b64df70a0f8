// SPDX-License-Identifier: Apache-2.0
#include "scan/loops.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "scan/saturating.hpp"

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

constexpr int kMostDepth = 256;  // of names and arithmetic in each other; beyond, the count is taken for endless
// Each level looks at all of its expression.
constexpr int kUsualDepth = 8;
constexpr size_t kUsualSize = 4096;

enum class Combine : uint8_t {
    sum,
    difference,
    reversed,
    product,
    power,
    shift,
    bits,
    largest,
    first,
    size,
    complement
};

// Signs by how they bind, 0 least, as Python has them; then calls that mean the same.
struct Arithmetic {
    std::string_view sign;
    Combine combine;
    int rank = 0;
};
constexpr int kRightToLeft = 6;  // the rank of what associates so
constexpr Arithmetic kSigns[] = {
    {"|", Combine::bits, 0},       {"^", Combine::bits, 1},    {"&", Combine::bits, 2},
    {"<<", Combine::shift, 3},     {">>", Combine::first, 3},  {"+", Combine::sum, 4},
    {"-", Combine::difference, 4}, {"*", Combine::product, 5}, {"//", Combine::first, 5},
    {"/", Combine::first, 5},      {"%", Combine::largest, 5}, {"**", Combine::power, kRightToLeft}};
constexpr Arithmetic kCalls[] = {{"torch.add", Combine::sum},
                                 {"torch.sub", Combine::difference},
                                 {"torch.subtract", Combine::difference},
                                 {"torch.rsub", Combine::reversed},
                                 {"torch.neg", Combine::difference},
                                 {"torch.negative", Combine::difference},
                                 {"torch.mul", Combine::product},
                                 {"torch.multiply", Combine::product},
                                 {"torch.__derive_index", Combine::product},
                                 {"torch.lcm", Combine::product},
                                 {"torch.pow", Combine::power},
                                 {"torch.factorial", Combine::power},
                                 {"torch.__lshift__", Combine::shift},
                                 {"torch.bitwise_left_shift", Combine::shift},
                                 {"torch.__rshift__", Combine::first},
                                 {"torch.bitwise_right_shift", Combine::first},
                                 {"torch.__or__", Combine::bits},
                                 {"torch.__xor__", Combine::bits},
                                 {"torch.__and__", Combine::bits},
                                 {"torch.bitwise_or", Combine::bits},
                                 {"torch.bitwise_xor", Combine::bits},
                                 {"torch.bitwise_and", Combine::bits},
                                 {"torch.bitwise_not", Combine::complement},
                                 {"torch.floordiv", Combine::first},
                                 {"torch.floor_divide", Combine::first},
                                 {"torch.div", Combine::first},
                                 {"torch.remainder", Combine::largest},
                                 {"torch.fmod", Combine::largest},
                                 {"torch.gcd", Combine::largest},
                                 {"torch.max", Combine::largest},
                                 {"torch.min", Combine::largest},
                                 {"ops.prim.max", Combine::largest},
                                 {"ops.prim.min", Combine::largest},
                                 {"torch.abs", Combine::size},
                                 {"ops.prim.abs", Combine::size},
                                 {"torch.ceil", Combine::first},
                                 {"torch.floor", Combine::first},
                                 {"torch.round", Combine::first},
                                 {"torch.trunc", Combine::first},
                                 {"torch.Int", Combine::first},
                                 {"torch.Float", Combine::first},
                                 {"torch.IntImplicit", Combine::first},
                                 {"torch.tensor", Combine::first},
                                 {"torch.item", Combine::first},
                                 {"ops.prim.NumToTensor", Combine::first},
                                 {"int", Combine::first},
                                 {"float", Combine::first},
                                 {"torch.len", Combine::size},
                                 {"torch.list", Combine::size},
                                 {"sorted", Combine::size},
                                 {"ops.prim.rangelist", Combine::size},
                                 {"range", Combine::bits},
                                 {"torch.__range_length", Combine::bits}};

uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t made = 1;
    for (uint64_t i = 0; base > 1 && i < exponent && made != UINT64_MAX; ++i) made = saturating_product(made, base);
    return made;
}

int64_t below_zero(uint64_t most) { return most > INT64_MAX ? INT64_MIN : -static_cast<int64_t>(most); }

// What an operator makes of its only value, or of the first one where another may follow.
NumberRange of_one(Combine how, NumberRange a) {
    switch (how) {
        case Combine::difference:
            return {a.most, below_zero(a.most)};
        case Combine::complement:
            return {saturating_sum(a.most, 1), below_zero(saturating_sum(a.most, 1))};
        case Combine::power:
            return {power(std::max<uint64_t>(a.most, 2), a.most), 0};  // a factorial
        case Combine::size:
            return {a.most, a.least < NumberRange::kData ? 0 : a.least};
        default:
            return a;
    }
}

NumberRange of_two(Combine how, NumberRange a, NumberRange b) {
    const auto with_sign = [&](uint64_t most) -> NumberRange {
        if (a.least < 0 || b.least < 0) return {most, below_zero(most)};
        return {most, std::max(a.least, b.least) < NumberRange::kData ? 0 : NumberRange::kData};
    };
    int64_t least = 0;
    switch (how) {
        case Combine::sum:
            if (__builtin_add_overflow(a.least, b.least, &least)) least = a.least < 0 ? INT64_MIN : INT64_MAX;
            return {saturating_sum(a.most, b.most), least};
        case Combine::difference:
            if (__builtin_sub_overflow(a.least, b.most, &least)) least = INT64_MIN;
            return {saturating_sum(a.most, b.most), least};
        case Combine::reversed:
            return {saturating_sum(a.most, b.most), below_zero(saturating_sum(a.most, b.most))};
        case Combine::product:
            return with_sign(saturating_product(a.most, b.most));
        case Combine::power:
            return with_sign(power(std::max<uint64_t>(a.most, 2), b.most));
        case Combine::shift:  // processors take the six lowest bits of a count, whatever its sign
            return with_sign(b.least < 0 ? UINT64_MAX : saturating_product(a.most, power(2, b.most)));
        case Combine::bits:
            return with_sign(saturating_sum(a.most, b.most));
        case Combine::first:
            return with_sign(a.most);
        default:
            return with_sign(std::max(a.most, b.most));
    }
}

// Finds how large an expression can be.
class RangeFinder {
  public:
    RangeFinder(const CodeLocals &locals, NameRanges &known) : locals_(locals), known_(known) {}

    NumberRange of(CodeTokens expression, int depth = 0) {
        if (depth > kMostDepth || (depth > kUsualDepth && expression.size() > kUsualSize))
            return {UINT64_MAX, INT64_MIN};
        if (expression.empty()) return {};
        if (const size_t at = outside(expression, "if"); at < expression.size())
            return of_two(Combine::largest, of(expression.first(at), depth + 1),
                          of(behind(expression, outside(expression, "else")), depth + 1));
        if (const auto [sign, at] = weakest_sign(expression); sign)
            return of_two(sign->combine, of(expression.first(at), depth + 1), of(behind(expression, at), depth + 1));
        if (expression[0].is("+")) return of(behind(expression, 0), depth + 1);
        if (expression[0].is("-")) return of_one(Combine::difference, of(behind(expression, 0), depth + 1));
        if (expression[0].is("~")) return of_one(Combine::complement, of(behind(expression, 0), depth + 1));
        return expression.size() == 1 ? of_word(expression[0], depth) : of_brackets(expression, depth);
    }

  private:
    static CodeTokens behind(CodeTokens expression, size_t at) {
        return expression.subspan(std::min(at + 1, expression.size()));
    }

    static const Arithmetic *sign_of(const CodeToken &token) {
        if (token.kind != Kind::mark) return nullptr;
        const auto *const found = std::find_if(std::begin(kSigns), std::end(kSigns),
                                               [&](const Arithmetic &one) { return token.text == one.sign; });
        return found == std::end(kSigns) ? nullptr : found;
    }
    // Of the signs that are not another value's own the one that is carried out last, and its place; none: null.
    static std::pair<const Arithmetic *, size_t> weakest_sign(CodeTokens expression) {
        std::pair<const Arithmetic *, size_t> weakest{nullptr, 0};
        for (size_t at = 0; at < expression.size(); ++at) {
            const CodeToken &one = expression[at];
            if (one.is("(") || one.is("[") || one.is("{")) {
                at = closing_of(expression, at);
                continue;
            }
            const Arithmetic *const sign = sign_of(one);
            if (!sign || at == 0 || (weakest.first && sign->rank > weakest.first->rank)) continue;
            if (weakest.first && sign->rank == kRightToLeft) continue;
            const CodeToken &before = expression[at - 1];
            if (!before.is("~") && !sign_of(before)) weakest = {sign, at};
        }
        return weakest;
    }

    NumberRange of_word(const CodeToken &word, int depth) {
        if (word.kind == Kind::text) return {std::max<uint64_t>(word.text.size() - 2, 1), 0};
        if (word.kind == Kind::name) {
            const auto [found, fresh] = known_.try_emplace(word.text);  // a name of itself is data
            if (fresh) found->second = of(locals_.value_of(word.text), depth + 1);
            return found->second;
        }
        double value = 0;  // a float becomes an int by a cast
        const auto [end, error] = std::from_chars(word.text.data(), word.text.data() + word.text.size(), value);
        if (error != std::errc() || value >= 1e18) return {UINT64_MAX, 0};
        return {std::max<uint64_t>(static_cast<uint64_t>(value), 1), static_cast<int64_t>(value)};
    }

    // A group, a list's elements, a call's arguments.
    NumberRange of_brackets(CodeTokens expression, int depth) {
        size_t open = 0;
        while (open < expression.size() && !expression[open].is("(") && !expression[open].is("[")) ++open;
        if (open == expression.size() || closing_of(expression, open) + 1 != expression.size()) return {};
        CodeTokens inside = expression.subspan(open + 1, expression.size() - open - 2);
        const bool list = open == 0 && expression[0].is("[");
        if (open == 0 && outside(inside, ",") == inside.size()) return list ? NumberRange() : of(inside, depth + 1);
        if (open == 0) return {elements(inside)};
        const std::string name = joined(expression.first(open));
        if (name == "annotate") return of(behind(inside, outside(inside, ",")), depth + 1);
        for (const Arithmetic &one : kCalls)
            if (one.sign == name && expression[open].is("(")) return of_arguments(one.combine, inside, depth);
        return {};
    }

    static uint64_t elements(CodeTokens inside) {
        uint64_t count = 0;
        for (; !inside.empty(); inside = behind(inside, outside(inside, ","))) ++count;
        return count;
    }

    // By name the printer gives what is no operand, and a sum's factor.
    NumberRange of_arguments(Combine how, CodeTokens inside, int depth) {
        constexpr std::string_view kNoOperands[] = {"dtype", "layout",        "device",       "pin_memory",
                                                    "out",   "requires_grad", "rounding_mode"};
        const bool adds = how == Combine::sum || how == Combine::difference || how == Combine::reversed;
        NumberRange made;
        for (size_t values = 0;;) {
            const size_t comma = outside(inside, ",");
            const CodeTokens part = inside.first(comma);
            if (part.empty()) return values == 1 ? of_one(how, made) : made;
            inside = behind(inside, comma);
            const size_t equals = outside(part, "=");
            const bool named = equals < part.size();
            if (named &&
                std::find(std::begin(kNoOperands), std::end(kNoOperands), part[0].text) != std::end(kNoOperands))
                continue;
            if (named && !(adds && part[0].is("alpha"))) return {UINT64_MAX, INT64_MIN};
            const NumberRange one = of(named ? behind(part, equals) : part, depth + 1);
            const bool factor = named || (adds && values == 2);
            made = factor ? of_two(Combine::product, made, one) : values == 0 ? one : of_two(how, made, one);
            values += named ? 0 : 1;
        }
    }

    const CodeLocals &locals_;
    NameRanges &known_;
};

}  // namespace

uint64_t loop_count(CodeTokens line, const CodeLocals &locals, NameRanges &known) {
    const size_t in = std::min(outside(line, "in"), line.size());
    CodeTokens over = line.subspan(std::min(in + 1, line.size()));
    over = over.first(outside(over, ":"));
    return std::max<uint64_t>(RangeFinder(locals, known).of(over).most, 1);
}

}  // namespace weighbridge::lib
