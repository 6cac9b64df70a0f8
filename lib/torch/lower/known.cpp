// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "torch/lower/builder.hpp"

namespace weighbridge::torch_plugin {
namespace {

Known exactly(const Extent &value) { return {true, value, value, true, 0.0}; }
Known truth(bool value) { return exactly(Extent::of(value ? 1 : 0)); }
Known exactly(double number) { return {false, {}, {}, true, number}; }
Known within(const Extent &least, const Extent &most) { return {true, least, most, least == most, 0.0}; }

// The number of a uniform value of any dtype, where it does not depend on length.
std::optional<double> number_of(const Known &known, DType dtype) {
    if (!known.uniform) return std::nullopt;
    if (dtype == DType::float32) return known.number;
    if (!known.least.known()) return std::nullopt;
    return static_cast<double>(known.least.terms[0]);
}

template <class T>
Known of_elements(const lib::Constant &constant) {
    constexpr int64_t kMost = int64_t{1} << 22;
    const int64_t count = constant.elements();
    if (count == 0 || count > kMost || !constant.data) return {};
    const auto [least, most] = std::minmax_element(constant.as<T>(), constant.as<T>() + count);
    if constexpr (std::is_same_v<T, float>) {
        if (std::any_of(constant.as<T>(), constant.as<T>() + count, [&](float x) { return !(x == *least); })) return {};
        return exactly(static_cast<double>(*least));
    } else {
        return within(Extent::of(static_cast<int64_t>(*least)), Extent::of(static_cast<int64_t>(*most)));
    }
}

}  // namespace

Bounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length) {
    const auto &t = extent.terms;
    auto at = [&](int64_t length) { return t[0] + (t[1] + t[2] * length) * length; };
    int64_t least = std::min(at(least_length), at(largest_length));
    int64_t most = std::max(at(least_length), at(largest_length));
    if (t[2] != 0)
        for (int64_t length = -t[1] / (2 * t[2]) - 1, end = length + 3; length < end; ++length)
            if (length >= least_length && length <= largest_length) {
                least = std::min(least, at(length));
                most = std::max(most, at(length));
            }
    Bounds bounds{least, most};
    if (extent.batch) {  // times 1, 2, ...
        if (least < 0) bounds.least.reset();
        if (most > 0) bounds.most.reset();
    }
    return bounds;
}

std::optional<bool> decide(Comparison comparison, const Extent &a, const Extent &b, int64_t least_length,
                           int64_t largest_length) {
    Bounds gap{};  // of a - b
    if (const auto difference = a - b) {
        gap = bounds_of(*difference, least_length, largest_length);
    } else {
        const Bounds x = bounds_of(a, least_length, largest_length), y = bounds_of(b, least_length, largest_length);
        if (x.least && y.most) gap.least = *x.least - *y.most;
        if (x.most && y.least) gap.most = *x.most - *y.least;
    }
    switch (comparison) {
        case Comparison::less:
            if (gap.most && *gap.most < 0) return true;
            if (gap.least && *gap.least >= 0) return false;
            return std::nullopt;
        case Comparison::less_equal:
            if (gap.most && *gap.most <= 0) return true;
            if (gap.least && *gap.least > 0) return false;
            return std::nullopt;
        default:
            if (gap.least && gap.most && *gap.least == 0 && *gap.most == 0) return true;
            if ((gap.least && *gap.least > 0) || (gap.most && *gap.most < 0)) return false;
            return std::nullopt;
    }
}

std::optional<Known> Builder::foresee(Op op, const std::vector<ValueId> &operands, const lib::Attributes &attributes,
                                      const lib::Type &result) const {
    auto of = [&](size_t i) -> const Known & { return known_[operands[i]]; };
    auto number = [&](size_t i) { return number_of(of(i), dtype(operands[i])); };
    auto compared = [&](Comparison how, const Extent &a, const Extent &b) {
        return decide(how, a, b, graph_.least_length, graph_.largest_length);
    };
    auto axis_size = [&](size_t i) { return shape(operands[i])[static_cast<size_t>(attributes.ints[0])]; };
    switch (op) {
        case Op::full:
            if (result.dtype == DType::int64) return exactly(attributes.extents[0]);
            if (result.dtype == DType::boolean) return truth(attributes.reals[0] != 0);
            return exactly(attributes.reals[0]);
        case Op::iota:
            return within(Extent::of(0), *(attributes.extents[0] - Extent::of(1)));
        case Op::constant: {
            const lib::Constant &constant = graph_.constants()[static_cast<size_t>(attributes.ints[0])];
            return result.dtype == DType::float32 ? of_elements<float>(constant)
                   : result.dtype == DType::int64 ? of_elements<int64_t>(constant)
                                                  : of_elements<uint8_t>(constant);
        }
        case Op::reshape:
        case Op::permute:
        case Op::slice:
        case Op::expand:
        case Op::gather:
        case Op::reduce_max:
        case Op::reduce_min:
        case Op::reduce_mean:
            return of(0);
        case Op::concat: {
            Known all = of(0);
            for (size_t i = 1; i < operands.size(); ++i) {
                const Known &next = of(i);
                if (all.uniform && next.uniform && all.least == next.least && all.number == next.number) continue;
                if (!all.bounded || !next.bounded) return std::nullopt;
                const auto lower = compared(Comparison::less, next.least, all.least);
                const auto upper = compared(Comparison::less, all.most, next.most);
                if (!lower || !upper) return std::nullopt;
                all = within(*lower ? next.least : all.least, *upper ? next.most : all.most);
            }
            return all;
        }
        case Op::cast: {
            const DType from = dtype(operands[0]);
            if (result.dtype == DType::int64 && from == DType::boolean) return of(0);
            if (result.dtype == DType::boolean && from == DType::int64 && of(0).bounded) {
                const auto positive = compared(Comparison::less, Extent::of(0), of(0).least);
                if (positive.value_or(false)) return truth(true);
            }
            const auto value = number(0);
            if (!value) return std::nullopt;
            if (result.dtype == DType::float32) return exactly(static_cast<double>(static_cast<float>(*value)));
            if (result.dtype == DType::boolean) return truth(*value != 0);
            if (!(std::abs(*value) < 1e15)) return std::nullopt;
            return exactly(Extent::of(static_cast<int64_t>(*value)));
        }
        case Op::logical_not:
            if (of(0).uniform) return truth(of(0).least.is(0));
            return std::nullopt;
        case Op::logical_and:
        case Op::logical_or: {
            const double stops = op == Op::logical_or;
            for (size_t i = 0; i < 2; ++i)
                if (const auto value = number(i); value && *value == stops) return truth(op == Op::logical_or);
            if (number(0) && number(1)) return truth(op != Op::logical_or);
            return std::nullopt;
        }
        case Op::add:
        case Op::sub:
        case Op::mul: {
            if (result.dtype == DType::float32) {
                if (!number(0) || !number(1)) return std::nullopt;
                const float a = static_cast<float>(*number(0)), b = static_cast<float>(*number(1));
                const float c = op == Op::add ? a + b : op == Op::sub ? a - b : a * b;
                if (std::isnan(c)) return std::nullopt;
                return exactly(static_cast<double>(c));
            }
            const Known &a = of(0), &b = of(1);
            if (!a.bounded || !b.bounded) return std::nullopt;
            auto least = a.least + b.least, most = a.most + b.most;
            if (op == Op::sub) {
                least = a.least - b.most;
                most = a.most - b.least;
            } else if (op == Op::mul) {
                if (!compared(Comparison::less_equal, Extent::of(0), a.least).value_or(false) ||
                    !compared(Comparison::less_equal, Extent::of(0), b.least).value_or(false))
                    return std::nullopt;
                least = a.least * b.least;
                most = a.most * b.most;
            }
            if (!least || !most) return std::nullopt;
            return within(*least, *most);
        }
        case Op::remainder:
            if (of(1).uniform && of(1).least.known() && of(1).least.terms[0] > 0)
                return within(Extent::of(0), Extent::of(of(1).least.terms[0] - 1));
            return std::nullopt;
        case Op::equal:
        case Op::not_equal:
        case Op::less:
        case Op::less_equal:
        case Op::greater:
        case Op::greater_equal: {
            std::optional<bool> found;
            if (dtype(operands[0]) == DType::float32) {
                const auto a = number(0), b = number(1);
                if (!a || !b) return std::nullopt;
                found = op == Op::equal || op == Op::not_equal ? (*a == *b) == (op == Op::equal)
                        : op == Op::less                       ? *a < *b
                        : op == Op::less_equal                 ? *a <= *b
                        : op == Op::greater                    ? *a > *b
                                                               : *a >= *b;
            } else if (operands[0] == operands[1]) {
                found = op == Op::equal || op == Op::less_equal || op == Op::greater_equal;
            } else if (of(0).bounded && of(1).bounded) {
                const Known &a = of(0), &b = of(1);
                auto less = [&](Comparison how, const Known &x, const Known &y) -> std::optional<bool> {
                    if (compared(how, x.most, y.least).value_or(false)) return true;
                    if (!compared(how, x.least, y.most).value_or(true)) return false;
                    return std::nullopt;
                };
                if (op == Op::less) found = less(Comparison::less, a, b);
                if (op == Op::less_equal) found = less(Comparison::less_equal, a, b);
                if (op == Op::greater) found = less(Comparison::less, b, a);
                if (op == Op::greater_equal) found = less(Comparison::less_equal, b, a);
                if (op == Op::equal || op == Op::not_equal) {
                    if (less(Comparison::less, a, b).value_or(false) || less(Comparison::less, b, a).value_or(false))
                        found = op == Op::not_equal;
                    else if (a.uniform && b.uniform && compared(Comparison::equal, a.least, b.least).value_or(false))
                        found = op == Op::equal;
                }
            }
            if (!found) return std::nullopt;
            return truth(*found);
        }
        case Op::where:
            if (of(1).uniform && of(2).uniform && of(1).least == of(2).least && of(1).number == of(2).number)
                return of(1);
            return std::nullopt;
        case Op::argmax:
            return within(Extent::of(0), *(axis_size(0) - Extent::of(1)));
        case Op::bucketize:
            return within(Extent::of(0), shape(operands[1])[0]);
        case Op::reduce_sum: {
            if (result.dtype == DType::float32) {
                if (!of(0).uniform || !axis_size(0).known() || axis_size(0).terms[0] > 1 << 20) return std::nullopt;
                return exactly(
                    static_cast<double>(static_cast<float>(of(0).number * static_cast<double>(axis_size(0).terms[0]))));
            }
            if (!of(0).bounded) return std::nullopt;
            const auto least = of(0).least * axis_size(0), most = of(0).most * axis_size(0);
            if (!least || !most) return std::nullopt;
            return within(*least, *most);
        }
        case Op::cumsum: {
            if (!of(0).bounded || !compared(Comparison::less_equal, Extent::of(0), of(0).least).value_or(false))
                return std::nullopt;
            const auto most = of(0).most * axis_size(0);
            if (!most) return std::nullopt;
            return within(of(0).least, *most);
        }
        default:
            return std::nullopt;
    }
}

}  // namespace weighbridge::torch_plugin
