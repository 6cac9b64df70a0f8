// SPDX-License-Identifier: Apache-2.0
// What differs in a round of an unrolled loop that shorter sequences do not reach: for them it reads zeros behind the
// last place, looks up what is there, and refuses nothing.
#include <utility>

#include "torch/lower/builder.hpp"

namespace weighbridge::torch_plugin {

void Builder::require(ValueId holds, std::string text) {
    if (round) holds = binary(Op::logical_or, holds, unary(Op::logical_not, round->reached));
    requirements_.emplace_back(holds, std::move(text));
}

void Builder::require_a_place() {
    const auto known = std::exchange(round, std::nullopt);
    require_nonnegative(Extent::length(1, -1), "a sequence that is not empty");
    round = known;
}

// Look-ups and divisions of integers fail a run by their second operand: 0 and 1 fail none.
void Builder::keep_from_failing(Op op, std::vector<ValueId> &operands, const lib::Attributes &attributes) {
    const bool looks_up = op == Op::embedding || op == Op::gather;
    if (!looks_up && op != Op::floor_divide && op != Op::remainder) return;
    const Extent size = looks_up ? shape(operands[0]).at(static_cast<size_t>(attributes.axis)) : Extent::of(1);
    const Op by = graph_.node(operands[1]).op;
    if (size.known() && (by == Op::constant || by == Op::full)) return;
    if (!size.known()) {
        const auto known = std::exchange(round, std::nullopt);
        require_nonnegative(*(size - Extent::of(1)), "an axis that is not empty");
        round = known;
    }
    operands[1] = where(round->reached, operands[1], full_int(Extent::of(looks_up ? 0 : 1), {}));
}

// For every length of the graph, not only of those that reach the round.
bool Builder::is_inside(const Extent &start, const Extent &size, const Extent &whole, int64_t step) const {
    const auto steps = size * Extent::of(step);
    const auto reach = steps ? start + *steps : std::nullopt;
    const auto left = reach ? whole - *reach : std::nullopt;
    if (!left) return false;
    const auto least = [&](const Extent &of) {
        return bounds_of(of, graph_.least_length, graph_.largest_length).least.value_or(-1);
    };
    return least(start) >= 0 && least(*left) > -step;
}

// A slice of the axis with zeros up to the size that it has at the largest length: behind it where the slice starts at
// a known place, before it where that is a known number of places before its end.
ValueId Builder::padded_slice(ValueId x, size_t axis, const Extent &start, const Extent &size, int64_t step) {
    const Extent whole = shape(x)[axis];
    const auto missing = Extent::of(whole.at(1, graph_.largest_length)) - whole;
    const bool front = !start.known();
    const auto place = front && missing ? start + *missing : std::optional(start);
    if (whole.batch || !missing || !place || !place->known() || !size.known())
        throw Unsupported{"a loop over places that takes " + to_string(size) + " from " + to_string(start) + " of " +
                          to_string(whole)};
    const auto key = std::make_tuple(x, axis, front);
    auto found = padded_.find(key);
    if (found == padded_.end()) {
        Extents more = shape(x);
        more[axis] = *missing;
        const ValueId zeros = full(0, more, dtype(x));
        found = padded_.emplace(key, concat(front ? std::vector{zeros, x} : std::vector{x, zeros}, axis)).first;
    }
    return add(Op::slice, {found->second},
               {.axis = static_cast<int64_t>(axis), .step = step, .start = *place, .size = size});
}

}  // namespace weighbridge::torch_plugin
