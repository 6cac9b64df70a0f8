// SPDX-License-Identifier: Apache-2.0
// Operators that take elements at places which are tensors.
#include <algorithm>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

ValueId gather(Builder &b, ValueId x, ValueId index, size_t axis) {
    return b.add(Op::gather, {x, index}, {.axis = static_cast<int64_t>(axis)});
}

// An argument of forward as it is, or a part of one, whose places a run checks: those that a model computes may be
// below 0 by design.
bool is_argument(const Builder &b, ValueId id) {
    for (;;) {
        const lib::Node &node = b.graph().node(id);
        if (node.op == Op::input) return true;
        if (node.op != Op::cast && node.op != Op::reshape && node.op != Op::slice && node.op != Op::permute &&
            node.op != Op::expand)
            return false;
        id = node.operands[0];
    }
}

// Negative places count from the end, as tensors of places do.
ValueId wrapped(Builder &b, ValueId index, const Extent &size) {
    const Known known = b.known(index);
    if (known.bounded &&
        decide(Comparison::less_equal, Extent::of(0), known.least, b.least_length(), b.largest_length())
            .value_or(false))
        return index;
    if (size.batch) throw Unsupported{"mixes rows: takes some of them"};
    const ValueId zero = b.full_int(Extent::of(0), {});
    if (is_argument(b, index)) return index;
    return b.where(b.binary(Op::less, index, zero), b.binary(Op::add, index, b.full_int(size, {})), index);
}

// 0, 1, ... to the axis's end.
bool is_whole_axis(const Builder &b, ValueId index, const Extent &size) {
    const lib::Node *node = &b.graph().node(index);
    if (lib::product(b.shape(index)) != size) return false;
    while (node->op == Op::reshape) node = &b.graph().node(node->operands[0]);
    return node->op == Op::iota && node->attributes.size == size;
}

// Places one after another that a slice takes.
std::optional<std::vector<int64_t>> places_of(const Builder &b, ValueId index) {
    if (b.graph().node(index).op != Op::constant || b.rank(index) != 1) return std::nullopt;
    const lib::Constant &constant = b.graph().constant_of(index);
    return std::vector<int64_t>(constant.as<int64_t>(), constant.as<int64_t>() + constant.elements());
}

// The sizes of x with `index` in the place of one axis.
Extents taken_sizes(const Extents &from, const Extents &places, size_t axis) {
    Extents to(from.begin(), from.begin() + static_cast<ptrdiff_t>(axis));
    to.insert(to.end(), places.begin(), places.end());
    to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(axis) + 1, from.end());
    return to;
}

// Places that need no gather: the whole axis, one and the same everywhere, or constants at an even distance.
std::optional<ValueId> take_known(Builder &b, ValueId x, ValueId index, size_t axis) {
    const Extents from = b.shape(x), places = b.shape(index), to = taken_sizes(from, places, axis);
    const Extent size = from[axis];
    if (is_whole_axis(b, index, size)) return b.reshape(x, to);
    if (b.known(index).uniform) {
        const Extent place = b.known(index).least;
        const ValueId one = select_tensor(b, tensor_of(x), axis, place)->id;
        Extents thin = b.shape(one);
        thin.insert(thin.begin() + static_cast<ptrdiff_t>(axis), places.size(), Extent::of(1));
        return b.expand(b.reshape(one, thin), to);
    }
    const auto list = places_of(b, index);
    if (!list || list->empty() || !size.known()) return std::nullopt;
    auto at = [&](size_t i) { return (*list)[i] < 0 ? (*list)[i] + size.terms[0] : (*list)[i]; };
    const int64_t step = list->size() > 1 ? at(1) - at(0) : 1;
    bool even = step >= 1;
    for (size_t i = 1; even && i < list->size(); ++i) even = at(i) - at(i - 1) == step;
    if (!even) return std::nullopt;
    return b.slice(x, axis, Extent::of(at(0)), Extent::of(static_cast<int64_t>(list->size())), step);
}

// Throws where an int64 table may hold what float32 does not hold exactly.
void require_float_exact(Builder &b, ValueId table) {
    const int64_t most = int64_t{1} << 24;
    const Known known = b.known(table);
    auto below = [&](const Extent &x, const Extent &y) {
        return decide(Comparison::less, x, y, b.least_length(), b.largest_length()).value_or(false);
    };
    if (!known.bounded || !below(known.most, Extent::of(most)) || !below(Extent::of(-most), known.least))
        throw Unsupported{"a table of large integers"};
}

// A table without rows at places with rows: an embedding, whose axis has to be the first.
ValueId look_up(Builder &b, ValueId x, ValueId index, size_t axis) {
    const Extents from = b.shape(x), places = b.shape(index);
    if (axis != 0) {
        const ValueId moved = look_up(b, b.move_axis(x, axis, 0), index, 0);  // [places..., rest...]
        std::vector<size_t> order;
        for (size_t i = 0; i < axis; ++i) order.push_back(places.size() + i);
        for (size_t i = 0; i < places.size(); ++i) order.push_back(i);
        for (size_t i = places.size() + axis; i < b.rank(moved); ++i) order.push_back(i);
        return b.permute(moved, order);
    }
    if (std::any_of(from.begin(), from.end(), [](const Extent &e) { return e.batch; }))
        throw Unsupported{"mixes rows: takes places of each row for each row"};
    const auto width = lib::product(Extents(from.begin() + 1, from.end()));
    if (!width) throw Unsupported{"a table of " + to_string(from)};
    const DType dtype = b.dtype(x);
    const ValueId rows = b.reshape(x, {from[0], *width}), table = is_real(dtype) ? rows : b.cast(rows, DType::float32);
    if (dtype == DType::int64) require_float_exact(b, x);
    return b.cast(b.reshape(b.add(Op::embedding, {table, index}), taken_sizes(from, places, 0)), dtype);
}

// x with `index` in the place of one axis, which has no rows. Negative places count from the end where it wraps; else
// a run fails that has one.
ValueId take(Builder &b, ValueId x, ValueId index, size_t axis, bool wraps = true) {
    const Extents from = b.shape(x), places = b.shape(index);
    if (from[axis].batch) throw Unsupported{"mixes rows: takes some of them"};
    if (const auto taken = take_known(b, x, index, axis)) return *taken;
    const auto count = lib::product(places);
    if (!count) throw Unsupported{"takes " + to_string(places) + " places"};
    if (wraps) index = wrapped(b, index, from[axis]);
    if (count->batch) return look_up(b, x, index, axis);
    Extents line(from.size(), Extent::of(1)), wide = from;
    line[axis] = wide[axis] = *count;
    const ValueId spread = b.expand(b.reshape(index, line), wide);
    return b.reshape(gather(b, x, spread, axis), taken_sizes(from, places, axis));
}

// x[rows, index, ...] with rows counted by RowIndex: each row at its own places along axis 1.
ValueId take_by_row(Builder &b, ValueId x, const RowIndex &rows, ValueId index) {
    const Extents from = b.shape(x);
    if (from.size() < 2 || !from[0].batch) throw Unsupported{"row numbers on an axis that has no rows"};
    // The broadcast of both places, rows first.
    Extents places = b.shape(index);
    const size_t rank = std::max(rows.shape.size(), places.size());
    places.insert(places.begin(), rank - places.size(), Extent::of(1));
    Extents numbered = rows.shape;
    numbered.insert(numbered.begin(), rank - numbered.size(), Extent::of(1));
    if (rank == 0 || !numbered[0].batch || numbered[0] != from[0] || !rows.times.is(1))
        throw Unsupported{"row numbers " + to_string(rows.shape) + " for rows of " + to_string(from)};
    for (size_t i = 1; i < rank; ++i)
        if (!numbered[i].is(1)) throw Unsupported{"row numbers repeated"};
    Extents to = places;
    to[0] = from[0];
    const Extents rest(from.begin() + 2, from.end());
    Extents result = to;
    result.insert(result.end(), rest.begin(), rest.end());
    if (places[0].is(1)) {  // the same places in each row
        const Extents inner(places.begin() + 1, places.end());
        return b.reshape(take(b, x, b.reshape(index, inner), 1), result);
    }
    if (b.known(index).uniform) {
        const ValueId one = select_tensor(b, tensor_of(x), 1, b.known(index).least)->id;
        Extents thin = b.shape(one);
        thin.insert(thin.begin() + 1, rank - 1, Extent::of(1));
        return b.expand(b.reshape(one, thin), result);
    }
    const auto count = lib::product(Extents(to.begin() + 1, to.end()));
    if (!count) throw Unsupported{"takes " + to_string(to) + " places"};
    Extents line{from[0], *count}, wide{from[0], *count};
    line.insert(line.end(), rest.size(), Extent::of(1));
    wide.insert(wide.end(), rest.begin(), rest.end());
    const ValueId spread = b.expand(b.reshape(wrapped(b, index, from[1]), line), wide);
    return b.reshape(gather(b, x, spread, 1), result);
}

// Where a constant mask is true: places along each of its axes.
std::vector<TensorPtr> places_of_mask(Builder &b, const Folded &mask) {
    const std::vector<int64_t> shape = mask.shape();
    const std::vector<double> elements = mask.numbers();
    std::vector<std::vector<int64_t>> places(shape.size());
    for (size_t i = 0; i < elements.size(); ++i) {
        if (elements[i] == 0) continue;
        auto rest = static_cast<int64_t>(i);
        for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) places[axis].push_back(rest % shape[axis]);
    }
    std::vector<TensorPtr> made;
    for (const auto &along : places)
        made.push_back(tensor_of(b.constant(DType::int64, {static_cast<int64_t>(along.size())}, along.data())));
    return made;
}

// The places that x[...] names, by axis.
std::vector<std::pair<size_t, TensorPtr>> named_places(Builder &b, const List &list) {
    std::vector<std::pair<size_t, TensorPtr>> places;
    size_t axis = 0;
    for (const Value &one : list) {
        if (one.none()) {
            ++axis;
            continue;
        }
        const TensorPtr tensor = to_tensor(b, one);
        if (tensor->kind == Tensor::Kind::folded && tensor->folded->dtype() == DType::boolean)
            for (TensorPtr &along : places_of_mask(b, *tensor->folded)) places.emplace_back(axis++, std::move(along));
        else
            places.emplace_back(axis++, tensor);
    }
    return places;
}

using Places = std::vector<std::pair<size_t, TensorPtr>>;

bool is_rows(const TensorPtr &tensor) { return tensor->kind == Tensor::Kind::row_index; }

ValueId integers(Builder &b, const TensorPtr &tensor) { return b.cast(plain(b, *tensor), DType::int64); }

// x[mask] with a mask that is true everywhere: its axes become one.
TensorPtr every_element(Builder &b, const Tensor &x, const Tensor &mask) {
    const Extents from = shape_of(b, x);
    const auto behind = from.begin() + static_cast<ptrdiff_t>(shape_of(b, mask).size());
    Extents to{*lib::product(Extents(from.begin(), behind))};
    to.insert(to.end(), behind, from.end());
    return reshape(b, x, to);
}

// x[rows, ...]: all rows, or each at its own places along axis 1.
Value index_rows(Builder &b, const TensorPtr &x, ValueId id, const Places &places) {
    const RowIndex &rows = places[0].second->rows;
    if (places[0].first != 0) throw Unsupported{"row numbers on another axis"};
    if (places.size() == 1) {
        if (rows.times.is(1) && rows.shape.size() == 1 && rows.shape[0] == b.shape(id)[0]) return x;
        throw Unsupported{"takes some rows"};
    }
    if (places.size() == 2 && places[1].first == 1 && !is_rows(places[1].second))
        return result(take_by_row(b, id, rows, integers(b, places[1].second)));
    throw Unsupported{"places on " + std::to_string(places.size()) + " axes"};
}

// x[..., i, j, ...], neighbouring axes each with places: the axes are counted as one, and taken from as one.
ValueId take_along_axes(Builder &b, ValueId x, const Places &places) {
    const Extents from = b.shape(x);
    const size_t first = places[0].first;
    for (size_t i = 0; i < places.size(); ++i)
        if (places[i].first != first + i || is_rows(places[i].second))
            throw Unsupported{"places on axes that are apart"};
    ValueId whole = wrapped(b, integers(b, places[0].second), from[first]);
    Extent width = from[first];
    for (size_t i = 1; i < places.size(); ++i) {
        const Extent size = from[first + i];
        const auto next = width * size;
        if (!next) throw Unsupported{"places in " + to_string(from)};
        width = *next;
        whole = b.binary(Op::add, b.binary(Op::mul, whole, b.full_int(size, {})),
                         wrapped(b, integers(b, places[i].second), size));
    }
    Extents flat(from.begin(), from.begin() + static_cast<ptrdiff_t>(first));
    flat.push_back(width);
    flat.insert(flat.end(), from.begin() + static_cast<ptrdiff_t>(first + places.size()), from.end());
    return take(b, b.reshape(x, flat), whole, first);
}

Value index(Call &call) {
    Builder &b = call.b;
    const TensorPtr x = call.tensor("self");
    const auto *list = call.at("indices").as<std::shared_ptr<List>>();
    if (!list) throw Unsupported{"places that are no list"};
    const Places places = named_places(b, **list);
    if (places.empty()) return x;
    if (is_rows(x)) throw Unsupported{"picks row numbers"};  // rows[:, None] is a view; rows[mask] is none
    const ValueId id = plain(b, *x);
    if (places.back().first >= b.rank(id)) throw Unsupported{"more places than axes"};
    for (const auto &[axis, tensor] : places) {
        if (is_rows(tensor) || dtype_of(b, *tensor) != DType::boolean) continue;
        if (places.size() == 1 && axis == 0 && b.all_true(plain(b, *tensor))) return every_element(b, *x, *tensor);
        throw Unsupported{"picks elements by a mask, so how many depends on data"};
    }
    if (is_rows(places[0].second)) return index_rows(b, x, id, places);
    if (places.size() == 1) return result(take(b, id, integers(b, places[0].second), places[0].first));
    return result(take_along_axes(b, id, places));
}

Value index_select(Call &call) {
    if (const TensorPtr places = call.tensor("index"); is_rows(places)) {  // each row in its own place
        const TensorPtr x = call.tensor("self");
        const Extents from = shape_of(call.b, *x);
        const Extent size = from[call.axis("dim", from.size())];
        if (places->rows.times.is(1) && places->rows.shape == Extents{size}) return x;
        throw Unsupported{"takes some rows"};
    }
    const ValueId x = call.id("self");
    return result(take(call.b, x, call.id("index"), call.axis("dim", call.b.rank(x)), false));
}

// index may be smaller than the operand along other axes too.
Value gather_along(Call &call) {
    ValueId x = call.id("self");
    const bool numpy = call.find("indices") != nullptr;  // take_along_dim broadcasts
    ValueId index = call.id(numpy ? "indices" : "index");
    const size_t axis = call.axis("dim", call.b.rank(x));
    if (call.b.rank(index) != call.b.rank(x)) throw Unsupported{"places of another rank"};
    if (call.b.rank(x) == 1 && !call.b.shape(x)[0].batch)
        return result(take(call.b, x, index, 0, false));  // of a table
    for (size_t i = 0; i < call.b.rank(x); ++i) {
        const Extent have = call.b.shape(x)[i], want = call.b.shape(index)[i];
        if (i == axis || have == want) continue;
        if (numpy && want.is(1)) {
            Extents wide = call.b.shape(index);
            wide[i] = have;
            index = call.b.expand(index, wide);
        } else if (numpy && have.is(1)) {
            Extents wide = call.b.shape(x);
            wide[i] = want;
            x = call.b.expand(x, wide);
        } else {
            if (have.batch) throw Unsupported{"mixes rows: takes some of them"};
            call.b.require_nonnegative((have - want).value_or(Extent::of(-1)), "places within the tensor");
            x = call.b.slice(x, i, Extent::of(0), want);
        }
    }
    return result(gather(call.b, x, index, axis));
}

}  // namespace

void add_indexing(Registry &to) {
    const Entry entries[] = {
        {"aten::index", "self indices", &index},
        {"aten::index_select", "self dim index", &index_select},
        {"aten::gather", "self dim index", &gather_along},
        {"aten::take_along_dim", "self dim indices", &gather_along},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
