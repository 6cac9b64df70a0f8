// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/known.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 22;  // of a constant that is looked at

bool is_real(DType dtype) { return holds(dtypes::kReals, dtype); }

Known exactly(const Extent &value) { return {true, value, value, true, 0.0}; }
Known truth(bool value) { return exactly(Extent::of(value ? 1 : 0)); }
Known exactly(double number) { return {false, {}, {}, true, number}; }
Known within(const std::optional<Extent> &least, const std::optional<Extent> &most) {
    if (!least || !most) return {};
    return {true, *least, *most, *least == *most, 0.0};
}

// 0.0 is not -0.0: their reciprocals differ.
bool is_same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

template <class T>
Known of_elements(const Constant &constant) {
    const int64_t count = constant.elements();
    if (count == 0 || count > kMostElements || !constant.data) return {};
    const auto [least, most] = std::minmax_element(constant.as<T>(), constant.as<T>() + count);
    if constexpr (std::is_floating_point_v<T>) {
        const T first = *least;
        if (std::isnan(first)) return {};
        if (!std::all_of(constant.as<T>(), constant.as<T>() + count, [&](T x) { return is_same(x, first); })) return {};
        return exactly(static_cast<double>(first));
    } else {
        return within(Extent::of(static_cast<int64_t>(*least)), Extent::of(static_cast<int64_t>(*most)));
    }
}

}  // namespace

std::optional<double> Known::same(DType dtype) const {
    if (!uniform) return std::nullopt;
    if (is_real(dtype)) return number;
    if (!least.known()) return std::nullopt;
    return static_cast<double>(least.terms[0]);
}

// One operator and what is known of its operands.
struct Knowledge::Query {
    Knowledge &all;
    Op op;
    const std::vector<ValueId> &operands;
    const Attributes &attributes;
    const Type &result;

    const Graph &graph() const { return all.graph_; }
    const Known &of(size_t i) const { return all.known_[operands[i]]; }
    const Type &type(size_t i) const { return graph().type(operands[i]); }
    std::optional<double> number(size_t i) const { return of(i).same(type(i).dtype); }
    // The size of the first operand's axis; whether it has elements for every length.
    Extent axis_size() const { return type(0).shape[static_cast<size_t>(attributes.axis)]; }
    bool axis_has_elements() const { return holds(Comparison::less, Extent::of(0), axis_size()); }

    std::optional<bool> compared(Comparison how, const Extent &a, const Extent &b) const {
        return decide(how, a, b, graph().least_length, graph().largest_length);
    }
    bool holds(Comparison how, const Extent &a, const Extent &b) const { return compared(how, a, b).value_or(false); }
    bool nonnegative(const Known &known) const {
        return known.bounded && holds(Comparison::less_equal, Extent::of(0), known.least);
    }

    Known source() const {
        switch (op) {
            case Op::full:
                if (result.dtype == DType::int64) return exactly(attributes.integer);
                if (result.dtype == DType::boolean) return truth(attributes.value != 0);
                if (result.dtype == DType::float32)
                    return exactly(static_cast<double>(static_cast<float>(attributes.value)));
                return exactly(attributes.value);
            case Op::iota:
                return within(Extent::of(0), attributes.size - Extent::of(1));
            case Op::constant: {
                const Constant &constant = graph().constants()[static_cast<size_t>(attributes.index)];
                return result.dtype == DType::float32   ? of_elements<float>(constant)
                       : result.dtype == DType::float64 ? of_elements<double>(constant)
                       : result.dtype == DType::int64   ? of_elements<int64_t>(constant)
                                                        : of_elements<uint8_t>(constant);
            }
            default:
                return {};
        }
    }

    Known concat() const {
        Known joined = of(0);
        for (size_t i = 1; i < operands.size(); ++i) {
            const Known &next = of(i);
            if (joined.uniform && next.uniform && joined.least == next.least && is_same(joined.number, next.number))
                continue;
            if (!joined.bounded || !next.bounded) return {};
            const auto lower = compared(Comparison::less, next.least, joined.least);
            const auto upper = compared(Comparison::less, joined.most, next.most);
            if (!lower || !upper) return {};
            joined = within(*lower ? next.least : joined.least, *upper ? next.most : joined.most);
        }
        return joined;
    }

    Known cast() const {
        const DType from = type(0).dtype;
        if (from == result.dtype || (result.dtype == DType::int64 && from == DType::boolean)) return of(0);
        if (result.dtype == DType::boolean && from == DType::int64 && of(0).bounded &&
            holds(Comparison::less, Extent::of(0), of(0).least))
            return truth(true);
        auto value = number(0);
        if (!value) return {};
        if (result.dtype == DType::float32 || from == DType::float32) value = static_cast<float>(*value);
        if (is_real(result.dtype)) return exactly(*value);
        if (result.dtype == DType::boolean) return truth(*value != 0);
        if (!(std::abs(*value) < 1e15)) return {};
        return exactly(Extent::of(static_cast<int64_t>(*value)));
    }

    Known logical() const {
        if (op == Op::logical_xor) return {};
        const bool stops = op == Op::logical_or;  // the value of an operand that decides
        for (size_t i = 0; i < 2; ++i)
            if (const auto value = number(i); value && (*value != 0) == stops) return truth(stops);
        return number(0) && number(1) ? truth(!stops) : Known{};
    }

    template <class T>
    Known of_reals() const {
        if (!number(0) || !number(1)) return {};
        const auto a = static_cast<T>(*number(0)), b = static_cast<T>(*number(1));
        const T c = op == Op::add   ? a + b
                    : op == Op::sub ? a - b
                    : op == Op::mul ? a * b
                    : op == Op::div ? a / b
                                    : static_cast<T>(NAN);
        return std::isnan(c) ? Known{} : exactly(static_cast<double>(c));
    }

    Known arithmetic() const {
        if (result.dtype == DType::float32) return of_reals<float>();
        if (result.dtype == DType::float64) return of_reals<double>();
        const Known &a = of(0), &b = of(1);
        if (!a.bounded || !b.bounded) return {};
        switch (op) {
            case Op::add:
                return within(a.least + b.least, a.most + b.most);
            case Op::sub:
                return within(a.least - b.most, a.most - b.least);
            case Op::mul:
                if (!nonnegative(a) || !nonnegative(b)) return {};
                return within(a.least * b.least, a.most * b.most);
            default:
                return {};
        }
    }

    Known remainder() const {
        const Extent &divisor = of(1).least;
        if (op != Op::remainder || !of(1).uniform || !divisor.known() || divisor.terms[0] <= 0) return {};
        return within(Extent::of(0), Extent::of(divisor.terms[0] - 1));
    }

    std::optional<bool> compared_reals() const {
        const auto a = number(0), b = number(1);
        if (!a || !b) return std::nullopt;
        switch (op) {
            case Op::equal:
                return *a == *b;
            case Op::not_equal:
                return *a != *b;
            case Op::less:
                return *a < *b;
            case Op::less_equal:
                return *a <= *b;
            case Op::greater:
                return *a > *b;
            default:
                return *a >= *b;
        }
    }

    // x `how` y for all elements, or for none.
    std::optional<bool> ordered(Comparison how, const Known &x, const Known &y) const {
        if (holds(how, x.most, y.least)) return true;
        if (!compared(how, x.least, y.most).value_or(true)) return false;
        return std::nullopt;
    }
    std::optional<bool> equal(const Known &a, const Known &b) const {
        if (ordered(Comparison::less, a, b).value_or(false) || ordered(Comparison::less, b, a).value_or(false))
            return false;
        if (a.uniform && b.uniform && holds(Comparison::equal, a.least, b.least)) return true;
        return std::nullopt;
    }
    std::optional<bool> compared_integers() const {
        const Known &a = of(0), &b = of(1);
        if (operands[0] == operands[1]) return op == Op::equal || op == Op::less_equal || op == Op::greater_equal;
        if (!a.bounded || !b.bounded) return std::nullopt;
        switch (op) {
            case Op::less:
                return ordered(Comparison::less, a, b);
            case Op::less_equal:
                return ordered(Comparison::less_equal, a, b);
            case Op::greater:
                return ordered(Comparison::less, b, a);
            case Op::greater_equal:
                return ordered(Comparison::less_equal, b, a);
            default: {
                const auto same = equal(a, b);
                return same ? std::optional(*same == (op == Op::equal)) : std::nullopt;
            }
        }
    }
    Known comparison() const {
        const auto found = is_real(type(0).dtype) ? compared_reals() : compared_integers();
        return found ? truth(*found) : Known{};
    }

    Known look_up() const {
        if (op == Op::gather) return of(0);
        if (op == Op::require) return {};  // what follows from its value would require nothing
        if (op == Op::bucketize) return within(Extent::of(0), type(1).shape[0]);
        return {};
    }

    Known sum() const {
        const Extent size = axis_size();
        if (result.dtype != DType::float32)
            return of(0).bounded ? within(of(0).least * size, of(0).most * size) : Known{};
        if (!of(0).uniform || !size.known() || size.terms[0] > 1 << 20) return {};
        const double product = of(0).number * static_cast<double>(size.terms[0]);
        return exactly(static_cast<double>(static_cast<float>(product)));
    }

    Known along_axis() const {
        if (result.dtype == DType::float64) return {};  // sums are as their order rounds them
        switch (op) {
            case Op::reduce_sum:
                return sum();
            case Op::argmax:
                return axis_has_elements() ? within(Extent::of(0), axis_size() - Extent::of(1)) : Known{};
            case Op::cumsum:
                return nonnegative(of(0)) ? within(of(0).least, of(0).most * axis_size()) : Known{};
            default:
                return axis_has_elements() ? of(0) : Known{};
        }
    }

    Known choice() const {
        if (const auto chosen = number(0)) return of(*chosen != 0 ? 1 : 2);
        const bool alike =
            of(1).uniform && of(2).uniform && of(1).least == of(2).least && is_same(of(1).number, of(2).number);
        return alike ? of(1) : Known{};
    }

    Known deduced() const {
        switch (operator_of(op).family) {
            case Family::source:
                return source();
            case Family::view:
                return of(0);
            case Family::join:
                return concat();
            case Family::conversion:
                return op == Op::cast ? cast() : of(0).uniform ? truth(of(0).least.is(0)) : Known{};
            case Family::logical:
                return logical();
            case Family::arithmetic:
                return arithmetic();
            case Family::division:
                return remainder();
            case Family::comparison:
                return comparison();
            case Family::choice:
                return choice();
            case Family::look_up:
                return look_up();
            case Family::reduction:
            case Family::scan:
                return along_axis();
            default:
                return {};
        }
    }

    // The operand that a neutral element leaves; the left one is looked at where the operator lets them swap.
    std::optional<ValueId> beside(double neutral, bool swaps) const {
        if (all.is(operands[1], neutral)) return operands[0];
        if (swaps && all.is(operands[0], neutral)) return operands[1];
        return std::nullopt;
    }

    std::optional<ValueId> repeated() const {
        if (changes_nothing(graph(), op, operands, attributes, result)) return operands[0];
        switch (op) {
            case Op::where:
                if (const auto chosen = number(0)) return operands[*chosen != 0 ? 1 : 2];
                return std::nullopt;
            case Op::require:
                if (const auto holds = number(1); holds && *holds != 0) return operands[0];
                return std::nullopt;
            case Op::add:
            case Op::logical_or:
                return beside(0, true);
            case Op::sub:
                return beside(0, false);
            case Op::mul:
            case Op::logical_and:
                return beside(1, true);
            case Op::div:
                return beside(1, false);
            default:
                return std::nullopt;
        }
    }
};

const Known &Knowledge::of(ValueId id) {
    while (known_.size() <= id) {
        const Node &node = graph_.node(static_cast<ValueId>(known_.size()));
        known_.push_back(Query{*this, node.op, node.operands, node.attributes, node.type}.deduced());
    }
    return known_[id];
}

bool Knowledge::is(ValueId id, double number) {
    const auto same = of(id).same(graph_.type(id).dtype);
    return same && *same == number;
}

Known Knowledge::deduce(Op op, const std::vector<ValueId> &operands, const Attributes &attributes, const Type &result) {
    for (ValueId id : operands) of(id);
    return Query{*this, op, operands, attributes, result}.deduced();
}

std::optional<ValueId> Knowledge::repeats(Op op, const std::vector<ValueId> &operands, const Attributes &attributes,
                                          const Type &result) {
    for (ValueId id : operands) of(id);
    return Query{*this, op, operands, attributes, result}.repeated();
}

}  // namespace weighbridge::lib
