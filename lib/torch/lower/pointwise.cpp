// SPDX-License-Identifier: Apache-2.0
// Operators of one operand, element by element.
#include <cmath>
#include <limits>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <Op op>
Value simple(Call &call) {
    return elementwise(call, [](Call &c, ValueId x) { return c.b.unary(op, x); });
}
template <Op op>
Value exact(Call &call) {  // ints stay ints
    return elementwise(
        call,
        [](Call &c, ValueId x) {
            if (c.b.dtype(x) == DType::boolean) x = c.b.cast(x, DType::int64);
            return c.b.unary(op, x);
        },
        false);
}
template <Op op>
Value rounding(Call &call) {  // nothing to do for ints
    return elementwise(
        call, [](Call &c, ValueId x) { return is_real(c.b.dtype(x)) ? c.b.unary(op, x) : x; }, false);
}

// To a number of decimals, computed as at::round does.
Value round(Call &call) {
    const int64_t decimals = call.integer("decimals", 0);
    if (decimals == 0) return rounding<Op::round>(call);
    const ValueId power = call.b.full(std::pow(10, std::abs(decimals)), {});
    const Op scale = decimals > 0 ? Op::mul : Op::div, back = decimals > 0 ? Op::div : Op::mul;
    return elementwise(call, [=](Call &c, ValueId x) {
        return c.b.binary(back, c.b.unary(Op::round, c.b.binary(scale, x, power)), power);
    });
}

// Of Python numbers also to another base.
Value log(Call &call) {
    return elementwise(call, [](Call &c, ValueId x) {
        const ValueId natural = c.b.unary(Op::log, x);
        if (!c.has("other")) return natural;
        return c.b.binary(Op::div, natural, c.b.unary(Op::log, c.float_id("other")));
    });
}

ValueId number(Builder &b, double value) { return b.full(value, {}); }
ValueId times(Builder &b, ValueId x, double value) { return b.binary(Op::mul, x, number(b, value)); }
ValueId plus(Builder &b, ValueId x, double value) { return b.binary(Op::add, x, number(b, value)); }

Value clamp(Call &call) {
    const bool least = call.has("min"), most = call.has("max");
    auto is_tensor = [&](const char *name) {
        const Value *value = call.find(name);
        if (!value || !value->is<TensorPtr>()) return false;
        const auto &folded = (*value->as<TensorPtr>())->folded;
        return !folded || !folded->shape().empty();
    };
    if (is_tensor("min") || is_tensor("max")) {
        std::vector<TensorPtr> operands{call.tensor("self")};
        if (least) operands.push_back(call.tensor("min"));
        if (most) operands.push_back(call.tensor("max"));
        const DType dtype = promote(call.b, operands);
        const Aligned aligned = align(call.b, operands);
        auto operand = [&](size_t i) { return as_type(call.b, *operands[i], aligned.ids[i], dtype); };
        ValueId x = operand(0);
        if (least) x = call.b.binary(Op::maximum, x, operand(1));
        if (most) x = call.b.binary(Op::minimum, x, operand(operands.size() - 1));
        return tensor_of(x, aligned.merged);
    }
    const double low = call.real("min", -kInfinity), high = call.real("max", kInfinity);
    return elementwise(
        call,
        [=](Call &c, ValueId x) {
            const bool whole =
                (std::isinf(low) || std::floor(low) == low) && (std::isinf(high) || std::floor(high) == high);
            if (c.b.dtype(x) == DType::boolean) throw Unsupported{"clamps bools"};
            if (c.b.dtype(x) == DType::int64 && !whole) x = c.b.cast(x, DType::float32);
            return c.b.clamp(x, low, high);
        },
        false);
}

ValueId relu_of(Call &c, ValueId x) {
    if (is_real(c.b.dtype(x))) return c.b.unary(Op::relu, x);
    return c.b.clamp(x, 0, kInfinity);
}

// The same elements in memory of their own.
TensorPtr copy_of(const Tensor &x) {
    auto made = std::make_shared<Tensor>(x);
    made->storage = std::make_shared<ViewedMemory>();
    made->version = 0;
    made->view.reset();
    return made;
}

TensorPtr cast_to(Call &call, const TensorPtr &x, DType dtype) {
    if (dtype == DType::int32) dtype = DType::int64;
    if (dtype_of(call.b, *x) == dtype) return x;
    if (x->kind == Tensor::Kind::row_index) {
        if (dtype == DType::int64) return x;
        throw Unsupported{"computes with row numbers"};
    }
    return tensor_of(call.b.cast(apart(call.b, *x), dtype), x->merged);
}

// LibTorch's int32 of a float that int32 does not hold, a NaN too, is the least one.
TensorPtr as_int32(Builder &b, const TensorPtr &x) {
    const auto number = [&](int64_t value) { return b.full_int(Extent::of(value), {}); };
    const ValueId id = apart(b, *x), least = number(std::numeric_limits<int32_t>::min());
    const ValueId held = b.binary(Op::less_equal, id, number(std::numeric_limits<int32_t>::max()));
    return tensor_of(b.binary(Op::maximum, b.where(held, id, least), least), x->merged);
}

// aten::to in its overloads, and others that give the operand itself or a cast of it.
Value convert(Call &call) {
    const TensorPtr x = call.tensor("self");
    require_strided(call);
    DType dtype = call.dtype("dtype").value_or(dtype_of(call.b, *x));
    if (call.has("other")) dtype = dtype_of(call.b, *call.tensor("other"));
    TensorPtr made = cast_to(call, x, dtype);
    const bool int32 = call.has("dtype") && call.integer("dtype") == 3;  // of c10::ScalarType
    if (int32 && is_real(dtype_of(call.b, *x))) made = as_int32(call.b, made);
    const bool apart = call.flag("copy") || call.name == "aten::_to_copy";
    return apart && made == x ? copy_of(*x) : made;
}

template <DType dtype>
Value cast(Call &call) {
    return cast_to(call, call.tensor("self"), dtype);
}

Value same(Call &call) { return call.tensor(call.find("self") ? "self" : "input"); }
Value copy(Call &call) { return copy_of(*call.tensor("self")); }

Value glu(Call &call) {
    Builder &b = call.b;
    const TensorPtr x = call.tensor("self");
    const size_t axis = call.axis("dim", shape_of(b, *x).size());
    const auto half = exact_quotient(shape_of(b, *x)[axis], Extent::of(2));
    if (!half) throw Unsupported{"halves of " + to_string(shape_of(b, *x))};
    const ValueId value = plain(b, *slice_tensor(b, x, axis, Extent::of(0), *half, 1));
    const ValueId gate = plain(b, *slice_tensor(b, x, axis, *half, std::nullopt, 1));
    return result(b.binary(Op::mul, value, b.unary(Op::sigmoid, gate)));
}

Value dropout(Call &call) {
    const char *name = call.find("input") ? "input" : "self";
    // native_dropout counts None as true.
    if (call.at("train").none() || call.flag("train")) throw Unsupported{"dropout in training mode"};
    return call.tensor(name);
}

}  // namespace

ValueId gelu(Builder &b, ValueId x, const std::string &approximate) {
    return b.unary(approximate == "tanh" ? Op::gelu_tanh : Op::gelu, x);
}

void add_pointwise(Registry &to) {
    const Entry entries[] = {
        {"aten::exp", "self", &simple<Op::exp>},
        {"aten::log", "self other", &log},
        {"aten::log1p", "self", &simple<Op::log1p>},
        {"aten::sqrt", "self", &simple<Op::sqrt>},
        {"aten::rsqrt", "self", &simple<Op::rsqrt>},
        {"aten::reciprocal", "self", &simple<Op::reciprocal>},
        {"aten::sin", "self", &simple<Op::sin>},
        {"aten::cos", "self", &simple<Op::cos>},
        {"aten::tanh", "self", &simple<Op::tanh>},
        {"aten::sigmoid", "self", &simple<Op::sigmoid>},
        {"aten::erf", "self", &simple<Op::erf>},
        {"aten::silu", "self", &simple<Op::silu>},
        {"aten::neg", "self", &exact<Op::neg>},
        {"aten::abs", "self", &exact<Op::abs>},
        {"aten::square", "self", &exact<Op::square>},
        {"aten::floor", "self", &rounding<Op::floor>},
        {"aten::ceil", "self", &rounding<Op::ceil>},
        {"aten::round", "self decimals", &round},
        {"aten::clamp", "self min max", &clamp},
        {"aten::clip", "self min max", &clamp},
        {"aten::hardtanh", "self min_val max_val",
         [](Call &call) {
             const double low = call.real("min_val"), high = call.real("max_val");
             return elementwise(call, [=](Call &c, ValueId x) { return c.b.clamp(x, low, high); });
         }},
        {"aten::clamp_min", "self min", &clamp},
        {"aten::clamp_max", "self max", &clamp},
        {"aten::relu", "self", [](Call &call) { return elementwise(call, relu_of, false); }},
        {"aten::relu6", "self",
         [](Call &call) { return elementwise(call, [](Call &c, ValueId x) { return c.b.clamp(x, 0, 6); }); }},
        {"aten::gelu", "self approximate",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) { return gelu(c.b, x, c.text("approximate")); });
         }},
        {"aten::softplus", "self beta threshold",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.add(Op::softplus, {x}, {.beta = c.real("beta"), .threshold = c.real("threshold")});
             });
         }},
        {"aten::leaky_relu", "self negative_slope",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.add(Op::leaky_relu, {x}, {.slope = c.real("negative_slope")});
             });
         }},
        {"aten::elu", "self alpha scale input_scale",
         [](Call &call) {
             if (call.real("scale", 1) != 1 || call.real("input_scale", 1) != 1) throw Unsupported{"scaled elu"};
             return elementwise(call,
                                [](Call &c, ValueId x) { return c.b.add(Op::elu, {x}, {.alpha = c.real("alpha")}); });
         }},
        {"aten::celu", "self alpha",
         [](Call &call) {
             const double alpha = call.real("alpha");
             return elementwise(call, [=](Call &c, ValueId x) {
                 const ValueId low = c.b.add(Op::elu, {times(c.b, x, 1 / alpha)}, {.alpha = 1.0});
                 return c.b.where(c.b.binary(Op::greater, x, number(c.b, 0)), x, times(c.b, low, alpha));
             });
         }},
        {"aten::selu", "self",
         [](Call &call) {
             // The constants of at::selu.
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.add(Op::elu, {x}, {.alpha = 1.6732632423543772848170429916717}),
                              1.0507009873554804934193349852946);
             });
         }},
        {"aten::mish", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId soft = c.b.add(Op::softplus, {x}, {.beta = 1.0, .threshold = 20.0});
                 return c.b.binary(Op::mul, x, c.b.unary(Op::tanh, soft));
             });
         }},
        {"aten::hardsigmoid", "self",
         [](Call &call) {
             return elementwise(
                 call, [](Call &c, ValueId x) { return times(c.b, c.b.clamp(plus(c.b, x, 3), 0, 6), 1.0 / 6); });
         }},
        {"aten::hardswish", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.binary(Op::mul, x, c.b.clamp(plus(c.b, x, 3), 0, 6)), 1.0 / 6);
             });
         }},
        {"aten::log_sigmoid", "self",
         [](Call &call) {  // -softplus(-x); a threshold so high that the formula stays exact enough
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId soft = c.b.add(Op::softplus, {c.b.unary(Op::neg, x)}, {.beta = 1.0, .threshold = 30.0});
                 return c.b.unary(Op::neg, soft);
             });
         }},
        {"aten::tan", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::div, c.b.unary(Op::sin, x), c.b.unary(Op::cos, x));
             });
         }},
        {"aten::exp2", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) { return c.b.binary(Op::pow, number(c.b, 2), x); });
         }},
        {"aten::log2", "self",
         [](Call &call) {
             return elementwise(
                 call, [](Call &c, ValueId x) { return times(c.b, c.b.unary(Op::log, x), 1.4426950408889634); });
         }},
        {"aten::log10", "self",
         [](Call &call) {
             return elementwise(
                 call, [](Call &c, ValueId x) { return times(c.b, c.b.unary(Op::log, x), 0.4342944819032518); });
         }},
        {"aten::frac", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId down = c.b.unary(Op::floor, c.b.unary(Op::abs, x));
                 return c.b.binary(Op::sub, x, c.b.binary(Op::mul, c.b.unary(Op::sign, x), down));
             });
         }},
        {"aten::trunc", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.where(c.b.binary(Op::less, x, number(c.b, 0)), c.b.unary(Op::ceil, x),
                                  c.b.unary(Op::floor, x));
             });
         }},
        {"aten::isnan", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) { return c.b.binary(Op::not_equal, x, x); });
         }},
        {"aten::isinf", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::equal, c.b.unary(Op::abs, x), number(c.b, kInfinity));
             });
         }},
        {"aten::isfinite", "self",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::less, c.b.unary(Op::abs, x), number(c.b, kInfinity));
             });
         }},
        {"aten::nan_to_num", "self nan posinf neginf",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const double most = c.b.dtype(x) == DType::float64 ? std::numeric_limits<double>::max()
                                                                    : std::numeric_limits<float>::max();
                 const ValueId bad = c.b.binary(Op::not_equal, x, x);
                 const ValueId filled = c.b.where(bad, number(c.b, c.real("nan", 0.0)), x);
                 const ValueId high = c.b.binary(Op::equal, x, number(c.b, kInfinity));
                 const ValueId low = c.b.binary(Op::equal, x, number(c.b, -kInfinity));
                 const ValueId upper = c.b.where(high, number(c.b, c.real("posinf", most)), filled);
                 return c.b.where(low, number(c.b, c.real("neginf", -most)), upper);
             });
         }},
        {"aten::logical_not", "self",
         [](Call &call) {
             return elementwise(
                 call, [](Call &c, ValueId x) { return c.b.unary(Op::logical_not, c.b.cast(x, DType::boolean)); },
                 false);
         }},
        {"aten::bitwise_not", "self",
         [](Call &call) {
             return elementwise(
                 call,
                 [](Call &c, ValueId x) {
                     if (c.b.dtype(x) == DType::boolean) return c.b.unary(Op::logical_not, x);
                     return c.b.binary(Op::sub, c.b.unary(Op::neg, x), c.b.full_int(Extent::of(1), {}));
                 },
                 false);
         }},
        {"aten::to", "self dtype layout copy other", &convert},
        {"aten::_to_copy", "self dtype layout", &convert},
        {"aten::to_dense", "self dtype", &convert},
        {"aten::type_as", "self other", &convert},
        {"aten::_cast_Float", "self", &cast<DType::float32>},
        {"aten::_cast_Long", "self", &cast<DType::int64>},
        {"aten::contiguous", "self", &same},
        {"aten::detach", "self", &same},
        {"aten::alias", "self", &same},
        {"aten::cpu", "self", &same},
        {"aten::lift_fresh", "self", &same},
        {"aten::requires_grad_", "self", &same},
        {"aten::resolve_conj", "self", &same},
        {"aten::resolve_neg", "self", &same},
        {"prim::data", "self", &same},
        {"aten::clone", "self", &copy},
        {"aten::positive", "self", &same},
        {"aten::glu", "self dim", &glu},
        {"aten::dropout", "input train", &dropout},
        {"aten::dropout_", "self train", &dropout},
        {"aten::feature_dropout", "input train", &dropout},
        {"aten::alpha_dropout", "input train", &dropout},
        {"aten::feature_alpha_dropout", "input train", &dropout},
        {"aten::native_dropout", "input train", &dropout},
        {"aten::rrelu", "self lower upper training generator=",
         [](Call &call) {
             if (call.flag("training")) throw Unsupported{"rrelu in training mode"};
             const double slope = (call.real("lower") + call.real("upper")) / 2;
             return elementwise(call,
                                [=](Call &c, ValueId x) { return c.b.add(Op::leaky_relu, {x}, {.slope = slope}); });
         }},
        {"aten::threshold", "self threshold value",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId over = c.b.binary(Op::greater, x, number(c.b, c.real("threshold")));
                 return c.b.where(over, x, number(c.b, c.real("value")));
             });
         }},
        {"aten::logit", "self eps",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 if (c.has("eps")) x = c.b.clamp(x, c.real("eps"), 1 - c.real("eps"));
                 return c.b.unary(Op::log, c.b.binary(Op::div, x, c.b.binary(Op::sub, number(c.b, 1), x)));
             });
         }},
        {"aten::expm1", "self",
         [](Call &call) {  // elu is expm1 below 0; above, exp(x) - 1 loses little beyond 1
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId below = c.b.add(Op::elu, {x}, {.alpha = 1.0});
                 const ValueId mirror = c.b.add(Op::elu, {c.b.unary(Op::neg, x)}, {.alpha = 1.0});
                 const ValueId above = c.b.binary(Op::mul, c.b.unary(Op::neg, mirror), c.b.unary(Op::exp, x));
                 return c.b.where(c.b.binary(Op::greater, x, number(c.b, 0)), above, below);
             });
         }},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
