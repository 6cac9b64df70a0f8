// SPDX-License-Identifier: Apache-2.0
// Operators of two operands or more, element by element.
#include <cmath>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {

Pair pair_of(Call &call, const TensorPtr &x, const TensorPtr &y, bool floating) {
    DType dtype = promote(call.b, {x, y});
    if (floating && !is_real(dtype)) dtype = DType::float32;
    const Aligned aligned = align(call.b, {x, y});
    return {as_type(call.b, *x, aligned.ids[0], dtype), as_type(call.b, *y, aligned.ids[1], dtype), aligned.merged};
}

namespace {

// Sizes computed with sizes stay sizes: x.size(0) * 2 in a traced module.
std::optional<Extent> size_of_tensor(const TensorPtr &x) {
    if (x->kind == Tensor::Kind::size) return x->size;
    if (x->kind == Tensor::Kind::folded && x->folded->dtype() == DType::int64 && x->folded->shape().empty())
        return Extent::of(static_cast<int64_t>(x->folded->numbers()[0]));
    return std::nullopt;
}
Value size_value(const Extent &extent) {
    auto made = std::make_shared<Tensor>();
    made->kind = Tensor::Kind::size;
    made->size = extent;
    return made;
}
std::optional<Extent> of_sizes(Op op, const TensorPtr &x, const TensorPtr &y) {
    const auto a = size_of_tensor(x), b = size_of_tensor(y);
    if (!a || !b) return std::nullopt;
    switch (op) {
        case Op::add:
            return *a + *b;
        case Op::sub:
            return *a - *b;
        case Op::mul:
            return *a * *b;
        case Op::floor_divide:
            return exact_quotient(*a, *b);
        default:
            return std::nullopt;
    }
}

std::optional<RowIndex> of_rows(Op op, const TensorPtr &x, const TensorPtr &y) {
    if (op != Op::mul || x->kind != Tensor::Kind::row_index) return std::nullopt;
    const auto times = size_of_tensor(y);
    const auto product = times ? x->rows.times * *times : std::nullopt;
    if (!product) return std::nullopt;
    return RowIndex{*product, x->rows.shape};
}

// No factor, or 1.
bool counts_once(const Call &call, const char *argument) {
    const Value *factor = call.find(argument);
    if (!factor || factor->none()) return true;
    if (const auto *real = factor->as<double>()) return *real == 1;
    const auto *extent = factor->as<Extent>();
    return extent && extent->is(1);
}

ValueId scaled(Call &call, ValueId x, const char *argument) {
    if (counts_once(call, argument)) return x;
    if (call.b.dtype(x) == DType::int64) return call.b.binary(Op::mul, x, call.b.full_int(call.size(argument), {}));
    return call.b.binary(Op::mul, x, call.b.full(call.real(argument), {}));
}

template <Op op>
Value arithmetic(Call &call) {
    const bool reversed = call.name == "aten::rsub";
    const TensorPtr x = call.tensor(reversed ? "other" : "self"), y = call.tensor(reversed ? "self" : "other");
    if (const auto size = of_sizes(op, x, y); size && counts_once(call, "alpha")) return size_value(*size);
    for (const auto &rows : {of_rows(op, x, y), of_rows(op, y, x)})
        if (rows) {
            auto made = std::make_shared<Tensor>();
            made->kind = Tensor::Kind::row_index;
            made->rows = *rows;
            return made;
        }
    Pair pair = pair_of(call, x, y);
    (reversed ? pair.a : pair.b) = scaled(call, reversed ? pair.a : pair.b, "alpha");
    if (call.b.dtype(pair.a) == DType::boolean) {
        if (op == Op::add) return tensor_of(call.b.binary(Op::logical_or, pair.a, pair.b), pair.merged);
        if (op == Op::mul) return tensor_of(call.b.binary(Op::logical_and, pair.a, pair.b), pair.merged);
        throw Unsupported{"subtracts bools"};
    }
    return tensor_of(call.b.binary(op, pair.a, pair.b), pair.merged);
}

template <Op op>
Value extreme(Call &call) {
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"));
    if (call.b.dtype(pair.a) == DType::boolean)
        return tensor_of(call.b.binary(op == Op::maximum ? Op::logical_or : Op::logical_and, pair.a, pair.b),
                         pair.merged);
    return tensor_of(call.b.binary(op, pair.a, pair.b), pair.merged);
}

template <Op op>
Value comparison(Call &call) {
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const Pair pair = pair_of(call, x, y);
    if (call.b.dtype(pair.a) == DType::boolean && op != Op::equal && op != Op::not_equal) {
        const ValueId a = call.b.cast(pair.a, DType::int64), b = call.b.cast(pair.b, DType::int64);
        return tensor_of(call.b.binary(op, a, b), pair.merged);
    }
    return tensor_of(call.b.binary(op, pair.a, pair.b), pair.merged);
}

template <Op op>
Value logical(Call &call) {
    const Aligned aligned = align(call.b, {call.tensor("self"), call.tensor("other")});
    return tensor_of(
        call.b.binary(op, call.b.cast(aligned.ids[0], DType::boolean), call.b.cast(aligned.ids[1], DType::boolean)),
        aligned.merged);
}

ValueId floor_division(Builder &b, ValueId x, ValueId y) {
    if (b.dtype(x) == DType::int64) return b.binary(Op::floor_divide, x, y);
    return floored_quotient({&b, x}, {&b, y}).id;
}

Value divide(Call &call) {
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const std::string rounding = call.has("rounding_mode") ? call.text("rounding_mode") : "";
    if (!rounding.empty() || call.name == "aten::floor_divide" || call.name == "aten::floordiv") {
        if (const auto size = of_sizes(Op::floor_divide, x, y)) return size_value(*size);
        const Pair pair = pair_of(call, x, y);
        if (rounding != "trunc") return tensor_of(floor_division(call.b, pair.a, pair.b), pair.merged);
        if (call.b.dtype(pair.a) == DType::int64) {  // |a| / |b| towards zero, then the sign
            const ValueId whole =
                call.b.binary(Op::floor_divide, call.b.unary(Op::abs, pair.a), call.b.unary(Op::abs, pair.b));
            const ValueId sign = call.b.binary(Op::mul, call.b.unary(Op::sign, pair.a), call.b.unary(Op::sign, pair.b));
            return tensor_of(call.b.binary(Op::mul, whole, sign), pair.merged);
        }
        const ValueId ratio = call.b.binary(Op::div, pair.a, pair.b);
        const ValueId negative = call.b.binary(Op::less, ratio, call.b.full(0, {}));
        return tensor_of(call.b.where(negative, call.b.unary(Op::ceil, ratio), call.b.unary(Op::floor, ratio)),
                         pair.merged);
    }
    const Pair pair = pair_of(call, x, y, true);
    return tensor_of(call.b.binary(Op::div, pair.a, pair.b), pair.merged);
}

// exp(y log |x|) with what C's pow says of signs, zeros and infinities.
Term power_of_doubles(Term x, Term y) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const Term rounded = exponential(y * logarithm(magnitude(x))), half = y * 0.5;
    const Term whole = apply(Op::floor, y) == y;
    // A whole number's power is one, and the formula's error below half of one there.
    const Term exact = both(both(apply(Op::floor, x) == x, whole), both(y > 0.0, rounded < 0x1p46));
    const Term size = choose(exact, apply(Op::round, rounded), rounded);
    const Term even = apply(Op::floor, half) == half;
    const Term negative = either(x < 0.0, both(x == 0.0, 1.0 / x < 0.0));
    const Term root_of_negative = both(both(x<0.0, x> - kInfinity), apply(Op::logical_not, whole));
    const Term odd = both(negative, both(whole, apply(Op::logical_not, even)));
    const Term found = choose(root_of_negative, std::numeric_limits<double>::quiet_NaN(), choose(odd, -size, size));
    const Term one = either(either(x == 1.0, y == 0.0), both(magnitude(x) == 1.0, magnitude(y) == kInfinity));
    return choose(one, 1.0, found);
}
ValueId power(Builder &b, ValueId x, ValueId y) {
    if (b.dtype(x) == DType::float64) return power_of_doubles({&b, x}, {&b, y}).id;
    return b.binary(Op::pow, x, y);
}

// By squares: exact wherever the products are.
ValueId whole_power(Builder &b, ValueId x, int exponent) {
    std::optional<ValueId> found;
    for (;; x = b.unary(Op::square, x)) {
        if (exponent % 2 == 1) found = found ? b.binary(Op::mul, *found, x) : x;
        if ((exponent /= 2) == 0) return *found;
    }
}

ValueId power(Builder &b, ValueId x, double exponent) {
    if (exponent == 1) return x;
    if (exponent == 2) return b.unary(Op::square, x);
    if (exponent == 3) return b.binary(Op::mul, b.unary(Op::square, x), x);
    if (exponent == 4) return b.unary(Op::square, b.unary(Op::square, x));
    if (!is_real(b.dtype(x))) x = b.cast(x, DType::float32);
    if (exponent == 0.5) return b.unary(Op::sqrt, x);
    if (exponent == -0.5) return b.unary(Op::rsqrt, x);
    if (exponent == -1) return b.unary(Op::reciprocal, x);
    if (exponent == -2) return b.unary(Op::reciprocal, b.unary(Op::square, x));
    if (b.dtype(x) == DType::float64 && exponent == std::floor(exponent) && std::abs(exponent) <= 64 && exponent != 0) {
        const ValueId found = whole_power(b, x, static_cast<int>(std::abs(exponent)));
        return exponent > 0 ? found : b.unary(Op::reciprocal, found);
    }
    return power(b, x, b.full(exponent, {}, b.dtype(x)));
}

Value pow(Call &call) {
    const char *name = call.find("exponent") ? "exponent" : "other";  // of Python numbers
    const Value &exponent = call.at(name);
    if (!exponent.is<TensorPtr>() || (*exponent.as<TensorPtr>())->folded) {
        try {
            const double number = call.real(name);
            const TensorPtr x = call.tensor("self");
            const DType dtype = exponent.is<Extent>() ? promote(call.b, {x}) : promote(call.b, {x, call.tensor(name)});
            return tensor_of(power(call.b, call.b.cast(apart(call.b, *x), dtype), number), x->merged);
        } catch (const Unsupported &) {  // an exponent of several elements
        }
    }
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor(name), true);
    return tensor_of(power(call.b, pair.a, pair.b), pair.merged);
}

Value where(Call &call) {
    const TensorPtr condition = call.tensor("condition"), x = call.tensor("self"), y = call.tensor("other");
    const DType dtype = promote(call.b, {x, y});
    const Aligned aligned = align(call.b, {condition, x, y});
    return tensor_of(
        call.b.where(call.b.cast(aligned.ids[0], DType::boolean), as_type(call.b, *x, aligned.ids[1], dtype),
                     as_type(call.b, *y, aligned.ids[2], dtype)),
        aligned.merged);
}

Value masked_fill(Call &call) {
    const TensorPtr x = call.tensor("self"), mask = call.tensor("mask"), value = call.tensor("value");
    const DType dtype = dtype_of(call.b, *x);
    const Aligned aligned = align(call.b, {mask, value, x});
    return tensor_of(call.b.where(call.b.cast(aligned.ids[0], DType::boolean),
                                  as_type(call.b, *value, aligned.ids[1], dtype), aligned.ids[2]),
                     aligned.merged);
}

// self + value * tensor1 (* or /) tensor2
template <Op op>
Value add_of(Call &call) {
    const std::vector<TensorPtr> operands{call.tensor("self"), call.tensor("tensor1"), call.tensor("tensor2")};
    const DType dtype = promote(call.b, operands);
    const Aligned aligned = align(call.b, operands);
    std::vector<ValueId> ids;
    for (size_t i = 0; i < operands.size(); ++i) ids.push_back(as_type(call.b, *operands[i], aligned.ids[i], dtype));
    const ValueId both = scaled(call, call.b.binary(op, ids[1], ids[2]), "value");
    return tensor_of(call.b.binary(Op::add, ids[0], both), aligned.merged);
}

Value lerp(Call &call) {
    const std::vector<TensorPtr> operands{call.tensor("self"), call.tensor("end"), call.tensor("weight")};
    const Aligned aligned = align(call.b, operands);
    const ValueId weight = call.b.cast(aligned.ids[2], DType::float32);
    const ValueId gap = call.b.binary(Op::sub, aligned.ids[1], aligned.ids[0]);
    return tensor_of(call.b.binary(Op::add, aligned.ids[0], call.b.binary(Op::mul, weight, gap)), aligned.merged);
}

Value prelu(Call &call) {
    const ValueId x = call.id("self");
    ValueId weight = call.id("weight");
    if (call.b.rank(weight) == 1 && call.b.rank(x) > 2) {
        Extents shape(call.b.rank(x) - 1, Extent::of(1));
        shape[0] = call.b.shape(weight)[0];
        weight = call.b.reshape(weight, shape);
    }
    const ValueId positive = call.b.binary(Op::greater, x, call.b.full(0, {}));
    return result(call.b.where(positive, x, call.b.binary(Op::mul, weight, x)));
}

Value fill(Call &call) {
    const TensorPtr x = call.tensor("self"), value = call.tensor("value");
    const ValueId filled = as_type(call.b, *value, plain(call.b, *value), dtype_of(call.b, *x));
    return result(call.b.expand(filled, shape_of(call.b, *x)));
}

}  // namespace

void add_binary(Registry &to) {
    const Entry entries[] = {
        {"aten::add", "self other alpha", &arithmetic<Op::add>},
        {"aten::sub", "self other alpha", &arithmetic<Op::sub>},
        {"aten::subtract", "self other alpha", &arithmetic<Op::sub>},
        {"aten::rsub", "self other alpha", &arithmetic<Op::sub>},
        {"aten::mul", "self other", &arithmetic<Op::mul>},
        {"aten::multiply", "self other", &arithmetic<Op::mul>},
        {"aten::div", "self other rounding_mode", &divide},
        {"aten::divide", "self other rounding_mode", &divide},
        {"aten::true_divide", "self other", &divide},
        {"aten::floor_divide", "self other", &divide},
        {"aten::floordiv", "self other", &divide},
        {"aten::pow", "self exponent other", &pow},
        {"aten::maximum", "self other", &extreme<Op::maximum>},
        {"aten::minimum", "self other", &extreme<Op::minimum>},
        {"aten::eq", "self other", &comparison<Op::equal>},
        {"aten::ne", "self other", &comparison<Op::not_equal>},
        {"aten::not_equal", "self other", &comparison<Op::not_equal>},
        {"aten::lt", "self other", &comparison<Op::less>},
        {"aten::less", "self other", &comparison<Op::less>},
        {"aten::le", "self other", &comparison<Op::less_equal>},
        {"aten::less_equal", "self other", &comparison<Op::less_equal>},
        {"aten::gt", "self other", &comparison<Op::greater>},
        {"aten::greater", "self other", &comparison<Op::greater>},
        {"aten::ge", "self other", &comparison<Op::greater_equal>},
        {"aten::greater_equal", "self other", &comparison<Op::greater_equal>},
        {"aten::logical_and", "self other", &logical<Op::logical_and>},
        {"aten::logical_or", "self other", &logical<Op::logical_or>},
        {"aten::logical_xor", "self other", &logical<Op::logical_xor>},
        {"aten::where", "condition self other", &where},
        {"aten::masked_fill", "self mask value", &masked_fill},
        {"aten::addcmul", "self tensor1 tensor2 value", &add_of<Op::mul>},
        {"aten::addcdiv", "self tensor1 tensor2 value", &add_of<Op::div>},
        {"aten::lerp", "self end weight", &lerp},
        {"aten::prelu", "self weight", &prelu},
        {"aten::_prelu_kernel", "self weight", &prelu},
        {"aten::fill", "self value", &fill},
        {"aten::zero", "self",
         [](Call &call) {
             const TensorPtr x = call.tensor("self");
             return result(call.b.full(0, shape_of(call.b, *x), dtype_of(call.b, *x)));
         }},
        {"aten::copy", "self src",
         [](Call &call) {
             const TensorPtr x = call.tensor("self"), from = call.tensor("src");
             return result(
                 call.b.expand(call.b.cast(plain(call.b, *from), dtype_of(call.b, *x)), shape_of(call.b, *x)));
         }},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
