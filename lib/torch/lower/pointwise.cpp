// SPDX-License-Identifier: Apache-2.0
// Operators of one operand, element by element.
#include <cmath>
#include <limits>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The operand's own memory layout is kept: what is merged stays merged.
template <class Make>
Value elementwise(Call &call, Make make, bool floating = true) {
    const TensorPtr x = call.tensor("self");
    ValueId id = apart(call.b, *x);
    if (x->kind == Tensor::Kind::folded && dtype_of(call.b, *x) == DType::float64)
        throw Unsupported{"float64 computation"};
    if (floating) id = call.b.cast(id, DType::float32);
    return tensor_of(make(call, id), x->merged);
}

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
        call, [](Call &c, ValueId x) { return c.b.dtype(x) == DType::float32 ? c.b.unary(op, x) : x; }, false);
}

ValueId number(Builder &b, double value) { return b.full(value, {}); }
ValueId times(Builder &b, ValueId x, double value) { return b.binary(Op::mul, x, number(b, value)); }
ValueId plus(Builder &b, ValueId x, double value) { return b.binary(Op::add, x, number(b, value)); }

Value clamp(Call &call) {
    const bool least = call.has("min"), most = call.has("max");
    auto is_tensor = [&](const char *name) {
        const Value *value = call.find(name);
        return value && value->is<TensorPtr>() && !(*value->as<TensorPtr>())->folded;
    };
    if (is_tensor("min") || is_tensor("max")) {
        std::vector<TensorPtr> operands{call.tensor("self")};
        if (least) operands.push_back(call.tensor("min"));
        if (most) operands.push_back(call.tensor("max"));
        const DType dtype = promote(call.b, operands);
        const Aligned aligned = align(call.b, operands);
        ValueId x = call.b.cast(aligned.ids[0], dtype);
        if (least) x = call.b.binary(Op::maximum, x, call.b.cast(aligned.ids[1], dtype));
        if (most) x = call.b.binary(Op::minimum, x, call.b.cast(aligned.ids.back(), dtype));
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
    if (c.b.dtype(x) == DType::float32) return c.b.unary(Op::relu, x);
    return c.b.clamp(x, 0, kInfinity);
}

Value cast_to(Call &call, const TensorPtr &x, DType dtype) {
    if (dtype == DType::int32) dtype = DType::int64;
    if (dtype_of(call.b, *x) == dtype) return x;
    if (x->kind == Tensor::Kind::row_index) {
        if (dtype == DType::int64) return x;
        throw Unsupported{"computes with row numbers"};
    }
    return tensor_of(call.b.cast(apart(call.b, *x), dtype), x->merged);
}

// aten::to in its overloads, and others that give the operand itself or a cast of it.
Value convert(Call &call) {
    const TensorPtr x = call.tensor("self");
    if (call.has("other")) return cast_to(call, x, dtype_of(call.b, *call.tensor("other")));
    const auto dtype = call.find("dtype") ? call.dtype("dtype") : std::nullopt;
    if (!dtype) return x;
    return cast_to(call, x, *dtype);
}

template <DType dtype>
Value cast(Call &call) {
    return cast_to(call, call.tensor("self"), dtype);
}

Value same(Call &call) { return call.tensor(call.find("self") ? "self" : "input"); }
Value copy(Call &call) {
    auto made = std::make_shared<Tensor>(*call.tensor("self"));
    made->storage = std::make_shared<Storage>();
    made->version = 0;
    made->view.reset();
    return made;
}

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
    if (call.find("train") && call.flag("train")) throw Unsupported{"dropout in training mode"};
    if (call.find("training") && call.flag("training")) throw Unsupported{"dropout in training mode"};
    return call.tensor(name);
}

}  // namespace

ValueId gelu(Builder &b, ValueId x, const std::string &approximate) {
    return b.unary(approximate == "tanh" ? Op::gelu_tanh : Op::gelu, x);
}

void add_pointwise(Registry &to) {
    const std::pair<const char *, Lower> entries[] = {
        {"aten::exp", &simple<Op::exp>},
        {"aten::log", &simple<Op::log>},
        {"aten::log1p", &simple<Op::log1p>},
        {"aten::sqrt", &simple<Op::sqrt>},
        {"aten::rsqrt", &simple<Op::rsqrt>},
        {"aten::reciprocal", &simple<Op::reciprocal>},
        {"aten::sin", &simple<Op::sin>},
        {"aten::cos", &simple<Op::cos>},
        {"aten::tanh", &simple<Op::tanh>},
        {"aten::sigmoid", &simple<Op::sigmoid>},
        {"aten::erf", &simple<Op::erf>},
        {"aten::silu", &simple<Op::silu>},
        {"aten::neg", &exact<Op::neg>},
        {"aten::abs", &exact<Op::abs>},
        {"aten::sign", &exact<Op::sign>},
        {"aten::square", &exact<Op::square>},
        {"aten::floor", &rounding<Op::floor>},
        {"aten::ceil", &rounding<Op::ceil>},
        {"aten::round", &rounding<Op::round>},
        {"aten::clamp", &clamp},
        {"aten::clip", &clamp},
        {"aten::hardtanh",
         [](Call &call) {
             const double low = call.real("min_val"), high = call.real("max_val");
             return elementwise(call, [=](Call &c, ValueId x) { return c.b.clamp(x, low, high); });
         }},
        {"aten::clamp_min", &clamp},
        {"aten::clamp_max", &clamp},
        {"aten::relu", [](Call &call) { return elementwise(call, relu_of, false); }},
        {"aten::relu6",
         [](Call &call) { return elementwise(call, [](Call &c, ValueId x) { return c.b.clamp(x, 0, 6); }); }},
        {"aten::gelu",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) { return gelu(c.b, x, c.text("approximate")); });
         }},
        {"aten::softplus",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.add(Op::softplus, {x}, {{}, {c.real("beta"), c.real("threshold")}, {}});
             });
         }},
        {"aten::leaky_relu",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.add(Op::leaky_relu, {x}, {{}, {c.real("negative_slope")}, {}});
             });
         }},
        {"aten::elu",
         [](Call &call) {
             if (call.real("scale", 1) != 1 || call.real("input_scale", 1) != 1) throw Unsupported{"scaled elu"};
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.add(Op::elu, {x}, {{}, {c.real("alpha")}, {}});
             });
         }},
        {"aten::celu",
         [](Call &call) {
             const double alpha = call.real("alpha");
             return elementwise(call, [=](Call &c, ValueId x) {
                 const ValueId low = c.b.add(Op::elu, {times(c.b, x, 1 / alpha)}, {{}, {1.0}, {}});
                 return c.b.where(c.b.binary(Op::greater, x, number(c.b, 0)), x, times(c.b, low, alpha));
             });
         }},
        {"aten::selu",
         [](Call &call) {
             // The constants of at::selu.
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.add(Op::elu, {x}, {{}, {1.6732632423543772848170429916717}, {}}),
                              1.0507009873554804934193349852946);
             });
         }},
        {"aten::mish",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId soft = c.b.add(Op::softplus, {x}, {{}, {1.0, 20.0}, {}});
                 return c.b.binary(Op::mul, x, c.b.unary(Op::tanh, soft));
             });
         }},
        {"aten::hardsigmoid",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.clamp(plus(c.b, x, 3), 0, 6), 1.0 / 6);
             });
         }},
        {"aten::hardswish",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.binary(Op::mul, x, c.b.clamp(plus(c.b, x, 3), 0, 6)), 1.0 / 6);
             });
         }},
        {"aten::log_sigmoid",
         [](Call &call) {  // -softplus(-x); a threshold so high that the formula stays exact enough
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId soft = c.b.add(Op::softplus, {c.b.unary(Op::neg, x)}, {{}, {1.0, 30.0}, {}});
                 return c.b.unary(Op::neg, soft);
             });
         }},
        {"aten::softsign",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::div, x, plus(c.b, c.b.unary(Op::abs, x), 1));
             });
         }},
        {"aten::tanhshrink",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::sub, x, c.b.unary(Op::tanh, x));
             });
         }},
        {"aten::tan",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::div, c.b.unary(Op::sin, x), c.b.unary(Op::cos, x));
             });
         }},
        {"aten::exp2",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::pow, number(c.b, 2), x);
             });
         }},
        {"aten::log2",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.unary(Op::log, x), 1.4426950408889634);
             });
         }},
        {"aten::log10",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return times(c.b, c.b.unary(Op::log, x), 0.4342944819032518);
             });
         }},
        {"aten::frac",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId down = c.b.unary(Op::floor, c.b.unary(Op::abs, x));
                 return c.b.binary(Op::sub, x, c.b.binary(Op::mul, c.b.unary(Op::sign, x), down));
             });
         }},
        {"aten::trunc",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.where(c.b.binary(Op::less, x, number(c.b, 0)), c.b.unary(Op::ceil, x),
                                  c.b.unary(Op::floor, x));
             });
         }},
        {"aten::isnan",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) { return c.b.binary(Op::not_equal, x, x); });
         }},
        {"aten::isinf",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::equal, c.b.unary(Op::abs, x), number(c.b, kInfinity));
             });
         }},
        {"aten::isfinite",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 return c.b.binary(Op::less, c.b.unary(Op::abs, x), number(c.b, kInfinity));
             });
         }},
        {"aten::nan_to_num",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 constexpr double kMost = std::numeric_limits<float>::max();
                 const ValueId bad = c.b.binary(Op::not_equal, x, x);
                 const ValueId filled = c.b.where(bad, number(c.b, c.real("nan", 0.0)), x);
                 const ValueId high = c.b.binary(Op::equal, x, number(c.b, kInfinity));
                 const ValueId low = c.b.binary(Op::equal, x, number(c.b, -kInfinity));
                 const ValueId upper = c.b.where(high, number(c.b, c.real("posinf", kMost)), filled);
                 return c.b.where(low, number(c.b, c.real("neginf", -kMost)), upper);
             });
         }},
        {"aten::logical_not",
         [](Call &call) {
             return elementwise(
                 call, [](Call &c, ValueId x) { return c.b.unary(Op::logical_not, c.b.cast(x, DType::boolean)); }, false);
         }},
        {"aten::bitwise_not",
         [](Call &call) {
             return elementwise(
                 call,
                 [](Call &c, ValueId x) {
                     if (c.b.dtype(x) == DType::boolean) return c.b.unary(Op::logical_not, x);
                     return c.b.binary(Op::sub, c.b.unary(Op::neg, x), c.b.full_int(Extent::of(1), {}));
                 },
                 false);
         }},
        {"aten::to", &convert},
        {"aten::_to_copy", &convert},
        {"aten::type_as", &convert},
        {"prim::to_float", &cast<DType::float32>},
        {"aten::float", &cast<DType::float32>},
        {"aten::double", &cast<DType::float64>},
        {"aten::long", &cast<DType::int64>},
        {"aten::int", &cast<DType::int64>},
        {"aten::bool", &cast<DType::boolean>},
        {"aten::_cast_Float", &cast<DType::float32>},
        {"aten::_cast_Long", &cast<DType::int64>},
        {"aten::contiguous", &same},
        {"aten::detach", &same},
        {"aten::alias", &same},
        {"aten::cpu", &same},
        {"aten::lift_fresh", &same},
        {"aten::requires_grad_", &same},
        {"aten::resolve_conj", &same},
        {"aten::resolve_neg", &same},
        {"prim::data", &same},
        {"aten::clone", &copy},
        {"aten::positive", &same},
        {"aten::glu", &glu},
        {"aten::dropout", &dropout},
        {"aten::dropout_", &dropout},
        {"aten::feature_dropout", &dropout},
        {"aten::alpha_dropout", &dropout},
        {"aten::feature_alpha_dropout", &dropout},
        {"aten::native_dropout", &dropout},
        {"aten::rrelu",
         [](Call &call) {
             if (call.flag("training")) throw Unsupported{"rrelu in training mode"};
             const double slope = (call.real("lower") + call.real("upper")) / 2;
             return elementwise(call, [=](Call &c, ValueId x) { return c.b.add(Op::leaky_relu, {x}, {{}, {slope}, {}}); });
         }},
        {"aten::threshold",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId over = c.b.binary(Op::greater, x, number(c.b, c.real("threshold")));
                 return c.b.where(over, x, number(c.b, c.real("value")));
             });
         }},
        {"aten::logit",
         [](Call &call) {
             return elementwise(call, [](Call &c, ValueId x) {
                 if (c.has("eps")) x = c.b.clamp(x, c.real("eps"), 1 - c.real("eps"));
                 return c.b.unary(Op::log, c.b.binary(Op::div, x, c.b.binary(Op::sub, number(c.b, 1), x)));
             });
         }},
        {"aten::expm1",
         [](Call &call) {  // elu is expm1 below 0; above, exp(x) - 1 loses little beyond 1
             return elementwise(call, [](Call &c, ValueId x) {
                 const ValueId below = c.b.add(Op::elu, {x}, {{}, {1.0}, {}});
                 const ValueId mirror = c.b.add(Op::elu, {c.b.unary(Op::neg, x)}, {{}, {1.0}, {}});
                 const ValueId above = c.b.binary(Op::mul, c.b.unary(Op::neg, mirror), c.b.unary(Op::exp, x));
                 return c.b.where(c.b.binary(Op::greater, x, number(c.b, 0)), above, below);
             });
         }},
    };
    for (const auto &[name, lower] : entries) to.emplace(name, lower);
}

}  // namespace weighbridge::torch_plugin
