// SPDX-License-Identifier: Apache-2.0
// Operators that join tensors, take them apart, and repeat them.
#include <algorithm>

#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

ValueId repeated(Builder &b, ValueId x, Extents times) {
    while (times.size() < b.rank(x)) times.insert(times.begin(), Extent::of(1));
    while (b.rank(x) < times.size()) x = b.unsqueeze(x, 0);
    for (size_t axis = 0; axis < times.size(); ++axis) {
        if (times[axis].is(1)) continue;
        Extents shape = b.shape(x);
        if (shape[axis].is(1)) {
            shape[axis] = times[axis];
            x = b.expand(x, shape);
            continue;
        }
        const auto whole = shape[axis] * times[axis];
        if (!whole) throw Unsupported{"repeats " + to_string(shape[axis]) + " by " + to_string(times[axis])};
        Extents wide = shape;
        wide.insert(wide.begin() + static_cast<ptrdiff_t>(axis), times[axis]);
        shape[axis] = *whole;
        x = b.reshape(b.expand(b.unsqueeze(x, axis), wide), shape);
    }
    return x;
}
Value repeat(Call &call) {
    return result(repeated(call.b, call.id("self"), call.sizes(call.find("repeats") ? "repeats" : "dims")));
}

// A size, or a constant of one number, as tracing writes one.
Extent times_of(const Call &call, const char *argument) {
    const auto *tensor = call.at(argument).as<TensorPtr>();
    if (!tensor || (*tensor)->kind != Tensor::Kind::folded) return call.size(argument);
    const std::vector<double> numbers = (*tensor)->folded->numbers();
    if (numbers.size() != 1)
        throw Unsupported{"repeats each place as often as another constant says; write index_select"};
    return Extent::of(static_cast<int64_t>(numbers[0]));
}

Value repeat_interleave(Call &call) {
    ValueId x = call.id("self");
    const Extent times = times_of(call, "repeats");
    if (!call.has("dim")) {
        if (call.b.rank(x) != 1) throw Unsupported{"repeats without an axis"};
    }
    const size_t axis = call.has("dim") ? call.axis("dim", call.b.rank(x)) : 0;
    Extents shape = call.b.shape(x), wide = shape;
    wide.insert(wide.begin() + static_cast<ptrdiff_t>(axis) + 1, times);
    const auto whole = shape[axis] * times;
    if (!whole) throw Unsupported{"repeats " + to_string(shape[axis])};
    shape[axis] = *whole;
    return result(call.b.reshape(call.b.expand(call.b.unsqueeze(x, axis + 1), wide), shape));
}

// What a loop gave for each place, [places, rows, ...], where that is the list.
std::optional<ValueId> of_each_place(const Call &call) {
    if (!call.find("tensors")) return std::nullopt;
    const List *list = list_of_value(call.at("tensors"));
    const auto *one = list && list->size() == 1 ? (*list)[0].as<TensorPtr>() : nullptr;
    return one && (*one)->each_place ? std::optional((*one)->id) : std::nullopt;
}

Value concat(Call &call) {
    if (const auto id = of_each_place(call)) {
        const size_t axis = call.axis("dim", call.b.rank(*id) - 1);
        Extents shape = call.b.shape(*id);
        const auto whole = shape[0] * shape[axis + 1];
        if (!whole || shape[axis + 1].batch) throw Unsupported{"mixes rows: joins them"};
        shape[axis + 1] = *whole;
        shape.erase(shape.begin());
        return result(call.b.reshape(call.b.move_axis(*id, 0, axis), shape));
    }
    const char *name = call.find("tensors") ? "tensors" : "self";
    std::vector<TensorPtr> parts;
    for (const TensorPtr &part : call.tensors(name)) {
        const Extents shape = shape_of(call.b, *part);
        if (shape.size() == 1 && shape[0].is(0)) continue;  // as torch.cat does
        parts.push_back(part);
    }
    if (parts.empty()) throw Unsupported{"joins nothing"};
    const DType dtype = promote(call.b, parts);
    std::vector<ValueId> ids;
    for (const TensorPtr &part : parts) ids.push_back(call.b.cast(plain(call.b, *part), dtype));
    if (call.name == "aten::hstack") return result(call.b.concat(ids, call.b.rank(ids[0]) == 1 ? 0 : 1));
    const size_t axis = call.axis("dim", call.b.rank(ids[0]));
    for (ValueId id : ids)
        if (axis < call.b.rank(id) && call.b.shape(id)[axis].batch) throw Unsupported{"mixes rows: joins them"};
    return result(call.b.concat(ids, axis));
}

Value stack(Call &call) {
    if (const auto id = of_each_place(call))
        return result(call.b.move_axis(*id, 0, call.axis("dim", call.b.rank(*id))));
    const std::vector<TensorPtr> parts = call.tensors("tensors");
    if (parts.empty()) throw Unsupported{"stacks nothing"};
    const DType dtype = promote(call.b, parts);
    const size_t axis = call.axis("dim", shape_of(call.b, *parts[0]).size() + 1);
    std::vector<ValueId> ids;
    for (const TensorPtr &part : parts) ids.push_back(call.b.unsqueeze(call.b.cast(plain(call.b, *part), dtype), axis));
    return result(call.b.concat(ids, axis));
}

Value pieces(Builder &b, const TensorPtr &x, size_t axis, const Extents &sizes) {
    List parts;
    Extent start = Extent::of(0);
    for (const Extent &size : sizes) {
        const auto end = start + size;
        if (!end) throw Unsupported{"splits at a size that is none"};
        parts.push_back(slice_tensor(b, x, axis, start, *end, 1));
        start = *end;
    }
    return list_of(std::move(parts));
}

Extents even(const Extent &whole, const Extent &size) {
    if (const auto count = exact_quotient(whole, size); count && count->known())
        return Extents(static_cast<size_t>(count->terms[0]), size);
    if (!whole.known() || !size.known()) throw Unsupported{"splits " + to_string(whole) + " by " + to_string(size)};
    Extents sizes;
    for (int64_t left = whole.terms[0]; left > 0; left -= size.terms[0])
        sizes.push_back(Extent::of(std::min(left, size.terms[0])));
    return sizes;
}

// The operator's parts without what they are parts of: an "unsafe" one's may be written, each by itself.
template <Lower lower>
Value without_base(Call &call) {
    Value made = lower(call);
    for (Value &value : **made.as<std::shared_ptr<List>>())
        if (const TensorPtr &part = *value.as<TensorPtr>(); part->kind == Tensor::Kind::graph)
            value = tensor_of(part->id, part->merged);
    return made;
}

Value split(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = shape_of(call.b, *x);
    const size_t axis = call.axis("dim", shape.size());
    const char *name = call.find("split_sizes") ? "split_sizes" : call.find("split_size") ? "split_size" : "sections";
    if (call.at(name).is<std::shared_ptr<List>>()) return pieces(call.b, x, axis, call.sizes(name));
    return pieces(call.b, x, axis, even(shape[axis], call.size(name)));
}

Value chunk(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = shape_of(call.b, *x);
    const size_t axis = call.axis("dim", shape.size());
    const int64_t count = call.integer("chunks");
    if (const auto size = exact_quotient(shape[axis], Extent::of(count)); size && !size->is(0))
        return pieces(call.b, x, axis, Extents(static_cast<size_t>(count), *size));
    if (!shape[axis].known()) throw Unsupported{"splits " + to_string(shape[axis]) + " in " + std::to_string(count)};
    return pieces(call.b, x, axis, even(shape[axis], Extent::of((shape[axis].terms[0] + count - 1) / count)));
}

// In a number of parts, of which the first may be longer by one, or before each of several places.
Value tensor_split(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = shape_of(call.b, *x);
    const size_t axis = call.axis("dim", shape.size());
    if (call.find("indices")) {
        List parts;
        Extent start = Extent::of(0);
        for (const Extent &place : call.sizes("indices")) {
            parts.push_back(slice_tensor(call.b, x, axis, start, place, 1));
            start = place;
        }
        parts.push_back(slice_tensor(call.b, x, axis, start, std::nullopt, 1));
        return list_of(std::move(parts));
    }
    if (!call.find("sections")) throw Unsupported{"splits at places that are data"};
    const int64_t count = call.integer("sections");
    if (const auto size = exact_quotient(shape[axis], Extent::of(count)); size && count > 0)
        return pieces(call.b, x, axis, Extents(static_cast<size_t>(count), *size));
    if (!shape[axis].known() || count <= 0)
        throw Unsupported{"splits " + to_string(shape[axis]) + " in " + std::to_string(count)};
    Extents sizes;
    for (int64_t i = 0; i < count; ++i)
        sizes.push_back(Extent::of(shape[axis].terms[0] / count + (i < shape[axis].terms[0] % count)));
    return pieces(call.b, x, axis, sizes);
}

Value unbind(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = shape_of(call.b, *x);
    const size_t axis = call.axis("dim", shape.size());
    List parts;
    if (!shape[axis].known()) {
        const TensorPtr all = select_each(call.b, x, axis, {shape[axis]});
        all->each_place = true;
        parts.push_back(all);
        return list_of(std::move(parts));
    }
    for (int64_t i = 0; i < shape[axis].terms[0]; ++i) parts.push_back(select_tensor(call.b, x, axis, Extent::of(i)));
    return list_of(std::move(parts));
}

Value roll(Call &call) {
    ValueId x = call.id("self");
    const auto shifts = call.integers("shifts"), axes = call.integers("dims");
    if (shifts.size() != axes.size()) throw Unsupported{"rolls without axes"};
    for (size_t i = 0; i < axes.size(); ++i) {
        const size_t axis = wrap_axis(axes[i], call.b.rank(x));
        const Extent size = call.b.shape(x)[axis];
        if (size.known() ? size.terms[0] == 0 : std::abs(shifts[i]) != 1)
            throw Unsupported{"rolls an axis of " + to_string(size)};
        if (!size.known()) call.b.require_nonnegative(*(size - Extent::of(1)), "an axis that is not empty");
        const int64_t by = size.known() ? ((shifts[i] % size.terms[0]) + size.terms[0]) % size.terms[0] : shifts[i];
        if (by == 0) continue;
        const Extent tail = by > 0 ? Extent::of(by) : *(size - Extent::of(-by));  // how many come to the front
        const Extent head = *(size - tail);
        x = call.b.concat({call.b.slice(x, axis, head, tail), call.b.slice(x, axis, Extent::of(0), head)}, axis);
    }
    return result(x);
}

Value flip(Call &call) {
    ValueId x = call.id("self");
    for (size_t axis : call.axes("dims", call.b.rank(x))) {
        Extents shape = call.b.shape(x);
        const Extent size = shape[axis];
        if (size.batch) throw Unsupported{"mixes rows: flips them"};
        const auto last = size - Extent::of(1);
        const ValueId back = call.b.binary(Op::sub, call.b.full_int(*last, {}), call.b.iota(size));
        Extents line(shape.size(), Extent::of(1));
        line[axis] = size;
        x = call.b.add(Op::gather, {x, call.b.expand(call.b.reshape(back, line), shape)},
                       {.axis = static_cast<int64_t>(axis)});
    }
    return result(x);
}

// `count` places that a mode repeats before an axis, or behind it.
ValueId repeated_edge(Builder &b, ValueId x, size_t axis, const Extent &count, const std::string &mode, bool front) {
    const Extent size = b.shape(x)[axis];
    if (!count.known() || count.terms[0] < 0 || count.terms[0] > 64)
        throw Unsupported{"padding by " + to_string(count)};
    auto last = [&](int64_t back) {  // places before the end
        const auto place = size - Extent::of(back);
        b.require_nonnegative(*place, "an axis longer than its padding");
        return *place;
    };
    if (mode == "circular") return b.slice(x, axis, front ? last(count.terms[0]) : Extent::of(0), count);
    if (mode == "replicate") {
        const ValueId edge = b.slice(x, axis, front ? Extent::of(0) : last(1), Extent::of(1));
        return b.concat(std::vector<ValueId>(static_cast<size_t>(count.terms[0]), edge), axis);
    }
    if (mode != "reflect") throw Unsupported{"padding by " + mode};
    std::vector<ValueId> places;
    for (int64_t i = 1; i <= count.terms[0]; ++i) {
        const Extent end = last(i + 1);  // also that there are as many
        const Extent place = front ? Extent::of(count.terms[0] + 1 - i) : end;
        places.push_back(b.slice(x, axis, place, Extent::of(1)));
    }
    return b.concat(places, axis);
}

// Both sides of the last axes at once; pairs of counts from the last axis on.
Value pad_by_edges(Call &call, const std::string &mode) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    const Extents counts = call.sizes("pad");
    for (size_t i = 0; i + 1 < counts.size(); i += 2) {
        const size_t axis = b.rank(x) - 1 - i / 2;
        if (b.shape(x)[axis].batch) throw Unsupported{"mixes rows: adds some"};
        std::vector<ValueId> parts;
        if (!counts[i].is(0)) parts.push_back(repeated_edge(b, x, axis, counts[i], mode, true));
        parts.push_back(x);
        if (!counts[i + 1].is(0)) parts.push_back(repeated_edge(b, x, axis, counts[i + 1], mode, false));
        x = b.concat(parts, axis);
    }
    return result(x);
}

// Constants around the last axes; pairs of counts from the last axis on, negative ones cut.
Value pad(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    if (call.find("mode") && call.text("mode") != "constant") return pad_by_edges(call, call.text("mode"));
    const double value = call.real("value", 0);
    const Extents counts = call.sizes("pad");
    for (size_t i = 0; i + 1 < counts.size(); i += 2) {
        const size_t axis = b.rank(x) - 1 - i / 2;
        for (const bool front : {true, false}) {
            const Extent count = counts[front ? i : i + 1];
            if (count.is(0)) continue;
            if (b.shape(x)[axis].batch) throw Unsupported{"mixes rows: adds some"};
            const auto cut = Extent::of(0) - count;
            if (cut && bounds_of(*cut, b.least_length(), b.largest_length()).least.value_or(-1) > 0) {
                const auto rest = b.shape(x)[axis] - *cut;
                if (!rest) throw Unsupported{"cuts " + to_string(*cut)};
                b.require_nonnegative(*rest, "a cut");
                x = b.slice(x, axis, front ? *cut : Extent::of(0), *rest);
                continue;
            }
            Extents shape = b.shape(x);
            shape[axis] = count;
            const ValueId more = b.full(value, shape, b.dtype(x));
            x = b.concat(front ? std::vector<ValueId>{more, x} : std::vector<ValueId>{x, more}, axis);
        }
    }
    return result(x);
}

}  // namespace

std::optional<Value> of_places(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    const auto *list = arguments.empty() ? nullptr : arguments[0].as<std::shared_ptr<List>>();
    const auto *one = list && (*list)->size() == 1 ? (**list)[0].as<TensorPtr>() : nullptr;
    if (!one || !(*one)->each_place) return std::nullopt;
    const ValueId id = (*one)->id;
    if (name == "aten::len") return Value(b.shape(id)[0]);
    if (name != "aten::__getitem__") return std::nullopt;
    if (const auto *place = arguments[1].as<EachPlace>(); place && place->count == b.shape(id)[0])
        return Value(tensor_of(id, 0));
    const auto *place = arguments[1].as<Extent>();
    return place ? std::optional(Value(select_tensor(b, tensor_of(id), 0, *place))) : std::nullopt;
}

void add_joins(Registry &to) {
    const Entry entries[] = {
        {"aten::repeat", "self repeats", &repeat},
        {"aten::tile", "self dims", &repeat},
        {"aten::repeat_interleave", "self repeats dim", &repeat_interleave},
        {"aten::cat", "tensors dim", &concat},
        {"aten::concat", "tensors dim", &concat},
        {"aten::concatenate", "tensors dim", &concat},
        {"aten::hstack", "tensors", &concat},
        {"aten::stack", "tensors dim", &stack},
        {"aten::split", "self split_size split_sizes dim", &split},
        {"aten::split_with_sizes", "self split_sizes dim", &split},
        {"aten::unsafe_split", "self split_size dim", &without_base<split>},
        {"aten::unsafe_split_with_sizes", "self split_sizes dim", &without_base<split>},
        {"aten::tensor_split", "self sections indices dim tensor_indices_or_sections=", &tensor_split},
        {"aten::chunk", "self chunks dim", &chunk},
        {"aten::unsafe_chunk", "self chunks dim", &without_base<chunk>},
        {"aten::unbind", "self dim", &unbind},
        {"aten::roll", "self shifts dims", &roll},
        {"aten::flip", "self dims", &flip},
        {"aten::pad", "self pad mode value", &pad},
        {"aten::constant_pad_nd", "self pad value", &pad},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
