// SPDX-License-Identifier: Apache-2.0
// Grids, diagonals, blocks and other rearrangements of elements; and series of evenly spaced numbers.
#include <algorithm>
#include <cmath>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

ValueId flat(Builder &b, ValueId x) {
    const auto whole = lib::product(b.shape(x));
    if (!whole) throw Unsupported{"cannot flatten " + to_string(b.shape(x))};
    return b.rank(x) == 1 ? x : b.reshape(x, {*whole});
}

// A quarter turn, `k` times.
Value quarter_turns(Call &call) {
    const int64_t turns = ((call.integer("k", 1) % 4) + 4) % 4;
    const auto axes = call.integers("dims");
    if (axes.size() != 2) throw Unsupported{"a turn in other than two axes"};
    Value x = call.at("self");
    auto flipped = [&](int64_t axis) {
        x = lower_as(call, "aten::flip", {{"self", x}, {"dims", list_of({Extent::of(axis)})}});
    };
    auto exchanged = [&] {
        x = lower_as(call, "aten::transpose",
                     {{"self", x}, {"dim0", Extent::of(axes[0])}, {"dim1", Extent::of(axes[1])}});
    };
    if (turns == 0) return lower_as(call, "aten::clone", {{"self", x}});
    if (turns == 1) flipped(axes[1]);
    if (turns == 2) flipped(axes[0]);
    if (turns == 2) flipped(axes[1]);
    if (turns % 2 == 1) exchanged();
    if (turns == 3) flipped(axes[1]);
    return x;
}

// Every element of x times all of y.
Value kronecker(Call &call) {
    Builder &b = call.b;
    const std::vector<TensorPtr> given{call.tensor("self"), call.tensor("other")};
    const DType dtype = promote(b, given);
    ValueId x = b.cast(plain(b, *given[0]), dtype), y = b.cast(plain(b, *given[1]), dtype);
    while (b.rank(x) < b.rank(y)) x = b.unsqueeze(x, 0);
    while (b.rank(y) < b.rank(x)) y = b.unsqueeze(y, 0);
    const Extents of_x = b.shape(x), of_y = b.shape(y);
    Extents wide_x, wide_y, shape;
    for (size_t i = 0; i < of_x.size(); ++i) {
        const auto whole = of_x[i] * of_y[i];
        if (!whole || (of_y[i].batch && !of_x[i].is(1))) throw Unsupported{"mixes rows: multiplies all of them by all"};
        wide_x.insert(wide_x.end(), {of_x[i], Extent::of(1)});
        wide_y.insert(wide_y.end(), {Extent::of(1), of_y[i]});
        shape.push_back(*whole);
    }
    return result(b.reshape(b.binary(Op::mul, b.reshape(x, wide_x), b.reshape(y, wide_y)), shape));
}

// Matrices along a diagonal, zeros beside them.
Value blocks(Call &call) {
    Builder &b = call.b;
    const std::vector<TensorPtr> parts = call.tensors("tensors");
    if (parts.empty()) throw Unsupported{"joins nothing"};
    const DType dtype = promote(b, parts);
    std::vector<ValueId> matrices;
    Extent width = Extent::of(0);
    for (const TensorPtr &part : parts) {
        ValueId x = b.cast(plain(b, *part), dtype);
        while (b.rank(x) < 2) x = b.unsqueeze(x, 0);
        if (b.shape(x)[0].batch || b.shape(x)[1].batch) throw Unsupported{"mixes rows: sets them on a diagonal"};
        matrices.push_back(x);
        width = *(width + b.shape(x)[1]);
    }
    Extent before = Extent::of(0);
    for (ValueId &x : matrices) {
        const Extent height = b.shape(x)[0], own = b.shape(x)[1];
        const Extent after = *(*(width - before) - own);
        x = b.concat({b.full(0, {height, before}, dtype), x, b.full(0, {height, after}, dtype)}, 1);
        before = *(before + own);
    }
    return result(b.concat(matrices, 0));
}

// Each of several lines along an axis of its own.
std::vector<ValueId> grid(Builder &b, const std::vector<TensorPtr> &lines) {
    std::vector<ValueId> ids;
    Extents shape;
    for (const TensorPtr &line : lines) {
        ids.push_back(flat(b, plain(b, *line)));
        shape.push_back(b.shape(ids.back())[0]);
        if (shape.back().batch) throw Unsupported{"mixes rows: a grid of them"};
    }
    for (size_t i = 0; i < ids.size(); ++i) {
        Extents own(shape.size(), Extent::of(1));
        own[i] = shape[i];
        ids[i] = b.expand(b.reshape(ids[i], own), shape);
    }
    return ids;
}
Value meshgrid(Call &call) {
    const std::string indexing = call.find("indexing") ? call.text("indexing") : "ij";
    std::vector<TensorPtr> lines = call.tensors("tensors");
    const bool turned = indexing == "xy" && lines.size() >= 2;
    if (turned) std::swap(lines[0], lines[1]);
    List made;
    for (ValueId id : grid(call.b, lines)) made.push_back(result(id));
    if (turned) std::swap(made[0], made[1]);
    return list_of(std::move(made));
}
Value cartesian_product(Call &call) {
    Builder &b = call.b;
    const std::vector<TensorPtr> lines = call.tensors("tensors");
    if (lines.size() == 1) return lines[0];
    std::vector<ValueId> columns;
    for (ValueId id : grid(b, lines)) columns.push_back(b.unsqueeze(flat(b, id), 1));
    return result(b.concat(columns, 1));
}
// All choices of r elements, in order.
Value combinations(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const int64_t r = call.integer("r", 2);
    const bool again = call.flag("with_replacement");
    const Extent size = b.rank(x) == 1 ? b.shape(x)[0] : Extent::rows();
    if (!size.known() || r < 1 || r > 4 || size.terms[0] > 64) throw Unsupported{"choices of " + to_string(b.shape(x))};
    std::vector<std::vector<int64_t>> chosen{{}};
    for (int64_t k = 0; k < r; ++k) {
        std::vector<std::vector<int64_t>> longer;
        for (const auto &one : chosen)
            for (int64_t i = one.empty() ? 0 : one.back() + (again ? 0 : 1); i < size.terms[0]; ++i) {
                longer.push_back(one);
                longer.back().push_back(i);
            }
        chosen = std::move(longer);
    }
    if (chosen.empty()) throw Unsupported{"no choices"};
    std::vector<int64_t> places;
    for (const auto &one : chosen) places.insert(places.end(), one.begin(), one.end());
    const auto count = static_cast<int64_t>(chosen.size());
    const ValueId at = b.constant(DType::int64, {count * r}, places.data());
    return result(b.reshape(b.add(Op::gather, {x, at}, {.axis = 0}), {Extent::of(count), Extent::of(r)}));
}

// A diagonal of a matrix, or a line as one.
Value diagonal_or_matrix(Call &call) {
    const char *offset = call.find("diagonal") ? "diagonal" : "offset";
    const TensorPtr x = call.tensor("self");
    const bool line = call.name == "aten::diagflat" || shape_of(call.b, *x).size() == 1;
    if (!line)
        return lower_as(call, "aten::diagonal",
                        {{"self", x}, {"offset", call.at(offset)}, {"dim1", Extent::of(0)}, {"dim2", Extent::of(1)}});
    const ValueId flattened = flat(call.b, plain(call.b, *x));
    if (call.b.shape(flattened)[0].batch) throw Unsupported{"mixes rows: sets them on a diagonal"};
    return lower_as(call, "aten::diag_embed", {{"self", tensor_of(flattened)}, {"offset", call.at(offset)}});
}
Value trace(Call &call) {
    const Value line =
        lower_as(call, "aten::diagonal", {{"self", call.at("self")}, {"dim1", Extent::of(0)}, {"dim2", Extent::of(1)}});
    return result(call.b.reduce(Op::reduce_sum, (*line.as<TensorPtr>())->id, 0, false));
}

// Sequences of other lengths side by side, filled up.
Value padded_sequences(Call &call) {
    Builder &b = call.b;
    const double value = call.real("padding_value", 0);
    const bool right = !call.find("padding_side") || call.text("padding_side") == "right";
    std::vector<ValueId> parts;
    int64_t longest = 0;
    for (const TensorPtr &part : call.tensors("sequences")) {
        parts.push_back(plain(b, *part));
        const Extent size = b.rank(parts.back()) == 0 ? Extent::rows() : b.shape(parts.back())[0];
        if (!size.known()) throw Unsupported{"fills up sequences of " + to_string(size)};
        longest = std::max(longest, size.terms[0]);
    }
    for (ValueId &part : parts) {
        Extents shape = b.shape(part);
        shape[0] = Extent::of(longest - shape[0].terms[0]);
        const ValueId fill = b.full(value, shape, b.dtype(part));
        if (!shape[0].is(0)) part = b.concat(right ? std::vector{part, fill} : std::vector{fill, part}, 0);
        part = b.unsqueeze(part, 0);
    }
    if (parts.empty()) throw Unsupported{"joins nothing"};
    const ValueId all = b.concat(parts, 0);
    return result(call.flag("batch_first") ? all : b.move_axis(all, 0, 1));
}

// Elements of a table without rows, counted through all of its axes.
Value taken(Call &call) {
    const ValueId table = flat(call.b, call.id("self"));
    if (call.b.shape(table)[0].batch) throw Unsupported{"mixes rows: takes elements of all"};
    return lower_as(call, "aten::index", {{"self", tensor_of(table)}, {"indices", list_of({call.at("index")})}});
}

// Summed over what a smaller shape broadcast over.
Value summed_to(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("self");
    const Extents to = call.sizes("size");
    if (to.size() > b.rank(x)) throw Unsupported{"sums to more axes than there are"};
    while (b.rank(x) > to.size()) x = b.reduce(Op::reduce_sum, x, 0, false);
    for (size_t i = 0; i < to.size(); ++i)
        if (to[i].is(1) && !b.shape(x)[i].is(1)) x = b.reduce(Op::reduce_sum, x, i, true);
    if (b.shape(x) != to) throw Unsupported{"sums " + to_string(b.shape(x)) + " to " + to_string(to)};
    return result(x);
}

// From one number to another in even steps, of which either may depend on data that all rows share.
Term even_steps(Call &call) {
    Builder &b = call.b;
    const ValueId first = call.float_id("start"), last = call.float_id("end");
    const int64_t count = call.integer("steps");
    if (b.rank(first) != 0 || b.rank(last) != 0 || count < 1 || count > 4096)
        throw Unsupported{"steps between several numbers"};
    if (call.dtype("dtype").value_or(DType::float32) != DType::float32) throw Unsupported{"steps of another dtype"};
    require_strided(call);
    std::vector<double> shares;
    for (int64_t i = 0; i < count; ++i)
        shares.push_back(count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1));
    const Term way{&b, b.floats(shares)};
    return Term{&b, first} * (1.0 - way) + Term{&b, last} * way;
}
Value linear_steps(Call &call) { return result(even_steps(call).id); }
Value logarithmic_steps(Call &call) { return result(apply(Op::pow, call.real("base", 10), even_steps(call)).id); }

// Each slice along an axis, of a norm of at most `maxnorm`.
Value norms_limited(Call &call) {
    Builder &b = call.b;
    const Term x{&b, call.float_id("self")};
    const size_t own = call.axis("dim", b.rank(x.id));
    std::vector<size_t> others;
    for (size_t i = 0; i < b.rank(x.id); ++i)
        if (i != own) others.push_back(i);
    const double most = call.real("maxnorm");
    const Term size{&b, vector_norm(b, x.id, call.real("p"), others, true)};
    return result((x * choose(size > most, most / (size + 1e-7), term(x, 1.0))).id);
}
Value norm_of_gap(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"), true);
    const ValueId gap = b.binary(Op::sub, pair.a, pair.b);
    std::vector<size_t> axes(b.rank(gap));
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = i;
    return result(vector_norm(b, gap, call.real("p", 2), axes, false));
}
// Of all axes but one; -1 means of all.
Value norm_of_others(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("v");
    const int64_t own = call.integer("dim", 0);
    std::vector<size_t> axes;
    for (size_t i = 0; i < b.rank(x); ++i)
        if (static_cast<int64_t>(i) != own) axes.push_back(i);
    return result(vector_norm(b, x, call.real("pow", 2), axes, own != -1));
}

// beta self + alpha times the sum of the products of matrices.
Value add_sum_of_products(Call &call) {
    Builder &b = call.b;
    const ValueId product = b.matmul(call.id("batch1"), call.id("batch2"));
    const Term sum = Term{&b, b.reduce(Op::reduce_sum, product, 0, false)} * call.real("alpha", 1);
    const double beta = call.real("beta", 1);
    return result(beta == 0 ? sum.id : (Term{&b, call.float_id("self")} * beta + sum).id);
}

}  // namespace

void add_rearrangements(Registry &to) {
    const Entry entries[] = {
        {"aten::rot90", "self k dims", &quarter_turns},
        {"aten::kron", "self other", &kronecker},
        {"aten::block_diag", "tensors", &blocks},
        {"aten::meshgrid", "tensors indexing", &meshgrid},
        {"aten::cartesian_prod", "tensors", &cartesian_product},
        {"aten::combinations", "self r with_replacement", &combinations},
        {"aten::diag", "self diagonal", &diagonal_or_matrix},
        {"aten::diagflat", "self offset", &diagonal_or_matrix},
        {"aten::trace", "self", &trace},
        {"aten::pad_sequence", "sequences batch_first padding_value padding_side", &padded_sequences},
        {"aten::take", "self index", &taken},
        {"aten::sum_to_size", "self size", &summed_to},
        {"aten::linspace", "start end steps dtype layout", &linear_steps},
        {"aten::logspace", "start end steps base dtype layout", &logarithmic_steps},
        {"aten::renorm", "self p dim maxnorm", &norms_limited},
        {"aten::dist", "self other p", &norm_of_gap},
        {"aten::norm_except_dim", "v pow dim", &norm_of_others},
        {"aten::addbmm", "self batch1 batch2 beta alpha", &add_sum_of_products},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
