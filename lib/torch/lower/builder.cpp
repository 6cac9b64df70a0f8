// SPDX-License-Identifier: Apache-2.0
#include "torch/lower/builder.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace weighbridge::torch_plugin {
namespace {

std::vector<int64_t> to_ints(const std::vector<size_t> &from) { return {from.begin(), from.end()}; }

}  // namespace

bool is_concrete(const Value &value) {
    if (value.is<Poison>() || value.is<Undecided>() || value.is<EachPlace>()) return false;
    if (const auto *extent = value.as<Extent>()) return extent->known();
    if (const auto *tensor = value.as<TensorPtr>())
        return (*tensor)->kind == Tensor::Kind::folded ||
               ((*tensor)->kind == Tensor::Kind::size && (*tensor)->size.known());
    auto all = [](const List &list) { return std::all_of(list.begin(), list.end(), is_concrete); };
    if (const auto *list = value.as<std::shared_ptr<List>>()) return all(**list);
    if (const auto *tuple = value.as<Tuple>()) return all(*tuple->elements);
    return !value.is<std::shared_ptr<Dict>>();
}

ValueId Builder::append(Op op, std::vector<ValueId> operands, lib::Attributes attributes) {
    auto id = graph_.add(op, std::move(operands), std::move(attributes), origin);
    if (!id) throw Unsupported{id.status().message};
    return *id;
}

ValueId Builder::add(Op op, std::vector<ValueId> operands, lib::Attributes attributes) {
    const bool doubles =
        std::any_of(operands.begin(), operands.end(), [&](ValueId id) { return dtype(id) == DType::float64; });
    for (ValueId &id : operands)
        if (const lib::Node &node = graph_.node(id);
            doubles && node.op == Op::full && node.type == lib::Type{DType::float32, {}})
            id = full(node.attributes.value, {}, DType::float64);
    if ((op == Op::embedding || op == Op::gather) && operands.size() == 2) operands[1] = required_places(operands[1]);
    if (round) keep_from_failing(op, operands, attributes);
    auto type = lib::infer(graph_, op, operands, attributes);
    if (!type) throw Unsupported{doubles ? kFloat64Computation : std::string(type.status().message)};
    if (operands.empty()) return append(op, {}, std::move(attributes));
    if (const auto same = knowledge_.repeats(op, operands, attributes, *type))
        return this->type(*same) == *type ? *same : expand(*same, type->shape);
    const Known known = knowledge_.deduce(op, operands, attributes, *type);
    if (!known.uniform) return append(op, std::move(operands), std::move(attributes));
    if (type->dtype == DType::int64) return full_int(known.least, type->shape);
    return full(*known.same(type->dtype), type->shape, type->dtype);
}

ValueId Builder::input(int64_t index, DType type, Extents sizes) {
    return append(Op::input, {}, {.index = index, .dtype = type, .shape = std::move(sizes)});
}

ValueId Builder::constant(const std::shared_ptr<const Folded> &folded) {
    const auto found = folded_.find(folded.get());
    if (found != folded_.end() && found->second.version == folded->version()) return found->second.id;
    const ValueId id = graph_.add_constant(folded->constant(), origin);
    folded_.insert_or_assign(folded.get(), ConstantKey{folded, folded->version(), id});
    return id;
}

ValueId Builder::rounded(ValueId from) {
    if (const auto found = rounded_.find(from); found != rounded_.end()) return found->second;
    const lib::Constant held = graph_.constant_of(from);
    std::vector<float> to(static_cast<size_t>(held.elements()));
    for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(held.as<double>()[i]);
    const ValueId id = constant(DType::float32, held.shape, to.data());
    rounded_[from] = id;
    return id;
}

ValueId Builder::constant(DType type_of_it, std::vector<int64_t> sizes, const void *elements) {
    return graph_.add_constant(lib::Constant::copy(type_of_it, std::move(sizes), elements), origin);
}

ValueId Builder::floats(const std::vector<double> &values) {
    std::vector<float> rounded(values.size());
    std::transform(values.begin(), values.end(), rounded.begin(), [](double x) { return static_cast<float>(x); });
    return constant(DType::float32, {static_cast<int64_t>(values.size())}, rounded.data());
}

ValueId Builder::full(double value, Extents sizes, DType type_of_it) {
    if (type_of_it == DType::int64) return full_int(Extent::of(static_cast<int64_t>(value)), std::move(sizes));
    return append(Op::full, {}, {.dtype = type_of_it, .value = value, .shape = std::move(sizes)});
}
ValueId Builder::full_int(Extent value, Extents sizes) {
    return append(Op::full, {}, {.dtype = DType::int64, .integer = value, .shape = std::move(sizes)});
}

ValueId Builder::binary(Op op, ValueId a, ValueId b) { return add(op, {a, b}); }

ValueId Builder::where(ValueId condition, ValueId a, ValueId b) { return add(Op::where, {condition, a, b}); }

ValueId Builder::cast(ValueId x, DType to) {
    if (to == DType::int32) to = DType::int64;
    if (to == DType::float32 && graph_.node(x).op == Op::constant && dtype(x) == DType::float64) return rounded(x);
    return add(Op::cast, {x}, {.dtype = to});
}

ValueId Builder::reshape(ValueId x, Extents sizes) {
    // Through the shape before, where one reshape undoes or continues another.
    const lib::Node &node = graph_.node(x);
    if (node.op == Op::reshape && shape(x) != sizes) {
        const ValueId from = node.operands[0];
        if (shape(from) == sizes) return from;
        if (lib::infer(graph_, Op::reshape, {from}, {.shape = sizes}))
            return add(Op::reshape, {from}, {.shape = sizes});
    }
    return add(Op::reshape, {x}, {.shape = std::move(sizes)});
}

ValueId Builder::permute(ValueId x, const std::vector<size_t> &order) {
    const lib::Node &node = graph_.node(x);
    if (node.op != Op::permute) return add(Op::permute, {x}, {.order = to_ints(order)});
    std::vector<size_t> both;
    for (size_t from : order) both.push_back(static_cast<size_t>(node.attributes.order[from]));
    return add(Op::permute, {node.operands[0]}, {.order = to_ints(both)});
}

ValueId Builder::slice(ValueId x, size_t axis, Extent start, Extent size, int64_t step) {
    // Of the part that it lies in, so that what else was joined is not computed for it.
    const lib::Node &node = graph_.node(x);
    if (node.op == Op::concat && node.attributes.axis == static_cast<int64_t>(axis) && step == 1 && start.known() &&
        size.known()) {
        const std::vector<ValueId> parts = node.operands;
        int64_t from = start.terms[0];
        for (ValueId part : parts) {
            const Extent here = shape(part)[axis];
            if (!here.known() || from < 0) break;
            const int64_t left = here.terms[0] - from;
            if (left > 0 && size.terms[0] >= 1 && size.terms[0] <= left)
                return slice(part, axis, Extent::of(from), size);
            from -= here.terms[0];
        }
    }
    if (round && !is_inside(start, size, shape(x)[axis], step)) return padded_slice(x, axis, start, size, step);
    return add(Op::slice, {x}, {.axis = static_cast<int64_t>(axis), .step = step, .start = start, .size = size});
}

ValueId Builder::expand(ValueId x, const Extents &to) {
    Extents padded = shape(x);
    if (padded.size() > to.size()) throw Unsupported{"cannot expand " + to_string(type(x)) + " to " + to_string(to)};
    padded.insert(padded.begin(), to.size() - padded.size(), Extent::of(1));
    if (padded.size() != rank(x)) x = reshape(x, padded);
    return add(Op::expand, {x}, {.shape = to});
}

ValueId Builder::concat(const std::vector<ValueId> &parts, size_t axis) {
    return add(Op::concat, parts, {.axis = static_cast<int64_t>(axis)});
}

ValueId Builder::unsqueeze(ValueId x, size_t axis) {
    Extents sizes = shape(x);
    sizes.insert(sizes.begin() + static_cast<ptrdiff_t>(axis), Extent::of(1));
    return reshape(x, std::move(sizes));
}

ValueId Builder::squeeze(ValueId x, size_t axis) {
    Extents sizes = shape(x);
    sizes.erase(sizes.begin() + static_cast<ptrdiff_t>(axis));
    return reshape(x, std::move(sizes));
}

ValueId Builder::move_axis(ValueId x, size_t from, size_t to) {
    if (from >= rank(x) || to >= rank(x)) throw Unsupported{"an axis that " + to_string(shape(x)) + " has not"};
    std::vector<size_t> order(rank(x));
    std::iota(order.begin(), order.end(), 0u);
    order.erase(order.begin() + static_cast<ptrdiff_t>(from));
    order.insert(order.begin() + static_cast<ptrdiff_t>(to), from);
    return permute(x, order);
}

ValueId Builder::reduce(Op op, ValueId x, size_t axis, bool kept) {
    if (shape(x)[axis].batch) throw Unsupported{"mixes rows: reduces over an axis of rows"};
    if (op != Op::reduce_sum && op != Op::reduce_mean)
        require_nonnegative(*(shape(x)[axis] - Extent::of(1)), "an axis that is not empty");
    const ValueId reduced = add(op, {x}, {.axis = static_cast<int64_t>(axis)});
    return kept ? reduced : squeeze(reduced, axis);
}

ValueId Builder::softmax(ValueId x, size_t axis) {
    if (rank(x) == 0) return full(1.0, {});
    const size_t last = rank(x) - 1;
    return move_axis(add(Op::softmax, {move_axis(x, axis, last)}), last, axis);
}

ValueId Builder::layer_norm(ValueId x, size_t axes, double epsilon, std::optional<ValueId> scale,
                            std::optional<ValueId> shift) {
    const Extents before = shape(x);
    if (axes > before.size()) throw Unsupported{"normalises more axes than there are"};
    Extents flat(before.begin(), before.end() - static_cast<ptrdiff_t>(axes));
    const auto width = lib::product(Extents(before.end() - static_cast<ptrdiff_t>(axes), before.end()));
    if (!width) throw Unsupported{"cannot normalise over " + to_string(before)};
    flat.push_back(*width);
    const ValueId a = scale ? reshape(*scale, {*width}) : full(1.0, {*width});
    const ValueId b = shift ? reshape(*shift, {*width}) : full(0.0, {*width});
    return reshape(add(Op::layer_norm, {reshape(x, flat), a, b}, {.epsilon = epsilon}), before);
}

ValueId Builder::transpose(ValueId x) {
    const size_t axes = rank(x);
    if (axes < 2) throw Unsupported{"the transpose of fewer than two axes"};
    const lib::Node &node = graph_.node(x);
    if (node.op != Op::constant || axes != 2 || dtype(x) != DType::float32) {
        std::vector<size_t> order(axes);
        std::iota(order.begin(), order.end(), 0u);
        std::swap(order[axes - 1], order[axes - 2]);
        return permute(x, order);
    }
    if (const auto found = transposed_.find(x); found != transposed_.end()) return found->second;
    const lib::Constant &from = graph_.constant_of(x);
    const auto n = static_cast<size_t>(from.shape[0]), k = static_cast<size_t>(from.shape[1]);
    std::vector<float> to(n * k);
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < k; ++j) to[j * n + i] = from.as<float>()[i * k + j];
    const ValueId id = constant(DType::float32, {from.shape[1], from.shape[0]}, to.data());
    transposed_[x] = id;
    transposed_[id] = x;
    return id;
}

ValueId Builder::linear(ValueId x, ValueId weights, std::optional<ValueId> bias) {
    if (dtype(x) == DType::float32 && graph_.node(weights).op == Op::constant && rank(weights) == 2) {
        const bool inside =
            bias && graph_.node(*bias).op == Op::constant && rank(*bias) == 1 && shape(*bias)[0] == shape(weights)[0];
        std::vector<ValueId> operands{x, weights};
        if (inside) operands.push_back(*bias);
        lib::Attributes attributes;
        attributes.bias = inside;
        const ValueId product = add(Op::linear, std::move(operands), attributes);
        return bias && !inside ? binary(Op::add, product, *bias) : product;
    }
    const ValueId product = matmul(x, transpose(weights));
    return bias ? binary(Op::add, product, *bias) : product;
}

// a [..., m, k] times b [..., k, n], each element a sum along a last axis: what a plan has for float64.
ValueId Builder::product_of_doubles(ValueId a, ValueId b) {
    constexpr int64_t kMost = 1 << 16;  // numbers a row
    const ValueId rows = unsqueeze(a, rank(a) - 1), columns = unsqueeze(transpose(b), rank(b) - 2);
    const ValueId parts = binary(Op::mul, rows, columns);
    Extents sizes = shape(parts);
    for (Extent &size : sizes) size.batch = false;
    const auto count = lib::product(sizes);
    if (!count || bounds_of(*count, least_length(), largest_length()).most.value_or(kMost + 1) > kMost)
        throw Unsupported{kFloat64Computation + " of more than 65,536 products a row"};
    return reduce(Op::reduce_sum, parts, rank(parts) - 1, false);
}

ValueId Builder::matmul(ValueId a, ValueId b) {
    if (rank(a) == 0 || rank(b) == 0) throw Unsupported{"a product of scalars"};
    const bool doubles = dtype(a) == DType::float64 && dtype(b) == DType::float64;
    if (!doubles && rank(b) == 2 && graph_.node(b).op == Op::constant) return linear(a, transpose(b), std::nullopt);
    if (rank(b) == 1 && graph_.node(b).op == Op::constant && dtype(b) == DType::float32) {
        const lib::Constant &vector = graph_.constant_of(b);
        const ValueId product = linear(a, constant(DType::float32, {1, vector.shape[0]}, vector.data.get()), {});
        return squeeze(product, rank(product) - 1);
    }
    const bool row = rank(a) == 1, column = rank(b) == 1;
    if (column) b = unsqueeze(b, 1);
    if (row) a = unsqueeze(a, 0);
    ValueId product = doubles ? product_of_doubles(a, b) : add(Op::matmul, {a, b});
    if (column) product = squeeze(product, rank(product) - 1);
    if (row) product = squeeze(product, rank(product) - (column ? 1 : 2));
    return product;
}

void Builder::require_nonnegative(const Extent &extent, const std::string &what) {
    int64_t least = least_length();
    auto holds = [&] {
        const lib::ExtentBounds bounds = bounds_of(extent, least, graph_.largest_length);
        return bounds.least && *bounds.least >= 0;
    };
    if (holds()) return;
    // A model that reads its last few positions needs as many; one that needs more would refuse most runs.
    constexpr int64_t kMost = 16;
    while (!round && least < std::min(graph_.largest_length, graph_.least_length + kMost)) {
        ++least;
        if (!holds()) continue;
        graph_.least_length = least;
        return;
    }
    throw Unsupported{"needs " + what + " for every length of at most " + std::to_string(graph_.largest_length)};
}

}  // namespace weighbridge::torch_plugin
