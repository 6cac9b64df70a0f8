// SPDX-License-Identifier: Apache-2.0
// Sorting and selecting along an axis, by counting how many elements come before each: n^2 comparisons, stable, a NaN
// last where ascending and first where descending, as LibTorch.
#include <algorithm>
#include <cmath>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMost = 512;  // places of an axis

// An axis of a tensor, moved to the end, and each element's place in the order.
struct Ordered {
    Builder &b;
    ValueId x;      // [..., n]
    ValueId ranks;  // int64 [..., n]
    size_t axis;    // where it was

    Extent size() const { return b.shape(x).back(); }

    // Where the elements of some ranks stand: int64, [..., k] of ranks [k], [..., 1] of one rank for each row [..., 1].
    ValueId places(ValueId wanted) const {
        const size_t last = b.rank(x) - 1;
        const ValueId matches = b.binary(Op::equal, b.unsqueeze(ranks, last), b.unsqueeze(wanted, b.rank(wanted)));
        const ValueId found = b.where(matches, b.iota(size()), b.full_int(Extent::of(0), {}));
        return b.reduce(Op::reduce_sum, found, last + 1, false);
    }
    ValueId values(ValueId at) const {
        return b.add(Op::gather, {x, at}, {.axis = static_cast<int64_t>(b.rank(x) - 1)});
    }
    ValueId back(ValueId moved) const { return b.move_axis(moved, b.rank(moved) - 1, axis); }
    ValueId one(ValueId moved, bool keep) const {  // of [..., 1]
        return keep ? back(moved) : b.squeeze(moved, b.rank(moved) - 1);
    }
};

Ordered ordered(Call &call, int64_t axis, bool descending) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    if (b.rank(x) == 0) throw Unsupported{"an order without an axis"};
    if (b.dtype(x) == DType::boolean) throw Unsupported{"an order of bools; write .float()"};
    const size_t at = wrap_axis(axis, b.rank(x));
    const Extent size = b.shape(x)[at];
    // What pack_padded_sequence does with lengths of its own.
    if (size.batch && b.rank(x) == 1 && b.dtype(x) == DType::int64)
        throw Unsupported{
            "mixes rows: orders them by an integer, as pack_padded_sequence does by lengths; give it the "
            "lengths of the manifest, or what a mask of real positions sums to"};
    if (size.batch) throw Unsupported{"mixes rows: orders them"};
    if (bounds_of(size, b.least_length(), b.largest_length()).most.value_or(kMost + 1) > kMost)
        throw Unsupported{"an order of more than " + std::to_string(kMost) + " places: " + to_string(size)};
    b.require_nonnegative(*(size - Extent::of(1)), "an axis that is not empty");
    x = b.move_axis(x, at, b.rank(x) - 1);
    const Term own{&b, b.unsqueeze(x, b.rank(x))}, other{&b, b.unsqueeze(x, b.rank(x) - 1)};
    const ValueId place = b.iota(size);
    const Term earlier = apply(Op::less, Term{&b, place}, Term{&b, b.unsqueeze(place, 1)});
    Term before = descending ? other > own : other < own;
    Term tie = other == own;
    if (b.dtype(x) == DType::float32) {
        const Term own_bad = is_nan(own), other_bad = is_nan(other);
        const Term &first = descending ? other_bad : own_bad, &second = descending ? own_bad : other_bad;
        before = either(before, both(first, apply(Op::logical_not, second)));
        tie = either(tie, both(own_bad, other_bad));
    }
    before = either(before, both(tie, earlier));
    const ValueId ranks = b.reduce(Op::reduce_sum, b.cast(before.id, DType::int64), b.rank(x), false);
    return {b, x, ranks, at};
}

ValueId whole_number(Builder &b, int64_t value) { return b.full_int(Extent::of(value), {Extent::of(1)}); }

// Rows in the order of a number that is the same of all, as of their lengths: as they are.
std::optional<List> rows_in_order(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = shape_of(call.b, *x);
    if (x->kind != Tensor::Kind::graph || shape.size() != 1 || !shape[0].batch ||
        !call.b.known(unclamped(call.b, x->id)).uniform)
        return std::nullopt;
    call.axis("dim", 1);
    call.flag("descending");
    auto places = std::make_shared<Tensor>();
    places->kind = Tensor::Kind::row_index;
    places->rows = {Extent::of(1), shape};
    return List{x, places};
}

// Values with their places, or places alone.
template <bool only_places>
Value sorted(Call &call) {
    if (call.has("stable")) call.flag("stable");  // it always is
    if (const auto list = rows_in_order(call)) return only_places ? (*list)[1] : tuple_of(*list);
    const Ordered order = ordered(call, call.integer("dim", -1), call.flag("descending"));
    const ValueId at = order.places(call.b.iota(order.size()));
    if (only_places) return result(order.back(at));
    return results({order.back(order.values(at)), order.back(at)});
}

Value top(Call &call) {
    const Ordered order = ordered(call, call.integer("dim", -1), call.flag("largest", true));
    call.flag("sorted", true);  // an order that is asked for nothing is one too
    const Extent count = call.size("k");
    call.b.require_nonnegative((order.size() - count).value_or(Extent::of(-1)), "as many places as are taken");
    const ValueId at = order.places(call.b.iota(count));
    return results({order.back(order.values(at)), order.back(at)});
}

Value kth(Call &call) {
    Builder &b = call.b;
    const Ordered order = ordered(call, call.integer("dim", -1), false);
    const int64_t k = call.integer("k");
    if (k < 1) throw Unsupported{"the " + std::to_string(k) + "th value"};
    b.require_nonnegative((order.size() - Extent::of(k)).value_or(Extent::of(-1)), "as many places as are counted");
    const ValueId at = order.places(whole_number(b, k - 1));
    const bool keep = call.flag("keepdim");
    return results({order.one(order.values(at), keep), order.one(at, keep)});
}

// The lower of the two in the middle. A NaN wins, or is left out.
template <bool without_nan>
Value median(Call &call) {
    Builder &b = call.b;
    if (!call.find("dim")) throw Unsupported{"the median of everything; name the axis"};
    const Ordered order = ordered(call, call.integer("dim"), false);
    const ValueId two = b.full_int(Extent::of(2), {});
    const size_t last = b.rank(order.x) - 1;
    ValueId at;
    if (b.dtype(order.x) != DType::float32 || !without_nan) {
        const ValueId less = b.full_int(*(order.size() - Extent::of(1)), {Extent::of(1)});
        at = order.places(b.binary(Op::floor_divide, less, two));
    }
    if (b.dtype(order.x) == DType::float32) {
        const ValueId bad = is_nan({&b, order.x}).id;
        if (without_nan) {
            const ValueId real = b.cast(b.unary(Op::logical_not, bad), DType::int64);
            const ValueId less =
                b.binary(Op::sub, b.reduce(Op::reduce_sum, real, last, true), b.full_int(Extent::of(1), {}));
            at = order.places(b.binary(Op::floor_divide, b.clamp(less, 0, INFINITY), two));
        } else {
            const ValueId first = b.add(Op::argmax, {order.x}, {.axis = static_cast<int64_t>(last)});
            at = b.where(b.reduce(Op::reduce_max, bad, last, true), first, at);
        }
    }
    const bool keep = call.flag("keepdim");
    return results({order.one(order.values(at), keep), order.one(at, keep)});
}

// Along the first axis.
Value sorted_down(Call &call) {
    Call other{call.b, call.name, {{"self", call.at("self")}}};
    const Ordered order = ordered(other, 0, false);
    return result(order.back(order.values(order.places(call.b.iota(order.size())))));
}

// A place between two ranks, int64 [1] or, one for each row, [..., 1], `way` from the lower one.
struct Between {
    ValueId below, above;
    Term way;
};

// Of a known number of elements, in double as LibTorch counts.
Between place_of(Builder &b, double share, int64_t last, bool nearest) {
    double place = static_cast<double>(static_cast<float>(share)) * static_cast<double>(last);
    if (nearest) place = std::nearbyint(place);
    const double low = std::floor(place);
    const Term way{&b, b.full(place - low, {Extent::of(1)})};
    return {whole_number(b, static_cast<int64_t>(low)), whole_number(b, static_cast<int64_t>(std::ceil(place))), way};
}

Between place_of(Builder &b, double share, const Term &last) {
    const Term place = last * share, low = apply(Op::floor, place);
    return {b.cast(low.id, DType::int64), b.cast(b.unary(Op::ceil, place.id), DType::int64), place - low};
}

Term value_at(const Ordered &order, const Between &place, const std::string &interpolation) {
    Builder &b = order.b;
    const auto &[below, above, way] = place;
    const Term low{&b, order.values(order.places(below))};
    if (interpolation == "lower") return low;
    const Term high{&b, order.values(order.places(above))};
    if (interpolation == "higher") return high;
    if (interpolation == "midpoint") return high - (high - low) * 0.5;
    if (interpolation == "nearest") {  // of two that are as near the one of the even rank
        const Term odd{&b, b.binary(Op::remainder, below, b.full_int(Extent::of(2), {}))};
        const Term up = either(way > 0.5, both(way == 0.5, odd == Term{&b, b.full_int(Extent::of(1), {})}));
        return choose(up, high, low);
    }
    if (interpolation != "linear") throw Unsupported{"a quantile by interpolation '" + interpolation + "'"};
    return choose(way < 0.5, low + (high - low) * way, high - (high - low) * (1.0 - way));  // as at::lerp
}

// Between the two elements beside each of some shares of the way. A NaN wins, or is left out.
template <bool without_nan>
Value quantile(Call &call) {
    Builder &b = call.b;
    if (!call.has("dim")) throw Unsupported{"the quantile of everything; name the axis"};
    const std::string interpolation = call.find("interpolation") ? call.text("interpolation") : "linear";
    const Value &wanted = call.at("q");
    std::vector<double> shares;
    bool several = false;
    if (const auto *tensor = wanted.as<TensorPtr>(); tensor && (*tensor)->folded) {
        shares = (*tensor)->folded->numbers();
        several = !(*tensor)->folded->shape().empty();
    } else {
        shares = {call.real("q")};
    }
    const Ordered order = ordered(call, call.integer("dim"), false);
    if (b.dtype(order.x) != DType::float32) throw Unsupported{"a quantile of integers; write .float()"};
    const size_t last = b.rank(order.x) - 1;
    const bool keep = call.flag("keepdim");
    const Term bad = is_nan({&b, order.x});
    const Term any{&b, b.reduce(Op::reduce_max, bad.id, last, true)};
    Term most{&b, b.cast(b.full_int(*(order.size() - Extent::of(1)), {Extent::of(1)}), DType::float32)};
    if (without_nan) {
        const ValueId real = b.cast(b.unary(Op::logical_not, bad.id), DType::float32);
        most = at_least(Term{&b, b.reduce(Op::reduce_sum, real, last, true)} - 1.0, 0);
    }
    std::vector<ValueId> found;
    for (double share : shares) {
        if (!(share >= 0 && share <= 1)) throw Unsupported{"a quantile outside [0, 1]"};
        const bool counted = !without_nan && order.size().known();
        const Between place = counted ? place_of(b, share, order.size().terms[0] - 1, interpolation == "nearest")
                                      : place_of(b, share, most);
        const Term value = value_at(order, place, interpolation);
        const ValueId one = order.one(without_nan ? value.id : choose(any, std::nan(""), value).id, keep);
        found.push_back(several ? b.unsqueeze(one, 0) : one);
    }
    return result(several ? b.concat(found, 0) : found[0]);
}

}  // namespace

void add_order(Registry &to) {
    const Entry entries[] = {
        {"aten::sort", "self stable dim descending", &sorted<false>},
        {"aten::argsort", "self stable dim descending", &sorted<true>},
        {"aten::topk", "self k dim largest sorted", &top},
        {"aten::kthvalue", "self k dim keepdim", &kth},
        {"aten::median", "self dim keepdim", &median<false>},
        {"aten::nanmedian", "self dim keepdim", &median<true>},
        {"aten::quantile", "self q dim keepdim interpolation", &quantile<false>},
        {"aten::nanquantile", "self q dim keepdim interpolation", &quantile<true>},
        {"aten::msort", "self", &sorted_down},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
