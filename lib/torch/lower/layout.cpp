// SPDX-License-Identifier: Apache-2.0
// Operators that see the same elements in another shape, order or extent.
#include <algorithm>
#include <numeric>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {

TensorPtr as_view(const TensorPtr &base, TensorPtr made) {
    if (made == base) return made;
    made->storage = base->storage;
    made->version = base->version;
    return made;
}

namespace {

// Fills in a size of -1.
Extents complete(Extents shape, const Extents &from) {
    std::optional<size_t> open;
    Extents others;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i].is(-1)) {
            if (open) throw Unsupported{"two sizes of -1"};
            open = i;
        } else {
            others.push_back(shape[i]);
        }
    }
    if (!open) return shape;
    const auto whole = lib::product(from), rest = lib::product(others);
    const auto size = whole && rest ? exact_quotient(*whole, *rest) : std::nullopt;
    if (!size) throw Unsupported{"cannot see " + to_string(from) + " as " + to_string(shape) + " for every size"};
    shape[*open] = *size;
    return shape;
}

TensorPtr with_shape(Call &call, const TensorPtr &x, const Extents &shape) {
    return as_view(x, reshape(call.b, *x, complete(shape, shape_of(call.b, *x))));
}

Value view(Call &call) {
    const TensorPtr x = call.tensor("self");
    if (!call.find("size") && !call.find("shape")) throw Unsupported{"a view as another dtype"};
    return with_shape(call, x, call.sizes(call.find("size") ? "size" : "shape"));
}

Value flatten(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents from = shape_of(call.b, *x);
    const size_t rank = std::max<size_t>(from.size(), 1);
    const size_t start = call.axis("start_dim", rank), end = call.axis("end_dim", rank);
    if (from.empty()) return with_shape(call, x, {Extent::of(1)});
    Extents shape(from.begin(), from.begin() + static_cast<ptrdiff_t>(start));
    const auto whole = lib::product(
        Extents(from.begin() + static_cast<ptrdiff_t>(start), from.begin() + static_cast<ptrdiff_t>(end) + 1));
    if (!whole) throw Unsupported{"cannot flatten " + to_string(from)};
    shape.push_back(*whole);
    shape.insert(shape.end(), from.begin() + static_cast<ptrdiff_t>(end) + 1, from.end());
    return with_shape(call, x, shape);
}

Value unflatten(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents from = shape_of(call.b, *x);
    const size_t axis = call.axis("dim", from.size());
    const Extents inner = complete(call.sizes("sizes"), {from[axis]});
    Extents shape(from.begin(), from.begin() + static_cast<ptrdiff_t>(axis));
    shape.insert(shape.end(), inner.begin(), inner.end());
    shape.insert(shape.end(), from.begin() + static_cast<ptrdiff_t>(axis) + 1, from.end());
    return with_shape(call, x, shape);
}

TensorPtr permuted(Builder &b, const TensorPtr &x, const std::vector<size_t> &order) {
    if (!x->merged) return as_view(x, tensor_of(b.permute(plain(b, *x), order)));
    std::vector<size_t> physical;
    std::optional<size_t> merged;
    for (size_t from : order) {
        if (from == *x->merged) {
            merged = physical.size();
            physical.push_back(from);
        }
        physical.push_back(from >= *x->merged ? from + 1 : from);
    }
    return as_view(x, tensor_of(b.permute(x->id, physical), merged));
}

Value permute(Call &call) {
    const TensorPtr x = call.tensor("self");
    std::vector<size_t> order;
    for (int64_t axis : call.integers("dims")) order.push_back(wrap_axis(axis, shape_of(call.b, *x).size()));
    return permuted(call.b, x, order);
}

Value swap_axes(Builder &b, const TensorPtr &x, size_t first, size_t second) {
    std::vector<size_t> order(shape_of(b, *x).size());
    std::iota(order.begin(), order.end(), 0u);
    if (order.empty()) return x;
    std::swap(order[first], order[second]);
    return permuted(b, x, order);
}
Value transpose(Call &call) {
    const TensorPtr x = call.tensor("self");
    const size_t rank = shape_of(call.b, *x).size();
    const bool numpy = call.find("axis0") != nullptr;
    return swap_axes(call.b, x, call.axis(numpy ? "axis0" : "dim0", rank), call.axis(numpy ? "axis1" : "dim1", rank));
}
Value transpose_last(Call &call) {
    const TensorPtr x = call.tensor("self");
    const size_t rank = shape_of(call.b, *x).size();
    if (rank < 2) return x;
    if (call.name == "aten::t" || call.name == "aten::numpy_T") {
        if (rank != 2) throw Unsupported{"the transpose of " + std::to_string(rank) + " axes"};
    }
    return swap_axes(call.b, x, rank - 2, rank - 1);
}

Value move_axes(Call &call) {
    const TensorPtr x = call.tensor("self");
    const size_t rank = shape_of(call.b, *x).size();
    const auto from = call.integers("source"), to = call.integers("destination");
    std::vector<size_t> order(rank, rank);
    std::vector<bool> taken(rank, false);
    for (size_t i = 0; i < from.size(); ++i) {
        order[wrap_axis(to[i], rank)] = wrap_axis(from[i], rank);
        taken[wrap_axis(from[i], rank)] = true;
    }
    size_t next = 0;
    for (size_t &place : order) {
        if (place != rank) continue;
        while (taken[next]) ++next;
        place = next++;
    }
    return permuted(call.b, x, order);
}

Value unsqueeze(Call &call) {
    const TensorPtr x = call.tensor("self");
    return unsqueeze_tensor(call.b, x, call.axis("dim", shape_of(call.b, *x).size() + 1));
}

Value squeeze(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents from = shape_of(call.b, *x);
    std::vector<size_t> axes;
    if (call.has("dim")) {
        if (call.at("dim").is<Extent>())
            axes.push_back(call.axis("dim", from.size()));
        else
            axes = call.axes("dim", from.size());
    } else {
        for (size_t i = 0; i < from.size(); ++i) {
            if (from[i].batch) continue;  // rows keep their axis, as where there are two or more
            if (!from[i].known())
                throw Unsupported{"squeezes every axis of size 1 of " + to_string(from) + "; name the axis"};
            axes.push_back(i);
        }
    }
    Extents shape;
    for (size_t i = 0; i < from.size(); ++i) {
        const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
        if (named && !from[i].known())
            throw Unsupported{"squeezes an axis of size " + to_string(from[i]) + ", which may be 1"};
        if (!named || !from[i].is(1)) shape.push_back(from[i]);
    }
    return with_shape(call, x, shape);
}

TensorPtr expanded(Builder &b, const TensorPtr &x, const Extents &to) {
    if (x->kind == Tensor::Kind::row_index && shape_of(b, *x) == to) return x;
    if (x->merged && shape_of(b, *x) == to) return x;
    if (x->merged && to.size() == shape_of(b, *x).size() && to[*x->merged] == shape_of(b, *x)[*x->merged]) {
        const Extents from = b.shape(x->id);
        Extents apart_to = to;
        apart_to[*x->merged] = from[*x->merged];
        apart_to.insert(apart_to.begin() + static_cast<ptrdiff_t>(*x->merged) + 1, from[*x->merged + 1]);
        return as_view(x, tensor_of(b.expand(x->id, apart_to), x->merged));
    }
    return as_view(x, tensor_of(b.expand(plain(b, *x), to)));
}
Value expand(Call &call) {
    const TensorPtr x = call.tensor("self");
    Extents to = call.sizes("size");
    const Extents from = shape_of(call.b, *x);
    if (to.size() < from.size()) throw Unsupported{"expands to fewer axes"};
    for (size_t i = 0; i < from.size(); ++i) {
        Extent &size = to[to.size() - 1 - i];
        if (size.is(-1)) size = from[from.size() - 1 - i];
    }
    return expanded(call.b, x, to);
}
Value expand_as(Call &call) { return expanded(call.b, call.tensor("self"), shape_of(call.b, *call.tensor("other"))); }
Value view_as(Call &call) { return with_shape(call, call.tensor("self"), shape_of(call.b, *call.tensor("other"))); }

}  // namespace

TensorPtr unsqueeze_tensor(Builder &b, const TensorPtr &x, size_t axis) {
    Extents shape = shape_of(b, *x);
    shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis), Extent::of(1));
    return as_view(x, reshape(b, *x, shape));
}

TensorPtr select_tensor(Builder &b, const TensorPtr &x, size_t axis, Extent place) {
    if (x->kind == Tensor::Kind::row_counts) {
        if (!place.is(0)) throw Unsupported{"how many rows have a place"};
        auto rows = std::make_shared<Tensor>();
        rows->kind = Tensor::Kind::size;
        rows->size = x->size;
        return rows;
    }
    const ValueId id = plain(b, *x);
    const Extent size = b.shape(id)[axis];
    if (size.batch) throw Unsupported{"mixes rows: takes one of them"};
    const bool negative = bounds_of(place, b.least_length(), b.largest_length()).most.value_or(0) < 0;
    const auto start = negative ? size + place : place;
    const auto left = start ? size - *start : std::nullopt;
    if (!left) throw Unsupported{"takes place " + to_string(place) + " of " + to_string(size)};
    b.require_nonnegative(*start, "a place");
    b.require_nonnegative(*(*left - Extent::of(1)), "a place");
    TensorPtr made = tensor_of(b.squeeze(b.slice(id, axis, *start, Extent::of(1)), axis));
    if (x->kind == Tensor::Kind::graph) made->view = ViewOf{x, axis, *start, true};
    return as_view(x, made);
}

TensorPtr select_each(Builder &b, const TensorPtr &x, size_t axis, const EachPlace &place) {
    const ValueId id = b.move_axis(plain(b, *x), axis, 0);
    if (b.rank(id) < 2 || b.shape(id)[0] != place.count || !b.shape(id)[1].batch)
        throw Unsupported{"a loop over other places than those of " + to_string(b.shape(id))};
    return tensor_of(id, 0);
}

TensorPtr slice_tensor(Builder &b, const TensorPtr &x, size_t axis, Extent start, std::optional<Extent> end,
                       int64_t step) {
    constexpr int64_t kFar = int64_t{1} << 40;  // "to the end" in Python's bytecode is the largest int64
    const Extent size = shape_of(b, *x).at(axis);
    auto place = [&](Extent at) {
        if (at.known() && at.terms[0] > kFar) return size;
        if (at.is(0) || at == size) return at;
        const lib::ExtentBounds bounds = bounds_of(at, b.least_length(), b.largest_length());
        const auto wrapped = size + at;
        if (wrapped && wrapped->is(0)) return Extent::of(0);  // x[-n:] of n places, of none too
        if (bounds.most && *bounds.most < 0) {
            if (!wrapped) throw Unsupported{"slices " + to_string(size) + " at " + to_string(at)};
            at = *wrapped;
        }
        if (!at.known() || !size.known()) {
            if (decide(Comparison::less_equal, size, at, b.least_length(), b.largest_length()).value_or(false))
                return size;
        } else {
            return Extent::of(std::clamp<int64_t>(at.terms[0], 0, size.terms[0]));
        }
        const auto left = size - at;
        if (!left) throw Unsupported{"slices " + to_string(size) + " at " + to_string(at)};
        b.require_nonnegative(at, "a slice's place");
        b.require_nonnegative(*left, "a slice's place");
        return at;
    };
    const Extent from = place(start), to = end ? place(*end) : size;
    if (from.is(0) && to == size && step == 1) return x;
    if (size.batch) throw Unsupported{"mixes rows: takes some of them"};
    auto count = to - from;
    if (count && count->known() && count->terms[0] < 0) count = Extent::of(0);
    if (count && count->known()) count = Extent::of((count->terms[0] + step - 1) / step);
    if (count && !count->known() && step != 1) count = exact_quotient(*count, Extent::of(step));
    if (!count) throw Unsupported{"slices " + to_string(size) + " by " + std::to_string(step)};
    b.require_nonnegative(*count, "a slice's size");
    if (x->merged) {
        if (axis == *x->merged) throw Unsupported{"mixes rows: takes some of them"};
        return as_view(x,
                       tensor_of(b.slice(x->id, axis > *x->merged ? axis + 1 : axis, from, *count, step), x->merged));
    }
    TensorPtr made = tensor_of(b.slice(plain(b, *x), axis, from, *count, step));
    if (x->kind == Tensor::Kind::graph && step == 1) made->view = ViewOf{x, axis, from, false};
    return as_view(x, made);
}

void add_layout(Registry &to) {
    const Entry entries[] = {
        {"aten::view", "self size dtype=", &view},
        {"aten::reshape", "self shape", &view},
        {"aten::_unsafe_view", "self size", &view},
        {"aten::flatten", "self start_dim end_dim", &flatten},
        {"aten::unflatten", "self dim sizes", &unflatten},
        {"aten::ravel", "self",
         [](Call &call) { return Value(with_shape(call, call.tensor("self"), {Extent::of(-1)})); }},
        {"aten::permute", "self dims", &permute},
        {"aten::transpose", "self dim0 dim1", &transpose},
        {"aten::swapaxes", "self axis0 axis1", &transpose},
        {"aten::swapdims", "self dim0 dim1", &transpose},
        {"aten::t", "self", &transpose_last},
        {"aten::numpy_T", "self", &transpose_last},
        {"aten::mT", "self", &transpose_last},
        {"aten::movedim", "self source destination", &move_axes},
        {"aten::moveaxis", "self source destination", &move_axes},
        {"aten::unsqueeze", "self dim", &unsqueeze},
        {"aten::squeeze", "self dim", &squeeze},
        {"aten::expand", "self size", &expand},
        {"aten::broadcast_to", "self size", &expand},
        {"aten::expand_as", "self other", &expand_as},
        {"aten::view_as", "self other", &view_as},
        {"aten::reshape_as", "self other", &view_as},
        {"aten::select", "self dim index",
         [](Call &call) {
             const TensorPtr x = call.tensor("self");
             if (const auto *place = call.at("index").as<EachPlace>())
                 return Value(select_each(call.b, x, call.axis("dim", shape_of(call.b, *x).size()), *place));
             return Value(select_tensor(call.b, x, call.axis("dim", shape_of(call.b, *x).size()), call.size("index")));
         }},
        {"aten::slice", "self dim start end step",
         [](Call &call) {
             const TensorPtr x = call.tensor("self");
             return Value(slice_tensor(call.b, x, call.axis("dim", shape_of(call.b, *x).size()),
                                       call.has("start") ? call.size("start") : Extent::of(0),
                                       call.has("end") ? std::optional(call.size("end")) : std::nullopt,
                                       call.integer("step", 1)));
         }},
        {"aten::narrow", "self dim start length",
         [](Call &call) {
             const TensorPtr x = call.tensor("self");
             const size_t axis = call.axis("dim", shape_of(call.b, *x).size());
             const auto end = call.size("start") + call.size("length");
             if (!end) throw Unsupported{"a size that is none"};
             return Value(slice_tensor(call.b, x, axis, call.size("start"), *end, 1));
         }},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
