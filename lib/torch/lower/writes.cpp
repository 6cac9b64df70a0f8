// SPDX-License-Identifier: Apache-2.0
// Writes at places that tensors name, as choices between what was there and what is written.
#include <algorithm>
#include <cmath>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Which places of the last axis, of `size`, some indices [..., k] name: bool [..., size, k].
ValueId named(Builder &b, ValueId index, const Extent &size) {
    const ValueId places = b.unsqueeze(b.iota(size), 1);
    return b.binary(Op::equal, b.unsqueeze(index, b.rank(index) - 1), places);
}

// A mask over the leading axes of x, with an axis of one for each of the others.
ValueId mask_over(Builder &b, ValueId mask, size_t rank) {
    Extents shape = b.shape(mask);
    if (shape.size() > rank) throw Unsupported{"a mask of more axes than what it picks from"};
    shape.resize(rank, Extent::of(1));
    return b.reshape(mask, shape);
}

// x[..., places, ...] = values, each with a value of its own: of several at one place the last stays.
Value copied_to(Call &call, ValueId x, ValueId index, size_t axis) {
    Builder &b = call.b;
    Extents shape = b.shape(x);
    shape[axis] = b.shape(index)[0];
    const ValueId values = b.expand(b.cast(call.id("values"), b.dtype(x)), shape);
    return lower_as(call, "aten::index_copy",
                    {{"self", tensor_of(x)},
                     {"dim", Extent::of(static_cast<int64_t>(axis))},
                     {"index", tensor_of(index)},
                     {"source", tensor_of(values)}});
}

// x[mask] = value, x[:, places] = value, where one value is written everywhere.
Value put(Call &call) {
    Builder &b = call.b;
    if (call.flag("accumulate")) throw Unsupported{"adds at places; write torch.where"};
    const ValueId x = call.id("self");
    const auto *list = call.at("indices").as<std::shared_ptr<List>>();
    if (!list) throw Unsupported{"places that are no list"};
    std::optional<ValueId> mask, places;
    size_t axes = 0, axis = 0;  // behind the places; theirs
    for (size_t i = 0; i < (*list)->size(); ++i) {
        if ((**list)[i].none()) continue;
        if (mask) throw Unsupported{"writes at places on several axes"};
        const ValueId at = plain(b, *to_tensor(b, (**list)[i]));
        if (b.dtype(at) == DType::boolean) {
            if (i + b.rank(at) > b.rank(x)) throw Unsupported{"a mask of more axes than what it picks from"};
            axes = b.rank(x) - i - b.rank(at);
            mask = mask_over(b, at, b.rank(x) - i);
        } else {
            if (lib::product(b.shape(at)).value_or(Extent::rows()).batch || b.rank(at) != 1)
                throw Unsupported{"writes at places that each row has of its own; write scatter"};
            const Extent size = b.shape(x)[i];
            if (size.batch) throw Unsupported{"mixes rows: writes into some"};
            const ValueId end = b.full_int(size, {}), zero = b.full_int(Extent::of(0), {});
            const ValueId wrapped = b.where(b.binary(Op::less, at, zero), b.binary(Op::add, at, end), at);
            axes = b.rank(x) - i - 1;
            axis = i;
            places = wrapped;
            mask = mask_over(b, b.reduce(Op::reduce_max, named(b, wrapped, size), 1, false), b.rank(x) - i);
        }
    }
    if (!mask) throw Unsupported{"writes everywhere"};
    ValueId value = b.cast(call.id("values"), b.dtype(x));
    const Extents shape = b.shape(value);
    if (lib::product(shape) == Extent::of(1)) value = b.reshape(value, {});
    if (b.rank(value) > axes && places) return copied_to(call, x, *places, axis);
    if (b.rank(value) > axes) throw Unsupported{"writes a value of its own at each place; write torch.where"};
    return result(b.expand(b.where(*mask, value, x), b.shape(x)));
}

// self with its axis last, and the places [..., k] along it, of the sizes that they have.
struct Scattered {
    ValueId x, index;
    size_t axis;
};
Scattered scattered(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self"), index = call.id("index");
    if (b.rank(x) == 0 || b.rank(x) != b.rank(index)) throw Unsupported{"places of another rank"};
    const size_t axis = call.axis("dim", b.rank(x)), last = b.rank(x) - 1;
    if (b.shape(x)[axis].batch) throw Unsupported{"mixes rows: writes into others"};
    for (size_t i = 0; i <= last; ++i)
        if (i != axis && b.shape(x)[i] != b.shape(index)[i]) throw Unsupported{"places for a part of the other axes"};
    b.require_nonnegative((b.shape(index)[axis] - Extent::of(1)).value_or(Extent::of(-1)), "a place");
    return {b.move_axis(x, axis, last), b.move_axis(index, axis, last), axis};
}
ValueId source(Call &call, const Scattered &at) {  // as many as there are places
    Builder &b = call.b;
    const ValueId whole = call.id("src");
    if (b.rank(whole) != b.rank(at.x)) throw Unsupported{"elements of another rank"};
    ValueId moved = b.move_axis(whole, at.axis, b.rank(whole) - 1);
    const Extents wanted = b.shape(at.index);
    for (size_t i = 0; i < wanted.size(); ++i)
        if (b.shape(moved)[i] != wanted[i]) moved = b.slice(moved, i, Extent::of(0), wanted[i]);
    return moved;
}

// Of several at one place the last stays. A place outside the axis takes nothing.
Value scatter(Call &call) {
    Builder &b = call.b;
    if (const TensorPtr to = call.tensor("index"); to->kind == Tensor::Kind::row_index) {  // a permutation inverted
        const TensorPtr from = call.has("src") ? call.tensor("src") : nullptr;
        if (!from || from->kind != Tensor::Kind::row_index || !to->rows.times.is(1) ||
            to->rows.shape != Extents{shape_of(b, *call.tensor("self"))[call.axis("dim", 1)]} ||
            from->rows.shape != to->rows.shape)
            throw Unsupported{"mixes rows: writes into others"};
        return from;
    }
    const Scattered at = scattered(call);
    const size_t last = b.rank(at.x) - 1;
    const Extent size = b.shape(at.x)[last], count = b.shape(at.index)[last];
    const ValueId matches = named(b, at.index, size);  // [..., size, k]
    ValueId made;
    if (call.has("value")) {
        const ValueId value = b.cast(call.id("value"), b.dtype(at.x));
        made = b.where(b.reduce(Op::reduce_max, matches, last + 1, false), value, at.x);
    } else {
        const ValueId written = b.cast(source(call, at), b.dtype(at.x)), none = b.full_int(Extent::of(-1), {});
        const ValueId latest = b.reduce(Op::reduce_max, b.where(matches, b.iota(count), none), last + 1, false);
        const ValueId place = b.binary(Op::maximum, latest, b.full_int(Extent::of(0), {}));
        const ValueId value = b.add(Op::gather, {written, place}, {.axis = static_cast<int64_t>(last)});
        made = b.where(b.binary(Op::less, latest, b.full_int(Extent::of(0), {})), at.x, value);
    }
    return result(b.move_axis(made, last, at.axis));
}

Value scatter_add(Call &call) {
    Builder &b = call.b;
    const Scattered at = scattered(call);
    const size_t last = b.rank(at.x) - 1;
    const ValueId added = b.unsqueeze(source(call, at), last);
    const ValueId parts = b.where(named(b, at.index, b.shape(at.x)[last]), added, b.full(0, {}, b.dtype(at.x)));
    const ValueId sum = b.reduce(Op::reduce_sum, parts, last + 1, false);
    return result(b.move_axis(b.binary(Op::add, at.x, sum), last, at.axis));
}

// The same places of every row.
struct SamePlaces {
    ValueId matches;  // bool [size, k]
    size_t axis;
};
SamePlaces same_places(Call &call, ValueId x) {
    Builder &b = call.b;
    const size_t axis = call.axis("dim", b.rank(x));
    const ValueId index = call.id("index");
    const Extent size = b.shape(x)[axis];
    if (b.rank(index) != 1 || b.shape(index)[0].batch || size.batch) throw Unsupported{"mixes rows: writes into some"};
    return {named(b, index, size), axis};
}

Value index_fill(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const SamePlaces at = same_places(call, x);
    const ValueId mask = mask_over(b, b.reduce(Op::reduce_max, at.matches, 1, false), b.rank(x) - at.axis);
    return result(b.where(mask, b.cast(call.id("value"), b.dtype(x)), x));
}

Value index_add(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    const SamePlaces at = same_places(call, x);
    const size_t last = b.rank(x) - 1;
    Term added{&b, b.move_axis(call.float_id("source"), at.axis, last)};
    if (call.real("alpha", 1) != 1) added = added * call.real("alpha");
    const ValueId parts = b.where(at.matches, b.unsqueeze(added.id, last), b.full(0, {}));
    const ValueId sum = b.reduce(Op::reduce_sum, parts, last + 1, false);
    return result(b.binary(Op::add, x, b.move_axis(sum, last, at.axis)));
}

// Elements `added` [..., 1, k] at places of a last axis, `matches` [..., size, k], as `how` combines them there.
ValueId combined(Call &call, ValueId x, ValueId matches, ValueId added) {
    Builder &b = call.b;
    const std::string how = call.text("reduce");
    const size_t last = b.rank(x) - 1;
    const bool own = call.flag("include_self", true);
    const bool largest = how == "amax", extreme = largest || how == "amin", product = how == "prod";
    if (!extreme && !product && how != "sum" && how != "mean") throw Unsupported{"reduce='" + how + "'"};
    const double none = extreme ? (largest ? -INFINITY : INFINITY) : product ? 1 : 0;
    const ValueId parts = b.where(matches, added, b.full(none, {}));
    const Op op = extreme ? (largest ? Op::maximum : Op::minimum) : product ? Op::mul : Op::add;
    ValueId found;
    if (product) {
        const Extent count = b.shape(parts)[last + 1];
        if (!count.known() || count.terms[0] < 1 || count.terms[0] > 64)
            throw Unsupported{"a product of " + to_string(count) + " elements"};
        found = b.slice(parts, last + 1, Extent::of(0), Extent::of(1));
        for (int64_t i = 1; i < count.terms[0]; ++i)
            found = b.binary(op, found, b.slice(parts, last + 1, Extent::of(i), Extent::of(1)));
        found = b.squeeze(found, last + 1);
    } else {
        const Op along = extreme ? (largest ? Op::reduce_max : Op::reduce_min) : Op::reduce_sum;
        found = b.reduce(along, parts, last + 1, false);
    }
    if (own) found = b.binary(op, x, found);
    const ValueId count = b.reduce(Op::reduce_sum, b.cast(matches, DType::int64), b.rank(matches) - 1, false);
    const Term number{&b, b.cast(count, DType::float32)};
    if (how == "mean") found = (Term{&b, found} / at_least(number + (own ? 1.0 : 0.0), 1)).id;
    return own ? found : b.where((number > 0.0).id, found, x);
}

Value scatter_reduce(Call &call) {
    Builder &b = call.b;
    const Scattered at = scattered(call);
    if (b.dtype(at.x) != DType::float32) throw Unsupported{"scatter_reduce of other than float32; write .float()"};
    const size_t last = b.rank(at.x) - 1;
    const ValueId x = at.x, added = b.cast(source(call, at), DType::float32);
    const ValueId made = combined(call, x, named(b, at.index, b.shape(x)[last]), b.unsqueeze(added, last));
    return result(b.move_axis(made, last, at.axis));
}
Value index_reduce(Call &call) {
    Builder &b = call.b;
    if (dtype_of(b, *call.tensor("self")) != DType::float32)
        throw Unsupported{"index_reduce of other than float32; write .float()"};
    const ValueId x = call.float_id("self");
    const SamePlaces at = same_places(call, x);
    const size_t last = b.rank(x) - 1;
    const ValueId added = b.unsqueeze(b.move_axis(call.float_id("source"), at.axis, last), last);
    const ValueId made = combined(call, b.move_axis(x, at.axis, last), at.matches, added);
    return result(b.move_axis(made, last, at.axis));
}

// The same places of every row, each an element of its own; of several at one place the last stays.
Value index_copy(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const SamePlaces at = same_places(call, x);
    const size_t last = b.rank(x) - 1;
    const ValueId from = b.move_axis(b.cast(call.id("source"), b.dtype(x)), at.axis, last);
    const ValueId moved = b.move_axis(x, at.axis, last), none = b.full_int(Extent::of(-1), {});
    const ValueId order = b.iota(b.shape(at.matches)[1]);
    const ValueId latest = b.reduce(Op::reduce_max, b.where(at.matches, order, none), 1, false);
    const ValueId place = b.binary(Op::maximum, latest, b.full_int(Extent::of(0), {}));
    const ValueId value =
        b.add(Op::gather, {from, b.expand(place, b.shape(moved))}, {.axis = static_cast<int64_t>(last)});
    const ValueId made = b.where(b.binary(Op::less, latest, b.full_int(Extent::of(0), {})), moved, value);
    return result(b.move_axis(made, last, at.axis));
}

// The diagonal of two axes.
Value written_diagonal(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const size_t rank = b.rank(x), first = call.axis("dim1", rank), second = call.axis("dim2", rank);
    if (first == second) throw Unsupported{"a diagonal of one axis"};
    std::vector<size_t> order, back(rank);
    for (size_t i = 0; i < rank; ++i)
        if (i != first && i != second) order.push_back(i);
    order.insert(order.end(), {first, second});
    for (size_t i = 0; i < rank; ++i) back[order[i]] = i;
    const ValueId moved = b.permute(x, order);
    const int64_t offset = call.integer("offset", 0);
    const ValueId down = b.unsqueeze(b.iota(b.shape(moved)[rank - 2]), 1), across = b.iota(b.shape(moved)[rank - 1]);
    const ValueId on = b.binary(Op::equal, b.binary(Op::add, down, b.full_int(Extent::of(offset), {})), across);
    // Down the rows where the diagonal begins in the first one, else along the columns.
    const ValueId value = b.cast(call.id("src"), b.dtype(x));
    if (b.rank(value) + 1 != rank) throw Unsupported{"a diagonal of another rank"};
    const Extent count = b.shape(value).back();
    const Extent whole = b.shape(moved)[offset >= 0 ? rank - 2 : rank - 1];
    const auto missing = whole - count;
    if (!missing || !missing->known() || missing->terms[0] < 0) throw Unsupported{"a diagonal of " + to_string(count)};
    Extents fill = b.shape(value);
    fill.at(fill.size() - 1) = *missing;
    const ValueId line = missing->is(0) ? value : b.concat({value, b.full(0, fill, b.dtype(x))}, b.rank(value) - 1);
    const ValueId spread = b.unsqueeze(line, offset >= 0 ? b.rank(line) : b.rank(line) - 1);
    return result(b.permute(b.where(on, spread, moved), back));
}

// A slice, or a place, of a copy.
Value written_slice(Call &call) {
    Builder &b = call.b;
    const TensorPtr whole = tensor_of(call.id("self"));
    const size_t axis = call.axis("dim", b.rank(whole->id));
    TensorPtr part;
    if (call.find("index")) {
        part = select_tensor(b, whole, axis, call.size("index"));
    } else {
        if (call.integer("step", 1) != 1) throw Unsupported{"writes every other place"};
        part = slice_tensor(b, whole, axis, call.has("start") ? call.size("start") : Extent::of(0),
                            call.has("end") ? std::optional(call.size("end")) : std::nullopt, 1);
    }
    const ValueId value = b.expand(b.cast(call.id("src"), b.dtype(whole->id)), shape_of(b, *part));
    if (part == whole) return result(value);
    write(b, part, value);
    return result(whole->id);
}

}  // namespace

void add_writes(Registry &to) {
    const Entry entries[] = {
        {"aten::index_put", "self indices values accumulate", &put},
        {"aten::scatter", "self dim index src value reduce=", &scatter},
        {"aten::scatter_add", "self dim index src", &scatter_add},
        {"aten::index_fill", "self dim index value", &index_fill},
        {"aten::index_add", "self dim index source alpha", &index_add},
        {"aten::index_copy", "self dim index source", &index_copy},
        {"aten::index_reduce", "self dim index source reduce include_self", &index_reduce},
        {"aten::scatter_reduce", "self dim index src reduce include_self", &scatter_reduce},
        {"aten::diagonal_scatter", "self src offset dim1 dim2", &written_diagonal},
        {"aten::slice_scatter", "self src dim start end step", &written_slice},
        {"aten::select_scatter", "self src dim index", &written_slice},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
