// SPDX-License-Identifier: Apache-2.0
#include "scan/loops.hpp"

#include <algorithm>
#include <charconv>

#include "scan/saturating.hpp"

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

constexpr int kMostDepth = 256;  // of names and arithmetic in each other; beyond, the count is taken for endless
// Each level looks at all of its expression.
constexpr int kUsualDepth = 8;
constexpr size_t kUsualSize = 4096;

enum class Combine : uint8_t { sum, product, power, first, largest };

// Signs from the one that binds least, as Python has them; then calls that mean the same.
struct Arithmetic {
    std::string_view sign;
    Combine combine;
};
constexpr Arithmetic kSigns[] = {{"|", Combine::sum},    {"^", Combine::sum},     {"&", Combine::largest},
                                 {"<<", Combine::power}, {">>", Combine::first},  {"+", Combine::sum},
                                 {"-", Combine::sum},    {"*", Combine::product}, {"//", Combine::first},
                                 {"/", Combine::first},  {"%", Combine::largest}, {"**", Combine::power}};
constexpr Arithmetic kCalls[] = {{"torch.add", Combine::sum},
                                 {"torch.sub", Combine::sum},
                                 {"torch.rsub", Combine::sum},
                                 {"torch.__range_length", Combine::sum},
                                 {"torch.mul", Combine::product},
                                 {"torch.pow", Combine::power},
                                 {"torch.__lshift__", Combine::power},
                                 {"torch.floordiv", Combine::first},
                                 {"torch.floor_divide", Combine::first},
                                 {"torch.div", Combine::first},
                                 {"torch.remainder", Combine::largest},
                                 {"torch.ceil", Combine::first},
                                 {"torch.floor", Combine::first},
                                 {"torch.round", Combine::first},
                                 {"torch.neg", Combine::first},
                                 {"torch.abs", Combine::first},
                                 {"torch.len", Combine::first},
                                 {"torch.list", Combine::first},
                                 {"torch.Int", Combine::first},
                                 {"torch.max", Combine::largest},
                                 {"torch.min", Combine::largest},
                                 {"ops.prim.max", Combine::largest},
                                 {"ops.prim.min", Combine::largest},
                                 {"ops.prim.rangelist", Combine::first},
                                 {"ops.prim.NumToTensor", Combine::first},
                                 {"torch.factorial", Combine::power},
                                 {"torch.tensor", Combine::first},
                                 {"torch.item", Combine::first},
                                 {"range", Combine::sum},
                                 {"int", Combine::first},
                                 {"float", Combine::first},
                                 {"sorted", Combine::first}};

uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t made = 1;
    for (uint64_t i = 0; base > 1 && i < exponent && made != UINT64_MAX; ++i) made = saturating_product(made, base);
    return made;
}

// The largest magnitude that an expression can have; of a list or a text its length.
class Magnitude {
  public:
    Magnitude(const CodeLocals &locals, NameCounts &known) : locals_(locals), known_(known) {}

    uint64_t of(CodeTokens expression, int depth = 0) {
        if (depth > kMostDepth || (depth > kUsualDepth && expression.size() > kUsualSize)) return UINT64_MAX;
        if (expression.empty()) return 1;
        if (const size_t at = outside(expression, "if"); at < expression.size())
            return std::max(of(expression.first(at), depth + 1),
                            of(behind(expression, outside(expression, "else")), depth + 1));
        for (const Arithmetic &one : kSigns)
            if (const size_t at = between_values(expression, one.sign); at < expression.size())
                return combined(one.combine, of(expression.first(at), depth + 1),
                                of(behind(expression, at), depth + 1));
        if (expression[0].is("-") || expression[0].is("+")) return of(behind(expression, 0), depth + 1);
        return expression.size() == 1 ? of_word(expression[0], depth) : of_brackets(expression, depth);
    }

  private:
    static CodeTokens behind(CodeTokens expression, size_t at) {
        return expression.subspan(std::min(at + 1, expression.size()));
    }

    static bool is_sign(const CodeToken &token) {
        return std::any_of(std::begin(kSigns), std::end(kSigns),
                           [&](const Arithmetic &one) { return token.is(one.sign); });
    }
    // The place of a sign that is not another value's own; expression.size() for none.
    static size_t between_values(CodeTokens expression, std::string_view sign) {
        size_t at = outside(expression, sign);
        while (at < expression.size() && (at == 0 || is_sign(expression[at - 1])))
            at += 1 + outside(expression.subspan(at + 1), sign);
        return at;
    }

    static uint64_t combined(Combine how, uint64_t a, uint64_t b) {
        switch (how) {
            case Combine::sum:
                return saturating_sum(a, b);
            case Combine::product:
                return saturating_product(a, b);
            case Combine::power:
                return power(std::max<uint64_t>(a, 2), b);
            case Combine::first:
                return a;
            default:
                return std::max(a, b);
        }
    }

    uint64_t of_word(const CodeToken &word, int depth) {
        if (word.kind == Kind::text) return std::max<uint64_t>(word.text.size() - 2, 1);
        if (word.kind == Kind::name) {
            const auto [found, fresh] = known_.try_emplace(word.text, 1);  // a name of itself is data
            if (fresh) found->second = of(locals_.value_of(word.text), depth + 1);
            return found->second;
        }
        double value = 0;  // a float becomes an int by a cast
        const auto [end, error] = std::from_chars(word.text.data(), word.text.data() + word.text.size(), value);
        return error == std::errc() && value < 1e18 ? std::max<uint64_t>(static_cast<uint64_t>(value), 1) : UINT64_MAX;
    }

    // A group, a list's elements, a call's arguments.
    uint64_t of_brackets(CodeTokens expression, int depth) {
        size_t open = 0;
        while (open < expression.size() && !expression[open].is("(") && !expression[open].is("[")) ++open;
        if (open == expression.size() || closing_of(expression, open) + 1 != expression.size()) return 1;
        CodeTokens inside = expression.subspan(open + 1, expression.size() - open - 2);
        const bool list = open == 0 && expression[0].is("[");
        if (open == 0 && outside(inside, ",") == inside.size()) return list ? 1 : of(inside, depth + 1);
        if (open == 0) return elements(inside);
        const std::string name = joined(expression.first(open));
        if (name == "annotate") return of(behind(inside, outside(inside, ",")), depth + 1);
        for (const Arithmetic &one : kCalls)
            if (one.sign == name && expression[open].is("(")) return of_arguments(one.combine, inside, depth);
        return 1;
    }

    static uint64_t elements(CodeTokens inside) {
        uint64_t count = 0;
        for (; !inside.empty(); inside = behind(inside, outside(inside, ","))) ++count;
        return count;
    }

    uint64_t of_arguments(Combine how, CodeTokens inside, int depth) {
        uint64_t made = 1;
        for (bool first = true; !inside.empty(); first = false) {
            const size_t comma = outside(inside, ",");
            const uint64_t one = of(inside.first(comma), depth + 1);
            made = first ? one : combined(how, made, one);
            inside = behind(inside, comma);
        }
        return made;
    }

    const CodeLocals &locals_;
    NameCounts &known_;
};

}  // namespace

uint64_t loop_count(CodeTokens line, const CodeLocals &locals, NameCounts &known) {
    const size_t in = std::min(outside(line, "in"), line.size());
    CodeTokens over = line.subspan(std::min(in + 1, line.size()));
    over = over.first(outside(over, ":"));
    return std::max<uint64_t>(Magnitude(locals, known).of(over), 1);
}

}  // namespace weighbridge::lib
