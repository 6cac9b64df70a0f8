// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

// The physical shape of a merged tensor has one axis more than `shape`.
Extents merge(Extents shape, size_t axis) {
    const auto whole = shape[axis] * shape[axis + 1];
    if (!whole) throw Unsupported{"a size of " + to_string(shape)};
    shape[axis] = *whole;
    shape.erase(shape.begin() + static_cast<ptrdiff_t>(axis) + 1);
    return shape;
}

std::optional<size_t> axis_of_rows(const Extents &shape) {
    for (size_t i = 0; i < shape.size(); ++i)
        if (shape[i].batch) return i;
    return std::nullopt;
}

// Of a Python number: float32, until it stands beside float64.
DType narrowed(DType dtype) { return dtype == DType::float64 ? DType::float32 : dtype; }

Extent before(const Extents &shape, size_t axis) {
    return lib::product(Extents(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(axis))).value_or(Extent::of(-1));
}

}  // namespace

static Extents shape_of(const Tensor &tensor) {
    switch (tensor.kind) {
        case Tensor::Kind::folded: {
            Extents shape;
            for (int64_t size : tensor.folded->shape()) shape.push_back(Extent::of(size));
            return shape;
        }
        case Tensor::Kind::row_index:
        case Tensor::Kind::row_counts:
            return tensor.rows.shape;
        default:
            return {};
    }
}

Extents shape_of(const Builder &builder, const Tensor &tensor) {
    if (tensor.kind == Tensor::Kind::carried) return builder.shape(tensor.id);
    if (tensor.kind != Tensor::Kind::graph) return shape_of(tensor);
    Extents shape = builder.shape(tensor.id);
    if (tensor.foreign == Foreign::complex64) shape.pop_back();
    return tensor.merged ? merge(shape, *tensor.merged) : shape;
}

static void require_native(const Tensor &tensor) {
    static constexpr const char *kReasons[] = {"float16 computation", "bfloat16 computation", "complex numbers"};
    if (const auto foreign = foreign_of(tensor)) throw Unsupported{kReasons[static_cast<size_t>(*foreign)]};
}

DType dtype_of(const Builder &builder, const Tensor &tensor) {
    require_native(tensor);
    if (tensor.kind == Tensor::Kind::graph || tensor.kind == Tensor::Kind::carried) return builder.dtype(tensor.id);
    if (tensor.kind == Tensor::Kind::folded) return tensor.folded->dtype();
    return DType::int64;
}

std::optional<Foreign> foreign_of(const Tensor &tensor) {
    return tensor.kind == Tensor::Kind::folded ? tensor.folded->foreign() : tensor.foreign;
}

TensorPtr as_it_stands(Builder &b, const TensorPtr &tensor) {
    if (!foreign_of(*tensor)) return tensor;
    require_fresh(*tensor);
    auto made = std::make_shared<Tensor>(*tensor);
    if (tensor->kind == Tensor::Kind::folded) made->id = b.constant(tensor->folded);
    made->kind = Tensor::Kind::graph;
    made->folded.reset();
    made->foreign.reset();
    return made;
}

TensorPtr standing_for(Foreign foreign, const Tensor &tensor) {
    auto made = std::make_shared<Tensor>(tensor);
    made->foreign = foreign;
    return made;
}

TensorPtr tensor_of(ValueId id, std::optional<size_t> merged) {
    auto tensor = std::make_shared<Tensor>();
    tensor->id = id;
    tensor->merged = merged;
    return tensor;
}

void require_fresh(const Tensor &tensor) {
    if (tensor.version != tensor.storage->version)
        throw Unsupported{"reads a view of a tensor that was written through another"};
}

ValueId apart(Builder &b, const Tensor &tensor) {
    require_fresh(tensor);
    require_native(tensor);
    switch (tensor.kind) {
        case Tensor::Kind::graph:
            return tensor.id;
        case Tensor::Kind::folded:
            return tensor.number ? b.cast(b.constant(tensor.folded), narrowed(tensor.folded->dtype()))
                                 : b.constant(tensor.folded);
        case Tensor::Kind::size:
            if (tensor.size.batch) throw Unsupported{"computes with the number of rows"};
            return b.full_int(tensor.size, {});
        case Tensor::Kind::carried:
            throw Unsupported{"a loop over places whose state goes through more than a recurrent cell"};
        default:
            throw Unsupported{"computes with row numbers"};
    }
}

ValueId plain(Builder &b, const Tensor &tensor) {
    const ValueId id = apart(b, tensor);
    if (tensor.merged)
        throw Unsupported{"mixes rows: an axis of " + to_string(shape_of(b, tensor)) + " holds positions before rows"};
    return id;
}

// `base` with a value of one place at the view's, where that is one of its own.
static ValueId at_place(Builder &b, ValueId base, const ViewOf &view, ValueId value) {
    if (!b.shape(value)[view.axis].is(1)) throw Unsupported{"writes several places in a round of a loop over places"};
    Extents line(b.rank(base), Extent::of(1));
    line[view.axis] = b.shape(base)[view.axis];
    const ValueId here = b.binary(Op::equal, b.iota(line[view.axis]), b.full_int(view.start, {}));
    return b.where(b.reshape(here, line), value, base);
}

void write(Builder &b, const TensorPtr &target, ValueId value) {
    require_fresh(*target);
    if (target->kind == Tensor::Kind::folded && !target->folded->alone())
        throw Unsupported{"writes into a weight, a constant or memory that others look at"};
    if (target->merged || target->kind == Tensor::Kind::row_index || target->kind == Tensor::Kind::row_counts ||
        target->kind == Tensor::Kind::carried)
        throw Unsupported{"writes into rows numbered anew"};
    if (b.round) value = b.where(b.round->reached, value, apart(b, *target));
    const int64_t version = ++target->storage->version;
    TensorPtr one = target;
    for (;;) {
        one->kind = Tensor::Kind::graph;
        one->id = value;
        one->version = version;
        one->folded.reset();
        if (!one->view) return;
        const ViewOf &view = *one->view;
        if (view.base->version != version - 1 && view.base->version != version)
            throw Unsupported{"writes into a view of a tensor that was written through another"};
        if (view.base->merged) throw Unsupported{"writes into rows numbered anew"};
        const ValueId base = view.base->id;
        if (view.squeezed) value = b.unsqueeze(value, view.axis);
        const Extent whole = b.shape(base)[view.axis], size = b.shape(value)[view.axis];
        if (b.round && !whole.known()) {  // the place may be none
            value = at_place(b, base, view, value);
            one = TensorPtr(view.base);
            continue;
        }
        const auto end = view.start + size;
        const auto rest = end ? whole - *end : std::nullopt;
        if (!rest) throw Unsupported{"writes into a view whose place depends on sizes"};
        std::vector<ValueId> parts;
        if (!view.start.is(0)) parts.push_back(b.slice(base, view.axis, Extent::of(0), view.start));
        parts.push_back(value);
        if (!rest->is(0)) parts.push_back(b.slice(base, view.axis, *end, *rest));
        value = b.concat(parts, view.axis);
        one = TensorPtr(view.base);
    }
}

Aligned align(Builder &b, const std::vector<TensorPtr> &tensors) {
    // Places are counted from the right, where broadcasting starts.
    Aligned aligned;
    size_t rank = 0;
    std::optional<size_t> right;
    Extent merged_size;
    for (const TensorPtr &tensor : tensors) {
        const Extents shape = shape_of(b, *tensor);
        rank = std::max(rank, shape.size());
        if (!tensor->merged) continue;
        const size_t place = shape.size() - 1 - *tensor->merged;
        const Extent first = b.shape(tensor->id)[*tensor->merged];
        if (right && (*right != place || merged_size != first))
            throw Unsupported{"mixes rows that are numbered in two ways"};
        right = place;
        merged_size = first;
    }
    for (const TensorPtr &tensor : tensors) {
        ValueId id = apart(b, *tensor);
        if (right && !tensor->merged) {
            const Extents shape = b.shape(id);
            if (shape.size() > *right) {
                const size_t axis = shape.size() - 1 - *right;
                if (!shape[axis].is(1)) throw Unsupported{"mixes rows that are numbered in two ways"};
                id = b.unsqueeze(id, axis);
            }
        }
        aligned.ids.push_back(id);
    }
    if (right) aligned.merged = rank - 1 - *right;
    return aligned;
}

DType promote(const Builder &b, const std::vector<TensorPtr> &tensors) {
    auto category = [](DType dtype) {
        return dtype == DType::boolean ? 0 : dtype == DType::float32 || dtype == DType::float64 ? 2 : 1;
    };
    auto wider = [&](std::optional<DType> a, DType x) {
        if (!a) return x;
        if (category(*a) != category(x)) return category(*a) > category(x) ? *a : x;
        return *a == DType::float64 || x == DType::float64 ? DType::float64 : *a;
    };
    // at::result_type: tensors with axes decide, then those without, then Python numbers, unless of a higher category.
    std::optional<DType> levels[3];
    for (const TensorPtr &tensor : tensors) {
        const DType dtype = dtype_of(b, *tensor);
        auto &level = levels[tensor->number ? 2 : shape_of(b, *tensor).empty() ? 1 : 0];
        level = wider(level, tensor->number ? narrowed(dtype) : dtype);
    }
    std::optional<DType> found;
    for (const auto &level : levels)
        if (level && (!found || category(*level) > category(*found))) found = level;
    return *found == DType::int32 ? DType::int64 : *found;
}

ValueId as_type(Builder &b, const Tensor &tensor, ValueId id, DType dtype) {
    if (!tensor.number || dtype != DType::float64) return b.cast(id, dtype);
    if (tensor.folded) return b.full(tensor.folded->numbers().at(0), {}, dtype);
    const lib::Node &node = b.graph().node(id);
    return node.op == Op::full && node.type.dtype == DType::float32 ? b.full(node.attributes.value, {}, dtype)
                                                                    : b.cast(id, dtype);
}

TensorPtr reshape(Builder &b, const Tensor &tensor, const Extents &shape) {
    if (tensor.kind == Tensor::Kind::row_index) {
        if (lib::product(shape) != lib::product(tensor.rows.shape))
            throw Unsupported{"row numbers as " + to_string(shape)};
        auto made = std::make_shared<Tensor>(tensor);
        made->rows.shape = shape;
        return made;
    }
    const ValueId id = apart(b, tensor);
    const Extents from = b.shape(id);
    const auto rows = axis_of_rows(from), to = axis_of_rows(shape);
    if (!rows || !to) return tensor_of(b.reshape(id, shape));
    const Extent first = before(from, *rows), second = before(shape, *to);
    if (first == second) return tensor_of(b.reshape(id, shape));
    // [length, batch, ...] to [length * batch, ...]: the two stay apart.
    const auto ratio = exact_quotient(first, second);
    const auto rest = ratio ? exact_quotient(shape[*to], *ratio) : std::nullopt;
    if (!ratio || !rest) throw Unsupported{"mixes rows: " + to_string(from) + " as " + to_string(shape)};
    Extents split = shape;
    split[*to] = *ratio;
    split.insert(split.begin() + static_cast<ptrdiff_t>(*to) + 1, *rest);
    return tensor_of(b.reshape(id, split), *to);
}

}  // namespace weighbridge::torch_plugin
