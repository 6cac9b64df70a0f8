// SPDX-License-Identifier: Apache-2.0
// Operators that make tensors of sizes: filled, counted, triangular.
#include <cmath>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

ValueId filled(Builder &b, double value, const Extents &shape, DType dtype) {
    if (dtype == DType::int32) dtype = DType::int64;
    return b.full(value, shape, dtype);
}

// The dtype asked for, of a dense tensor.
DType dtype_for(const Call &call, DType otherwise) {
    require_strided(call);
    return call.dtype("dtype").value_or(otherwise);
}

template <int value>
Value constant(Call &call) {
    return result(filled(call.b, value, call.sizes("size"), dtype_for(call, DType::float32)));
}
template <int value>
Value constant_like(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = call.find("size") ? call.sizes("size") : shape_of(call.b, *x);
    const DType dtype = dtype_for(call, dtype_of(call.b, *x));
    return result(filled(call.b, value, shape, dtype));
}

Value full(Call &call) {
    const bool like = call.find("self") != nullptr;
    const Extents shape = call.find("size") ? call.sizes("size") : shape_of(call.b, *call.tensor("self"));
    const TensorPtr value = call.tensor("fill_value");
    DType dtype = dtype_for(call, dtype_of(call.b, like ? *call.tensor("self") : *value));
    if (dtype == DType::int32) dtype = DType::int64;
    return result(call.b.expand(as_type(call.b, *value, apart(call.b, *value), dtype), shape));
}

// A size, or a float that is a whole number; `real` becomes true for that.
Extent whole(const Call &call, const char *name, int64_t otherwise, bool &real) {
    if (!call.has(name)) return Extent::of(otherwise);
    if (!call.at(name).is<double>()) return call.size(name);
    real = true;
    const double value = call.real(name);
    if (!(std::abs(value) < 1e9) || value != std::floor(value))
        throw Unsupported{"expected '" + std::string(name) + "' to be a size or a whole number"};
    return Extent::of(static_cast<int64_t>(value));
}

Value arange(Call &call) {
    Builder &b = call.b;
    bool real = false;
    const Extent start = whole(call, "start", 0, real), end = whole(call, "end", 0, real);
    const Extent step = whole(call, "step", 1, real);
    const DType dtype = dtype_for(call, real ? DType::float32 : DType::int64);
    if (end.batch) {
        const auto rows = exact_quotient(end, step);
        if (!start.is(0) || !rows) throw Unsupported{"counts from " + to_string(start) + " to " + to_string(end)};
        if (dtype != DType::int64) throw Unsupported{"computes with row numbers"};
        auto made = std::make_shared<Tensor>();
        made->kind = Tensor::Kind::row_index;
        made->rows = {step, {*rows}};
        return made;
    }
    const auto reach = end - start;
    const auto count = reach ? exact_quotient(*reach, step) : std::nullopt;
    if (!count)
        throw Unsupported{"counts from " + to_string(start) + " to " + to_string(end) + " by " + to_string(step)};
    b.require_nonnegative(*count, "a count");
    ValueId x = b.iota(*count);
    if (!step.is(1)) x = b.binary(Op::mul, x, b.full_int(step, {}));
    if (!start.is(0)) x = b.binary(Op::add, x, b.full_int(start, {}));
    return result(b.cast(x, dtype));
}

// Column - row, for the last two axes.
ValueId diagonals(Builder &b, const Extent &rows, const Extent &columns) {
    return b.binary(Op::sub, b.reshape(b.iota(columns), {Extent::of(1), columns}),
                    b.reshape(b.iota(rows), {rows, Extent::of(1)}));
}

Value triangle(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const size_t rank = b.rank(x);
    if (rank < 2) throw Unsupported{"a triangle of fewer than two axes"};
    const ValueId offset = diagonals(b, b.shape(x)[rank - 2], b.shape(x)[rank - 1]);
    const ValueId diagonal = b.full_int(call.size("diagonal"), {});
    const ValueId keep = b.binary(call.name == "aten::tril" ? Op::less_equal : Op::greater_equal, offset, diagonal);
    // Of a bool mask the triangle itself is enough.
    if (b.all_true(x)) return result(b.expand(keep, b.shape(x)));
    return result(b.where(keep, x, b.full(0, {}, b.dtype(x))));
}

Value eye(Call &call) {
    const Extent rows = call.size("n"), columns = call.find("m") ? call.size("m") : rows;
    const ValueId one = call.b.binary(Op::equal, diagonals(call.b, rows, columns), call.b.full_int(Extent::of(0), {}));
    return result(call.b.cast(one, dtype_for(call, DType::float32)));
}

Value scalar(Call &call) {
    const TensorPtr x = call.tensor(call.find("s") ? "s" : call.find("t") ? "t" : "data");
    const DType dtype = dtype_for(call, dtype_of(call.b, *x));
    if (dtype != dtype_of(call.b, *x)) return result(as_type(call.b, *x, plain(call.b, *x), dtype));
    auto made = std::make_shared<Tensor>(*x);
    made->number = false;
    return made;
}

}  // namespace

void add_creation(Registry &to) {
    const Entry entries[] = {
        {"aten::zeros", "size dtype layout", &constant<0>},
        {"aten::ones", "size dtype layout", &constant<1>},
        {"aten::empty", "size dtype layout", &constant<0>},
        {"aten::zeros_like", "self dtype layout", &constant_like<0>},
        {"aten::ones_like", "self dtype layout", &constant_like<1>},
        {"aten::empty_like", "self dtype layout", &constant_like<0>},
        {"aten::new_zeros", "self size dtype layout", &constant_like<0>},
        {"aten::new_ones", "self size dtype layout", &constant_like<1>},
        {"aten::new_empty", "self size dtype layout", &constant_like<0>},
        {"aten::full", "size fill_value dtype layout", &full},
        {"aten::full_like", "self fill_value dtype layout", &full},
        {"aten::new_full", "self size fill_value dtype layout", &full},
        {"aten::arange", "start end step dtype layout", &arange},
        {"aten::tril", "self diagonal", &triangle},
        {"aten::triu", "self diagonal", &triangle},
        {"aten::eye", "n m dtype layout", &eye},
        {"aten::scalar_tensor", "s dtype layout", &scalar},
        {"aten::tensor", "t dtype", &scalar},
        {"aten::as_tensor", "t data dtype", &scalar},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
