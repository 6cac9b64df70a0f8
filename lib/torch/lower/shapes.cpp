// SPDX-License-Identifier: Apache-2.0
// Idioms of shapes and products that are formulas of several operators.
#include <algorithm>
#include <numeric>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

std::string letters(size_t first, size_t count) {
    std::string text(count, 'a');
    std::iota(text.begin(), text.end(), static_cast<char>('a' + first));
    return text;
}

ValueId by_einsum(Call &call, const std::string &equation, const std::vector<TensorPtr> &tensors) {
    List list(tensors.begin(), tensors.end());
    const Value made = lower_as(call, "aten::einsum", {{"equation", equation}, {"tensors", list_of(std::move(list))}});
    return plain(call.b, **made.as<TensorPtr>());
}

// The axes of self but its last, then those of other but its last.
Value inner(Call &call) {
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const size_t first = shape_of(call.b, *x).size(), second = shape_of(call.b, *y).size();
    if (first == 0 || second == 0) return lower_as(call, "aten::mul", {{"self", x}, {"other", y}});
    const std::string left = letters(0, first - 1), right = letters(first - 1, second - 1);
    return result(by_einsum(call, left + "z," + right + "z->" + left + right, {x, y}));
}

Value outer(Call &call) { return result(by_einsum(call, "a,b->ab", {call.tensor("self"), call.tensor("vec2")})); }

// beta self + alpha (vec1 outer vec2)
Value add_outer(Call &call) {
    Term product{&call.b, by_einsum(call, "a,b->ab", {call.tensor("vec1"), call.tensor("vec2")})};
    const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
    if (alpha != 1) product = product * alpha;
    if (beta == 0) return result(product.id);
    Term self{&call.b, call.float_id("self")};
    if (beta != 1) self = self * beta;
    return result((self + product).id);
}

Value tensordot(Call &call) {
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const size_t first = shape_of(call.b, *x).size(), second = shape_of(call.b, *y).size();
    const auto of_x = call.integers("dims_self"), of_y = call.integers("dims_other");
    if (of_x.size() != of_y.size()) throw Unsupported{"sums over other numbers of axes"};
    std::string left = letters(0, first), right = letters(first, second), out;
    std::string summed;
    for (size_t i = 0; i < of_x.size(); ++i) {
        char &letter = left[wrap_axis(of_x[i], first)];
        right[wrap_axis(of_y[i], second)] = letter;
        summed += letter;
    }
    for (char letter : left + right)
        if (summed.find(letter) == std::string::npos) out += letter;
    return result(by_einsum(call, left + "," + right + "->" + out, {x, y}));
}

Value chain_of_products(Call &call) {
    const std::vector<TensorPtr> matrices = call.tensors(call.find("tensors") ? "tensors" : "matrices");
    if (matrices.empty()) throw Unsupported{"a product of nothing"};
    ValueId product = plain(call.b, *matrices[0]);
    for (size_t i = 1; i < matrices.size(); ++i) product = call.b.matmul(product, plain(call.b, *matrices[i]));
    return result(product);
}

Value dot_along(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("x"), call.tensor("y"));
    const ValueId product = b.binary(Op::mul, pair.a, pair.b);
    if (pair.merged) throw Unsupported{"mixes rows: an axis holds positions before rows"};
    return result(b.reduce(Op::reduce_sum, product, call.axis("dim", b.rank(product)), false));
}

// A distance of each of x1's vectors from each of x2's.
Value distances(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("x1"), y = call.float_id("x2");
    if (b.rank(x) < 2 || b.rank(y) < 2) throw Unsupported{"distances between fewer than two axes"};
    if (b.shape(x)[b.rank(x) - 2].batch && b.shape(y)[b.rank(y) - 2].batch)
        throw Unsupported{"mixes rows: distances between them"};
    const Term gap = Term{&b, b.unsqueeze(x, b.rank(x) - 1)} - Term{&b, b.unsqueeze(y, b.rank(y) - 2)};
    return result(vector_norm(b, gap.id, call.real("p", 2), {b.rank(gap.id) - 1}, false));
}

Value cross_product(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"));
    const Extents shape = b.shape(pair.a);
    if (pair.merged || shape != b.shape(pair.b)) throw Unsupported{"a cross product of two shapes"};
    size_t axis = shape.size() - 1;
    if (call.has("dim") || call.name == "aten::linalg_cross")
        axis = wrap_axis(call.integer("dim", -1), shape.size());
    else
        while (axis > 0 && std::any_of(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(axis),
                                       [](const Extent &size) { return size.is(3); }))
            --axis;  // the first axis of three
    if (!shape[axis].is(3)) throw Unsupported{"a cross product along " + to_string(shape[axis])};
    auto part = [&](ValueId x, int64_t i) { return Term{&b, b.slice(x, axis, Extent::of(i % 3), Extent::of(1))}; };
    std::vector<ValueId> parts;
    for (int64_t i = 0; i < 3; ++i)
        parts.push_back((part(pair.a, i + 1) * part(pair.b, i + 2) - part(pair.a, i + 2) * part(pair.b, i + 1)).id);
    return result(b.concat(parts, axis));
}

// At least `axes` axes, as at::atleast_2d and at::atleast_3d add them.
ValueId with_axes(Builder &b, ValueId x, size_t axes) {
    if (b.rank(x) == 0) x = b.reshape(x, {Extent::of(1)});
    if (axes >= 2 && b.rank(x) == 1) x = b.unsqueeze(x, 0);
    if (axes >= 3 && b.rank(x) == 2) x = b.unsqueeze(x, 2);
    return x;
}

template <size_t axes>
Value at_least_axes(Call &call) {
    if (!call.find("tensors")) return result(with_axes(call.b, call.id("self"), axes));
    List list;
    for (const TensorPtr &one : call.tensors("tensors"))
        list.push_back(result(with_axes(call.b, plain(call.b, *one), axes)));
    return list_of(std::move(list));
}

// Joined along an axis, of parts that have at least `axes` axes.
Value joined(Call &call, size_t axis, ValueId (*shaped)(Builder &, ValueId)) {
    const std::vector<TensorPtr> parts = call.tensors("tensors");
    if (parts.empty()) throw Unsupported{"joins nothing"};
    const DType dtype = promote(call.b, parts);
    std::vector<ValueId> ids;
    for (const TensorPtr &part : parts) ids.push_back(call.b.cast(shaped(call.b, plain(call.b, *part)), dtype));
    return result(call.b.concat(ids, axis));
}
Value column_stack(Call &call) {
    return joined(call, 1, [](Builder &b, ValueId x) {
        if (b.rank(x) >= 2) return x;
        return b.reshape(x, {b.rank(x) == 0 ? Extent::of(1) : b.shape(x)[0], Extent::of(1)});
    });
}
Value row_stack(Call &call) {
    return joined(call, 0, [](Builder &b, ValueId x) { return with_axes(b, x, 2); });
}
Value depth_stack(Call &call) {
    return joined(call, 2, [](Builder &b, ValueId x) { return with_axes(b, x, 3); });
}

// `shape` as wide as `own` makes it.
void widen(Extents &shape, const Extents &own) {
    if (own.size() > shape.size()) shape.insert(shape.begin(), own.size() - shape.size(), Extent::of(1));
    for (size_t i = 1; i <= own.size(); ++i) {
        const Extent size = own[own.size() - i];
        Extent &whole = shape[shape.size() - i];
        if (!whole.is(1) && !size.is(1) && whole != size)
            throw Unsupported{"broadcasts " + to_string(own) + " with " + to_string(shape)};
        if (whole.is(1)) whole = size;
    }
}

Value broadcast_shapes(Call &call) {
    Extents shape = call.sizes("self");
    widen(shape, call.sizes("other"));
    return list_of(List(shape.begin(), shape.end()));
}

Value broadcast(Call &call) {
    const std::vector<TensorPtr> tensors = call.tensors("tensors");
    const Aligned aligned = align(call.b, tensors);
    Extents shape;
    for (ValueId id : aligned.ids) widen(shape, call.b.shape(id));
    List list;
    for (size_t i = 0; i < tensors.size(); ++i)
        list.push_back(as_view(tensors[i], tensor_of(call.b.expand(aligned.ids[i], shape), aligned.merged)));
    return list_of(std::move(list));
}

// The elements (i, i + offset) of two axes, on a new last one.
Value diagonal(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id(call.find("A") ? "A" : "self");
    const size_t rank = b.rank(x), first = call.axis("dim1", rank), second = call.axis("dim2", rank);
    if (first == second) throw Unsupported{"a diagonal of one axis"};
    std::vector<size_t> order;
    for (size_t i = 0; i < rank; ++i)
        if (i != first && i != second) order.push_back(i);
    order.push_back(first);
    order.push_back(second);
    const Extents from = b.shape(x);
    if (!from[first].known() || !from[second].known())
        throw Unsupported{"a diagonal of " + to_string(from) + "; multiply by a mask and sum"};
    const int64_t height = from[first].terms[0], width = from[second].terms[0], offset = call.integer("offset", 0);
    const int64_t count =
        std::max<int64_t>(0, std::min(height - std::max<int64_t>(0, -offset), width - std::max<int64_t>(0, offset)));
    const ValueId moved = b.permute(x, order);
    Extents flat = b.shape(moved);
    flat.resize(rank - 1);
    flat.back() = Extent::of(height * width);
    const int64_t start = count == 0 ? 0 : offset >= 0 ? offset : -offset * width;
    return result(b.slice(b.reshape(moved, flat), rank - 2, Extent::of(start), Extent::of(count), width + 1));
}

// The last axis on a diagonal of two new ones.
Value diagonal_matrix(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    const size_t rank = b.rank(x);
    if (rank == 0) throw Unsupported{"a diagonal without an axis"};
    const size_t first = wrap_axis(call.integer("dim1", -2), rank + 1);
    const size_t second = wrap_axis(call.integer("dim2", -1), rank + 1);
    if (first == second || b.shape(x).back().batch) throw Unsupported{"a diagonal of one axis, or of rows"};
    const int64_t offset = call.integer("offset", 0);
    if (offset != 0) {
        Extents fill = b.shape(x);
        fill.at(rank - 1) = Extent::of(std::abs(offset));
        x = b.concat({x, b.full(0, fill, b.dtype(x))}, rank - 1);
    }
    const ValueId places = b.iota(b.shape(x).back());
    const ValueId down = b.binary(Op::add, b.unsqueeze(places, 1), b.full_int(Extent::of(offset), {}));
    const ValueId own = b.binary(Op::equal, places, offset == 0 ? b.unsqueeze(places, 1) : down);
    const ValueId spread = b.unsqueeze(x, offset > 0 ? rank : rank - 1);
    const ValueId made = b.where(own, spread, b.full(0, {}, b.dtype(x)));
    if (first + 1 == rank && second == rank) return result(made);
    std::vector<size_t> order(rank + 1);
    size_t next = 0;
    for (size_t i = 0; i <= rank; ++i) order[i] = i == first ? rank - 1 : i == second ? rank : next++;
    return result(b.permute(made, order));
}

Value flipped(Call &call, int64_t axis) {
    return lower_as(call, "aten::flip", {{"self", call.tensor("self")}, {"dims", list_of({Extent::of(axis)})}});
}

// Parts of equal size, or between places, along an axis that the operator names.
Value split_along(Call &call, int64_t axis) {
    const TensorPtr x = call.tensor("self");
    if (call.name == "aten::hsplit" && shape_of(call.b, *x).size() == 1) axis = 0;
    std::vector<Argument> arguments{{"self", x}, {"dim", Extent::of(axis)}};
    const char *name = call.find("sections") ? "sections" : "indices";
    arguments.push_back({name, call.at(name)});
    return lower_as(call, "aten::tensor_split", std::move(arguments));
}

}  // namespace

void add_shapes(Registry &to) {
    const Entry entries[] = {
        {"aten::outer", "self vec2", &outer},
        {"aten::ger", "self vec2", &outer},
        {"aten::addr", "self vec1 vec2 beta alpha", &add_outer},
        {"aten::inner", "self other", &inner},
        {"aten::vdot", "self other", &inner},
        {"aten::linalg_vecdot", "x y dim", &dot_along},
        {"aten::tensordot", "self other dims_self dims_other", &tensordot},
        {"aten::linalg_multi_dot", "tensors", &chain_of_products},
        {"aten::chain_matmul", "matrices", &chain_of_products},
        {"aten::cdist", "x1 x2 p", &distances},
        {"aten::cross", "self other dim", &cross_product},
        {"aten::linalg_cross", "self other dim", &cross_product},
        {"aten::column_stack", "tensors", &column_stack},
        {"aten::vstack", "tensors", &row_stack},
        {"aten::row_stack", "tensors", &row_stack},
        {"aten::dstack", "tensors", &depth_stack},
        {"aten::atleast_1d", "self tensors", &at_least_axes<1>},
        {"aten::atleast_2d", "self tensors", &at_least_axes<2>},
        {"aten::atleast_3d", "self tensors", &at_least_axes<3>},
        {"aten::broadcast_tensors", "tensors", &broadcast},
        {"aten::broadcast_shapes", "self other", &broadcast_shapes},
        {"aten::diagonal", "self offset dim1 dim2", &diagonal},
        {"aten::linalg_diagonal", "A offset dim1 dim2", &diagonal},
        {"aten::diag_embed", "self offset dim1 dim2", &diagonal_matrix},
        {"aten::fliplr", "self", [](Call &call) { return flipped(call, 1); }},
        {"aten::flipud", "self", [](Call &call) { return flipped(call, 0); }},
        {"aten::hsplit", "self sections indices", [](Call &call) { return split_along(call, 1); }},
        {"aten::vsplit", "self sections indices", [](Call &call) { return split_along(call, 0); }},
        {"aten::dsplit", "self sections indices", [](Call &call) { return split_along(call, 2); }},
    };
    add(to, entries);
    for (const char *name : {"aten::adjoint", "aten::mH", "aten::matrix_H"}) to.emplace(name, to.at("aten::mT"));
    to.emplace("aten::linalg_matmul", to.at("aten::matmul"));
}

}  // namespace weighbridge::torch_plugin
