// SPDX-License-Identifier: Apache-2.0
#include "graph/operator.hpp"

#include <cmath>
#include <utility>

#include "base/numerics.hpp"

namespace weighbridge::lib {
namespace {

using namespace dtypes;

constexpr Signature none() { return {}; }
constexpr Signature one(DTypes x) { return {1, 1, {x, x, x, x}}; }
constexpr Signature pair(DTypes a, DTypes b) { return {2, 2, {a, b, b, b}}; }
constexpr Signature two(DTypes both) { return pair(both, both).alike_from(0); }
constexpr Signature three(DTypes a, DTypes b, DTypes c) { return {3, 3, {a, b, c, c}}; }
constexpr Signature four(DTypes a, DTypes b, DTypes c, DTypes d) { return {4, 4, {a, b, c, d}}; }
constexpr Signature five(DTypes a, DTypes b, DTypes c, DTypes rest) { return {5, 5, {a, b, c, rest}}; }
constexpr Signature many(DTypes all) { return Signature{1, Signature::kMany, {all, all, all, all}}.alike_from(0); }

// How constants fold that numerics has no function for.
float square_root(float x) { return std::sqrt(x); }
float one_by_root(float x) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))); }
float one_by(float x) { return 1.0f / x; }
float positive_part(float x) { return x < 0 ? 0.0f : x; }

using NamedAttributes = std::pair<std::array<const NamedAttribute *, Operator::kMostAttributes>, size_t>;
template <class... Each>
constexpr NamedAttributes named_attributes(const Each &...field) {
    return {{&field...}, sizeof...(field)};
}

constexpr Operator line(Op op, std::string_view name, Family family, const Signature &operands,
                        const NamedAttributes &attributes, Exact exact, float (*fold)(float), Packs packs) {
    return {op, name, family, operands, attributes.first, attributes.second, exact, fold, packs};
}

// Every attribute by its name in the table.
namespace named {
#define WB_ATTRIBUTE(name) constexpr NamedAttribute name{#name, &Attributes::name};
WB_ATTRIBUTE(index)
WB_ATTRIBUTE(dtype)
WB_ATTRIBUTE(value)
WB_ATTRIBUTE(integer)
WB_ATTRIBUTE(axis)
WB_ATTRIBUTE(step)
WB_ATTRIBUTE(order)
WB_ATTRIBUTE(start)
WB_ATTRIBUTE(size)
WB_ATTRIBUTE(shape)
WB_ATTRIBUTE(right)
WB_ATTRIBUTE(beta)
WB_ATTRIBUTE(threshold)
WB_ATTRIBUTE(alpha)
WB_ATTRIBUTE(least)
WB_ATTRIBUTE(largest)
WB_ATTRIBUTE(epsilon)
WB_ATTRIBUTE(activation)
WB_ATTRIBUTE(bias)
WB_ATTRIBUTE(residual)
WB_ATTRIBUTE(range)
WB_ATTRIBUTE(slope)
WB_ATTRIBUTE(causal)
WB_ATTRIBUTE(zero_when_empty)
WB_ATTRIBUTE(mask)
WB_ATTRIBUTE(scale)
WB_ATTRIBUTE(cell)
WB_ATTRIBUTE(reverse)
WB_ATTRIBUTE(state)
#undef WB_ATTRIBUTE

constexpr Operator kTable[] = {
#define WB_OPERATOR(name, number, family, operands, attributes, exact, fold, packs) \
    line(Op::name, #name, Family::family, operands, named_attributes attributes, Exact::exact, fold, Packs::packs),
#include "graph/operators.def"
};
}  // namespace named

using named::kTable;

constexpr bool ascending() {
    for (size_t i = 1; i < std::size(kTable); ++i)
        if (kTable[i].op <= kTable[i - 1].op) return false;
    return true;
}
static_assert(ascending(), "operators.def: expected numbers that rise, each once");

// By number: the line in kTable, or kNone.
constexpr size_t kNumbersEnd = static_cast<size_t>(kTable[std::size(kTable) - 1].op) + 1;
constexpr uint8_t kNone = 0xFF;
constexpr auto kLines = [] {
    static_assert(std::size(kTable) < kNone);
    std::array<uint8_t, kNumbersEnd> lines{};
    lines.fill(kNone);
    for (size_t i = 0; i < std::size(kTable); ++i) lines[static_cast<size_t>(kTable[i].op)] = static_cast<uint8_t>(i);
    return lines;
}();

}  // namespace

std::span<const Operator> operators() { return kTable; }

const Operator *find_operator(Op op) {
    const auto number = static_cast<size_t>(op);
    return number < kNumbersEnd && kLines[number] != kNone ? &kTable[kLines[number]] : nullptr;
}

const Operator &operator_of(Op op) { return kTable[kLines[static_cast<size_t>(op)]]; }

std::string_view name_of(Op op) {
    const Operator *found = find_operator(op);
    return found ? found->name : "unknown";
}

}  // namespace weighbridge::lib
