// SPDX-License-Identifier: Apache-2.0
// Operators that make tensors of sizes: filled, counted, triangular.
#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

ValueId filled(Builder &b, double value, const Extents &shape, DType dtype) {
    if (dtype == DType::float64) throw Unsupported{"float64 computation"};
    if (dtype == DType::int32) dtype = DType::int64;
    return b.full(value, shape, dtype);
}

template <int value>
Value constant(Call &call) {
    return result(filled(call.b, value, call.sizes("size"), call.dtype("dtype").value_or(DType::float32)));
}
template <int value>
Value constant_like(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Extents shape = call.find("size") ? call.sizes("size") : shape_of(call.b, *x);
    const DType dtype = call.has("dtype") ? *call.dtype("dtype") : dtype_of(call.b, *x);
    return result(filled(call.b, value, shape, dtype));
}

Value full(Call &call) {
    const bool like = call.find("self") != nullptr;
    const Extents shape = call.find("size") ? call.sizes("size") : shape_of(call.b, *call.tensor("self"));
    const TensorPtr value = call.tensor("fill_value");
    DType dtype = dtype_of(call.b, *value);
    if (like) dtype = dtype_of(call.b, *call.tensor("self"));
    if (call.has("dtype")) dtype = *call.dtype("dtype");
    if (dtype == DType::int32) dtype = DType::int64;
    return result(call.b.expand(call.b.cast(apart(call.b, *value), dtype), shape));
}

Value arange(Call &call) {
    Builder &b = call.b;
    const Extent start = call.has("start") ? call.size("start") : Extent::of(0);
    const Extent end = call.size("end"), step = call.has("step") ? call.size("step") : Extent::of(1);
    const DType dtype = call.dtype("dtype").value_or(DType::int64);
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
    return result(call.b.cast(one, call.dtype("dtype").value_or(DType::float32)));
}

Value scalar(Call &call) {
    const TensorPtr x = call.tensor(call.find("s") ? "s" : "t");
    const DType dtype = call.has("dtype") ? *call.dtype("dtype") : dtype_of(call.b, *x);
    if (dtype != dtype_of(call.b, *x)) return result(call.b.cast(plain(call.b, *x), dtype));
    auto made = std::make_shared<Tensor>(*x);
    made->number = false;
    return made;
}

}  // namespace

void add_creation(Registry &to) {
    const std::pair<const char *, Lower> entries[] = {
        {"aten::zeros", &constant<0>},
        {"aten::ones", &constant<1>},
        {"aten::empty", &constant<0>},
        {"aten::zeros_like", &constant_like<0>},
        {"aten::ones_like", &constant_like<1>},
        {"aten::empty_like", &constant_like<0>},
        {"aten::new_zeros", &constant_like<0>},
        {"aten::new_ones", &constant_like<1>},
        {"aten::new_empty", &constant_like<0>},
        {"aten::full", &full},
        {"aten::full_like", &full},
        {"aten::new_full", &full},
        {"aten::arange", &arange},
        {"aten::tril", &triangle},
        {"aten::triu", &triangle},
        {"aten::eye", &eye},
        {"aten::scalar_tensor", &scalar},
        {"aten::tensor", &scalar},
        {"aten::as_tensor", &scalar},
    };
    for (const auto &[name, lower] : entries) to.emplace(name, lower);
}

}  // namespace weighbridge::torch_plugin
