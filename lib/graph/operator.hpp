// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "graph/attributes.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// The closed set of operators, each a line of operators.def.
enum class Op : uint32_t {
#define WB_OPERATOR(name, number, ...) name = number,
#include "graph/operators.def"
};

// Groups of operators that are checked, computed and rewritten by the same code.
enum class Family : uint8_t {
    source,      // no operands
    unary,       // one operand, element by element; floats by a kernel
    conversion,  // one operand, element by element, to or of bools and integers
    arithmetic,  // two operands, element by element; floats by a kernel
    division,    // of integers: fails where a divisor is 0
    comparison,
    logical,
    choice,
    view,  // the operand's elements in other places
    join,
    look_up,
    reduction,  // the axis keeps, with size 1
    scan,       // argmax and running sums: element by element along the axis
    last_axis,  // along the last axis, whose size keeps
    product,
};
constexpr bool by_element(Family family) {
    switch (family) {
        case Family::unary:
        case Family::conversion:
        case Family::arithmetic:
        case Family::division:
        case Family::comparison:
        case Family::logical:
        case Family::choice:
            return true;
        default:
            return false;
    }
}
constexpr bool by_element_of_two(Family family) {
    return by_element(family) && family != Family::unary && family != Family::conversion && family != Family::choice;
}

// Exact operators have one right result, with no rounding to agree on: layouts, look-ups, integers, bools, comparisons,
// maxima, and IEEE 754's + - * /. Of float64 every operator counts as exact, because all compute it by one function.
enum class Exact : uint8_t { no, yes, integers };  // integers: where the operand is not float32

// Packing: which rows may stand side by side in one call. A row is a place of all axes but the last.
enum class Packs : uint8_t {
    by_row,       // a result's row depends on the operands' rows at that place only: rows of any sequences
    by_sequence,  // and on the other rows of its sequence, or where it is in it: sequences, told where each begins
    no,           // elements move between rows
};

// A set of dtypes.
using DTypes = uint8_t;
constexpr DTypes bit(DType dtype) { return static_cast<DTypes>(1u << static_cast<unsigned>(dtype)); }
namespace dtypes {
inline constexpr DTypes kFloats = bit(DType::float32), kIntegers = bit(DType::int64), kBools = bit(DType::boolean);
inline constexpr DTypes kReals = kFloats | bit(DType::float64), kNumbers = kReals | kIntegers;
inline constexpr DTypes kMask = kFloats | kBools, kComputed = kNumbers | kBools, kAny = kComputed | bit(DType::int32);
}  // namespace dtypes
constexpr bool holds(DTypes set, DType dtype) {
    return dtype >= DType::float32 && dtype <= DType::boolean && (set & bit(dtype)) != 0;
}

// How many operands of which dtypes, and the result's dtype: the last of operands that are alike, else the first's.
struct Signature {
    static constexpr size_t kMany = SIZE_MAX;
    size_t least = 0, most = 0;
    std::array<DTypes, 4> operands{};  // the last one's also for those behind it
    size_t alike = kMany;              // operands from here on have one dtype
    bool by_attribute = false;         // the result's dtype is the attribute
    bool fixed = false;                // it is `dtype`
    DType dtype = DType::float32;

    constexpr Signature gives(DType given) const {
        Signature changed = *this;
        changed.fixed = true;
        changed.dtype = given;
        return changed;
    }
    constexpr Signature gives_dtype() const {
        Signature changed = *this;
        changed.by_attribute = true;
        return changed;
    }
    constexpr Signature alike_from(size_t first) const {
        Signature changed = *this;
        changed.alike = first;
        return changed;
    }
    constexpr Signature at_least(size_t number) const {
        Signature changed = *this;
        changed.least = number;
        return changed;
    }
};

// A line of the table.
struct Operator {
    static constexpr size_t kMostAttributes = 5;

    Op op;
    std::string_view name;
    Family family;
    Signature operands;
    std::array<const NamedAttribute *, kMostAttributes> named;  // null behind the last
    size_t attributes_count;
    Exact exact;
    float (*fold)(float);  // of one constant, in double and rounded once; null where it folds only if it is exact
    Packs packs;

    std::span<const NamedAttribute *const> attributes() const { return {named.data(), attributes_count}; }
};

std::span<const Operator> operators();  // all, by number
const Operator *find_operator(Op op);   // null for a number that is none
const Operator &operator_of(Op op);     // of an operator that infer has seen
inline Family family_of(Op op) { return operator_of(op).family; }
// Whether operand 1 is a constant [n, k] that plans have in panels, once for each precision.
constexpr bool has_panels(Op op) { return op == Op::linear || op == Op::recurrent; }
std::string_view name_of(Op op);  // "reduce_sum", ...; "unknown" for a number that is none

}  // namespace weighbridge::lib
