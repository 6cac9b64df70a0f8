// SPDX-License-Identifier: Apache-2.0
// Operators along an axis that are formulas of several: differences, running extremes, sums that leave out NaN.
#include <algorithm>
#include <set>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kMostUnrolled = 64;

ValueId first_places(Builder &b, ValueId x, size_t axis, const Extent &start, const Extent &less) {
    const auto size = b.shape(x)[axis] - less;
    if (!size) throw Unsupported{"differences along " + to_string(b.shape(x)[axis])};
    b.require_nonnegative(*size, "an axis that is not empty");
    return b.slice(x, axis, start, *size);
}

Value differences(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    const size_t axis = call.axis("dim", b.rank(x));
    if (b.shape(x)[axis].batch) throw Unsupported{"mixes rows: differences between them"};
    std::vector<ValueId> parts;
    if (call.has("prepend")) parts.push_back(b.cast(call.id("prepend"), b.dtype(x)));
    parts.push_back(x);
    if (call.has("append")) parts.push_back(b.cast(call.id("append"), b.dtype(x)));
    if (parts.size() > 1) x = b.concat(parts, axis);
    for (int64_t i = call.integer("n", 1); i > 0; --i) {
        const ValueId later = first_places(b, x, axis, Extent::of(1), Extent::of(1));
        const ValueId earlier = first_places(b, x, axis, Extent::of(0), Extent::of(1));
        x = b.binary(b.dtype(x) == DType::boolean ? Op::logical_xor : Op::sub, later, earlier);
    }
    return result(x);
}

// Each two neighbours along an axis, added, and how far they lie apart where their places are given.
struct Neighbours {
    Term sum;
    std::optional<Term> width;
    size_t axis;
};
Neighbours neighbours(Call &call) {
    Builder &b = call.b;
    const Term y{&b, call.float_id("y")};
    const size_t axis = call.axis("dim", b.rank(y.id));
    if (b.shape(y.id)[axis].batch) throw Unsupported{"mixes rows: sums over them"};
    const Term later{&b, first_places(b, y.id, axis, Extent::of(1), Extent::of(1))};
    const Term earlier{&b, first_places(b, y.id, axis, Extent::of(0), Extent::of(1))};
    if (!call.has("x")) return {later + earlier, std::nullopt, axis};
    ValueId places = call.float_id("x");
    if (b.rank(places) == 1) {
        Extents line(b.rank(y.id), Extent::of(1));
        line[axis] = b.shape(places)[0];
        places = b.reshape(places, line);
    } else if (b.rank(places) != b.rank(y.id)) {
        throw Unsupported{"places of another rank"};
    }
    const Term after{&b, first_places(b, places, axis, Extent::of(1), Extent::of(1))};
    const Term before{&b, first_places(b, places, axis, Extent::of(0), Extent::of(1))};
    return {later + earlier, after - before, axis};
}

// The area below y by trapeziums of width dx, or between the places x.
Value trapezoid(Call &call) {
    const Neighbours at = neighbours(call);
    auto sum = [&](Term of) { return Term{of.b, of.b->reduce(Op::reduce_sum, of.id, at.axis, false)}; };
    if (!at.width) return result((sum(at.sum) * (0.5 * call.real("dx", 1))).id);
    return result((sum(*at.width * at.sum) * 0.5).id);
}
Value running_trapezoid(Call &call) {
    const Neighbours at = neighbours(call);
    const Term area = at.width ? *at.width * at.sum * 0.5 : at.sum * (0.5 * call.real("dx", 1));
    return result(call.b.add(Op::cumsum, {area.id}, {.axis = static_cast<int64_t>(at.axis)}));
}

// The slope along an axis: between both neighbours, and to the only one at each end.
ValueId slope(Builder &b, ValueId x, size_t axis, double step, int64_t edge_order) {
    const Extent size = b.shape(x)[axis];
    if (size.batch) throw Unsupported{"mixes rows: differences between them"};
    b.require_nonnegative(*(size - Extent::of(edge_order + 1)), "an axis as long as a slope at its end needs");
    auto place = [&](int64_t from_start, bool front) {
        const Extent at = front ? Extent::of(from_start) : *(size - Extent::of(from_start + 1));
        return Term{&b, b.slice(x, axis, at, Extent::of(1))};
    };
    auto end = [&](bool front) {
        const double sign = (front ? 1 : -1) / step;
        if (edge_order == 1) return (place(1, front) - place(0, front)) * sign;
        return (place(1, front) * 2.0 - place(0, front) * 1.5 - place(2, front) * 0.5) * sign;
    };
    std::vector<ValueId> parts{end(true).id};
    if (!size.is(2)) {
        const Extent inner = *(size - Extent::of(2));
        const Term later{&b, b.slice(x, axis, Extent::of(2), inner)},
            earlier{&b, b.slice(x, axis, Extent::of(0), inner)};
        parts.push_back(((later - earlier) * (0.5 / step)).id);
    }
    parts.push_back(end(false).id);
    return b.concat(parts, axis);
}
Value slopes(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    const int64_t edge_order = call.integer("edge_order", 1);
    if (edge_order != 1 && edge_order != 2) throw Unsupported{"edge_order=" + std::to_string(edge_order)};
    const bool one = call.has("dim") && call.at("dim").is<Extent>();
    std::vector<size_t> axes;
    if (one || !call.has("dim"))
        axes = one ? std::vector{call.axis("dim", b.rank(x))} : call.axes("dim", b.rank(x));
    else  // in their order
        for (int64_t axis : call.integers("dim")) axes.push_back(wrap_axis(axis, b.rank(x)));
    if (std::set(axes.begin(), axes.end()).size() != axes.size()) throw Unsupported{"an axis that is named twice"};
    const auto *steps = call.has("spacing") ? call.at("spacing").as<std::shared_ptr<List>>() : nullptr;
    if (steps && (*steps)->size() != axes.size()) throw Unsupported{"other numbers of steps than of axes"};
    List made;
    for (size_t i = 0; i < axes.size(); ++i) {
        const double step =
            steps ? Call{b, call.name, {{"spacing", (**steps)[i]}}}.real("spacing") : call.real("spacing", 1);
        made.push_back(result(slope(b, x, axes[i], step, edge_order)));
    }
    return list_of(std::move(made));
}

std::vector<size_t> axes_of(const Call &call, size_t rank) {
    if (call.has("dim") && call.at("dim").is<Extent>()) return {call.axis("dim", rank)};
    return call.axes("dim", rank);
}

// A sum, or a mean, of what is no NaN; of nothing 0, or NaN.
template <bool mean>
Value without_nan(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    if (const auto dtype = call.dtype("dtype")) x = b.cast(x, *dtype);
    if (b.dtype(x) != DType::float32) {
        if (mean) throw Unsupported{"a mean of integers"};
        x = b.cast(x, DType::int64);
    }
    const auto axes = axes_of(call, b.rank(x));
    const bool keep = call.flag("keepdim");
    if (b.dtype(x) != DType::float32) return result(reduce_axes(b, Op::reduce_sum, x, axes, keep));
    const Term number{&b, x}, bad = is_nan(number);
    const Term sum{&b, reduce_axes(b, Op::reduce_sum, choose(bad, 0.0, number).id, axes, keep)};
    if (!mean) return result(sum.id);
    const ValueId real = b.cast(b.unary(Op::logical_not, bad.id), DType::int64);
    const ValueId count = b.cast(reduce_axes(b, Op::reduce_sum, real, axes, keep), DType::float32);
    return result((sum / Term{&b, count}).id);
}

// Whether each element is one of a list that no row has its own of.
Value is_in(Call &call) {
    Builder &b = call.b;
    const TensorPtr x = call.tensor(call.find("elements") ? "elements" : "element");
    const TensorPtr list = call.tensor(call.find("test_elements") ? "test_elements" : "test_element");
    const DType dtype = promote(b, {x, list});
    const ValueId elements = b.cast(apart(b, *x), dtype), tests = b.cast(plain(b, *list), dtype);
    const auto count = lib::product(b.shape(tests));
    if (!count || count->batch) throw Unsupported{"mixes rows: looks for elements of one in all"};
    ValueId found = b.binary(Op::equal, b.unsqueeze(elements, b.rank(elements)), b.reshape(tests, {*count}));
    found = count->is(0) ? b.full(0, b.shape(elements), DType::boolean)
                         : b.reduce(Op::reduce_max, found, b.rank(found) - 1, false);
    return tensor_of(call.flag("invert") ? b.unary(Op::logical_not, found) : found, x->merged);
}

Value running_product(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    if (b.dtype(x) == DType::boolean) x = b.cast(x, DType::int64);
    if (const auto dtype = call.dtype("dtype")) x = b.cast(x, *dtype);
    const size_t axis = call.axis("dim", b.rank(x));
    const Extent size = b.shape(x)[axis];
    if (!size.known() || size.terms[0] < 1 || size.terms[0] > kMostUnrolled)
        throw Unsupported{"a running product along " + to_string(size) + "; write exp(cumsum(log(x)))"};
    std::vector<ValueId> products{b.slice(x, axis, Extent::of(0), Extent::of(1))};
    for (int64_t i = 1; i < size.terms[0]; ++i)
        products.push_back(b.binary(Op::mul, products.back(), b.slice(x, axis, Extent::of(i), Extent::of(1))));
    return result(b.concat(products, axis));
}

// What stands at or before each place, on a new last axis that takes the place of `axis`: [..., size, size],
// `otherwise` where it comes later.
struct Before {
    ValueId values, seen;  // seen: a bool [size, size]
};
Before before(Builder &b, ValueId x, size_t axis, double otherwise) {
    const ValueId moved = b.move_axis(x, axis, b.rank(x) - 1);
    const Extent size = b.shape(moved).back();
    if (size.batch) throw Unsupported{"mixes rows: runs over them"};
    const ValueId places = b.iota(size);
    const ValueId seen = b.binary(Op::less_equal, places, b.unsqueeze(places, 1));
    const ValueId wide = b.unsqueeze(moved, b.rank(moved) - 1);
    return {b.where(seen, wide, b.full(otherwise, {})), seen};
}

// Running extremes with their last places. A NaN stays.
template <bool largest>
Value running_extreme(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    if (b.dtype(call.id("self")) != DType::float32) throw Unsupported{"running extremes of integers; write .float()"};
    if (b.rank(x) == 0) throw Unsupported{"running extremes without an axis"};
    const size_t axis = call.axis("dim", b.rank(x)), last = b.rank(x);
    const Before history = before(b, x, axis, largest ? -kInfinity : kInfinity);
    const ValueId most = b.reduce(largest ? Op::reduce_max : Op::reduce_min, history.values, last, true);
    const Term value{&b, history.values};
    const Term matches = both(either(value == Term{&b, most}, is_nan(value)), Term{&b, history.seen});
    const ValueId places = b.where(matches.id, b.iota(b.shape(most)[last - 1]), b.full_int(Extent::of(-1), {}));
    const ValueId place = b.reduce(Op::reduce_max, places, last, false);
    return results({b.move_axis(b.squeeze(most, last), last - 1, axis), b.move_axis(place, last - 1, axis)});
}

Value running_log_sum_exp(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    if (b.rank(x) == 0) throw Unsupported{"a running sum without an axis"};
    const size_t axis = call.axis("dim", b.rank(x)), last = b.rank(x);
    const std::shared_ptr<List> over = std::make_shared<List>(List{Extent::of(static_cast<int64_t>(last))});
    const ValueId history = before(b, x, axis, -kInfinity).values;
    const Value sum = lower_as(call, "aten::logsumexp", {{"self", tensor_of(history)}, {"dim", over}});
    return result(b.move_axis(plain(b, **sum.as<TensorPtr>()), last - 1, axis));
}

Value smallest_and_largest(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    std::vector<size_t> axes;
    if (call.has("dim"))
        axes.push_back(call.axis("dim", b.rank(x)));
    else
        axes = call.axes("dim", b.rank(x));
    const bool keep = call.flag("keepdim");
    return results({reduce_axes(b, Op::reduce_min, x, axes, keep), reduce_axes(b, Op::reduce_max, x, axes, keep)});
}

}  // namespace

void add_series(Registry &to) {
    const Entry entries[] = {
        {"aten::diff", "self n dim prepend append", &differences},
        {"aten::trapezoid", "y x dx dim", &trapezoid},
        {"aten::trapz", "y x dx dim", &trapezoid},
        {"aten::cumulative_trapezoid", "y x dx dim", &running_trapezoid},
        {"aten::gradient", "self spacing dim edge_order", &slopes},
        {"aten::nansum", "self dim keepdim dtype", &without_nan<false>},
        {"aten::nanmean", "self dim keepdim dtype", &without_nan<true>},
        {"aten::isin", "elements element test_elements test_element invert", &is_in},
        {"aten::cumprod", "self dim dtype", &running_product},
        {"aten::cummax", "self dim", &running_extreme<true>},
        {"aten::cummin", "self dim", &running_extreme<false>},
        {"aten::logcumsumexp", "self dim", &running_log_sum_exp},
        {"aten::aminmax", "self dim keepdim", &smallest_and_largest},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
