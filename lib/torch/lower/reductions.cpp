// SPDX-License-Identifier: Apache-2.0
// Sums, means, largest and smallest, softmax and norms over axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {

ValueId reduce_axes(Builder &b, Op op, ValueId x, std::vector<size_t> axes, bool keep) {
    // Neighbouring axes of a sum are one axis; from the last, so that places before stay.
    std::sort(axes.begin(), axes.end(), std::greater<>());
    for (size_t axis : axes) x = b.reduce(op, x, axis, keep);
    return x;
}

ValueId variance(Builder &b, ValueId x, const std::vector<size_t> &axes, double correction, bool keep) {
    Extent count = Extent::of(1);
    for (size_t axis : axes) {
        const auto next = count * b.shape(x)[axis];
        if (!next || next->batch) throw Unsupported{"mixes rows: a variance over rows"};
        count = *next;
    }
    const ValueId mean = reduce_axes(b, Op::reduce_mean, x, axes, true);
    const ValueId squares = b.unary(Op::square, b.binary(Op::sub, x, mean));
    if (correction == 0) return reduce_axes(b, Op::reduce_mean, squares, axes, keep);
    const ValueId sum = reduce_axes(b, Op::reduce_sum, squares, axes, keep);
    const ValueId divisor = b.binary(Op::sub, b.cast(b.full_int(count, {}), b.dtype(x)), b.full(correction, {}));
    return b.binary(Op::div, sum, divisor);
}

ValueId log_softmax(Builder &b, ValueId x, size_t axis) {
    const ValueId shifted = b.binary(Op::sub, x, b.reduce(Op::reduce_max, x, axis, true));
    const ValueId sum = b.reduce(Op::reduce_sum, b.unary(Op::exp, shifted), axis, true);
    return b.binary(Op::sub, shifted, b.unary(Op::log, sum));
}

ValueId vector_norm(Builder &b, ValueId x, double order, const std::vector<size_t> &axes, bool keep) {
    if (order == 2) return b.unary(Op::sqrt, reduce_axes(b, Op::reduce_sum, b.unary(Op::square, x), axes, keep));
    const ValueId size = b.unary(Op::abs, x);
    if (order == 1) return reduce_axes(b, Op::reduce_sum, size, axes, keep);
    if (std::isinf(order)) return reduce_axes(b, order > 0 ? Op::reduce_max : Op::reduce_min, size, axes, keep);
    if (order == 0) {
        const ValueId counted = b.cast(b.binary(Op::not_equal, x, b.full(0, {})), b.dtype(x));
        return reduce_axes(b, Op::reduce_sum, counted, axes, keep);
    }
    if (!(order > 0)) throw Unsupported{"a norm of order " + std::to_string(order)};
    const ValueId powers = b.binary(Op::pow, size, b.full(order, {}));
    return b.binary(Op::pow, reduce_axes(b, Op::reduce_sum, powers, axes, keep), b.full(1 / order, {}));
}

namespace {

bool kept(const Call &call) { return call.flag("keepdim"); }

// The operand as the dtype that is asked for, else as a real one.
ValueId real_operand(const Call &call) {
    const auto dtype = call.dtype("dtype");
    return dtype ? call.b.cast(call.id("self"), *dtype) : call.float_id("self");
}

Value sum(Call &call) {
    ValueId x = call.id("self");
    const auto dtype = call.dtype("dtype");
    if (dtype || call.b.dtype(x) == DType::boolean) x = call.b.cast(x, dtype.value_or(DType::int64));
    if (call.b.rank(x) == 0) return result(x);
    return result(reduce_axes(call.b, Op::reduce_sum, x, call.axes("dim", call.b.rank(x)), kept(call)));
}

Value mean(Call &call) {
    ValueId x = call.id("self");
    if (call.has("dtype")) x = call.b.cast(x, *call.dtype("dtype"));
    if (!is_real(call.b.dtype(x))) throw Unsupported{"a mean of integers"};
    if (call.b.rank(x) == 0) return result(x);
    return result(reduce_axes(call.b, Op::reduce_mean, x, call.axes("dim", call.b.rank(x)), kept(call)));
}

ValueId arg_extreme(Builder &b, ValueId x, size_t axis, bool largest, bool keep) {
    if (b.dtype(x) == DType::boolean) x = b.cast(x, DType::int64);
    b.require_nonnegative((b.shape(x)[axis] - Extent::of(1)).value_or(Extent::of(-1)), "an axis that is not empty");
    const ValueId found = b.add(Op::argmax, {largest ? x : b.unary(Op::neg, x)}, {.axis = static_cast<int64_t>(axis)});
    return keep ? found : b.squeeze(found, axis);
}

bool has_rows(const Extents &shape) {
    return std::any_of(shape.begin(), shape.end(), [](const Extent &size) { return size.batch; });
}

template <bool largest>
Value extreme(Call &call) {
    constexpr Op op = largest ? Op::reduce_max : Op::reduce_min;
    if (call.find("other")) {
        return registry().at(largest ? "aten::maximum" : "aten::minimum").lower(call);
    }
    const ValueId x = call.id("self");
    if (call.b.rank(x) == 0) return result(x);
    if ((!call.find("dim") || call.find("dim")->none()) && has_rows(call.b.shape(x)) &&
        call.b.dtype(x) == DType::float32)
        return about_rows(call.b, largest ? AboutRows::What::largest : AboutRows::What::least, x);
    if (!call.find("dim") || call.find("dim")->none())
        return result(reduce_axes(call.b, op, x, call.axes("dim", call.b.rank(x)), false));
    const size_t axis = call.axis("dim", call.b.rank(x));
    const ValueId found = call.b.reduce(op, x, axis, kept(call));
    return results({found, arg_extreme(call.b, x, axis, largest, kept(call))});
}

template <Op op>
Value over_axes(Call &call) {  // amax, amin
    const ValueId x = call.id("self");
    return result(reduce_axes(call.b, op, x, call.axes("dim", call.b.rank(x)), kept(call)));
}

template <Op op>
Value of_bools(Call &call) {  // any, all
    const ValueId x = call.b.cast(call.id("self"), DType::boolean);
    if (call.b.rank(x) == 0) return result(x);
    if (call.b.known(x).uniform) {  // of rows too: what is the same everywhere is so for all of them
        Extents to = call.b.shape(x);
        std::vector<size_t> axes;
        if (call.has("dim")) {
            if (call.at("dim").is<Extent>())
                axes.push_back(call.axis("dim", to.size()));
            else
                axes = call.axes("dim", to.size());
        } else {
            for (size_t i = 0; i < to.size(); ++i) axes.push_back(i);
        }
        for (size_t i = axes.size(); i-- > 0;)
            if (kept(call))
                to[axes[i]] = Extent::of(1);
            else
                to.erase(to.begin() + static_cast<ptrdiff_t>(axes[i]));
        return result(call.b.full(static_cast<double>(call.b.known(x).least.terms[0]), to, DType::boolean));
    }
    if (call.has("dim") && call.at("dim").is<Extent>())
        return result(call.b.reduce(op, x, call.axis("dim", call.b.rank(x)), kept(call)));
    const Extents from = call.b.shape(x);
    if (!call.has("dim") && has_rows(from))
        return about_rows(call.b, op == Op::reduce_max ? AboutRows::What::any : AboutRows::What::all, x);
    return result(reduce_axes(call.b, op, x, call.axes("dim", call.b.rank(x)), kept(call)));
}

template <bool largest>
Value arg(Call &call) {
    ValueId x = call.id("self");
    if (!call.has("dim")) {
        const auto whole = lib::product(call.b.shape(x));
        x = call.b.reshape(x, {whole.value_or(Extent::of(-1))});
        return result(arg_extreme(call.b, x, 0, largest, false));
    }
    return result(arg_extreme(call.b, x, call.axis("dim", call.b.rank(x)), largest, kept(call)));
}

Value cumsum(Call &call) {
    ValueId x = call.id("self");
    if (call.b.dtype(x) == DType::boolean) x = call.b.cast(x, DType::int64);
    if (call.has("dtype")) x = call.b.cast(x, *call.dtype("dtype"));
    return result(call.b.add(Op::cumsum, {x}, {.axis = static_cast<int64_t>(call.axis("dim", call.b.rank(x)))}));
}

Value softmax(Call &call) {
    if (call.flag("half_to_float")) throw Unsupported{"float16 computation"};
    const ValueId x = real_operand(call);
    const size_t axis = call.axis("dim", call.b.rank(x));
    if (call.name == "aten::_safe_softmax") {
        // Zeros where every score is minus infinity.
        const ValueId finite = call.b.binary(Op::greater, x, call.b.full(-std::numeric_limits<double>::infinity(), {}));
        const ValueId any = call.b.reduce(Op::reduce_max, finite, axis, true);
        return result(call.b.where(any, call.b.softmax(x, axis), call.b.full(0, {})));
    }
    return result(call.b.softmax(x, axis));
}

ValueId log_sum_exp(Builder &b, ValueId x, const std::vector<size_t> &axes, bool keep) {
    // An infinite largest element is left where it is: infinity less infinity is none.
    const ValueId most = reduce_axes(b, Op::reduce_max, x, axes, true);
    const ValueId infinite =
        b.binary(Op::equal, b.unary(Op::abs, most), b.full(std::numeric_limits<double>::infinity(), {}));
    const ValueId top = b.where(infinite, b.full(0, {}), most);
    const ValueId sum = reduce_axes(b, Op::reduce_sum, b.unary(Op::exp, b.binary(Op::sub, x, top)), axes, true);
    ValueId whole = b.binary(Op::add, b.unary(Op::log, sum), top);
    for (size_t i = axes.size(); !keep && i-- > 0;) whole = b.squeeze(whole, axes[i]);
    return whole;
}

Value log_softmax(Call &call) {
    if (call.flag("half_to_float")) throw Unsupported{"float16 computation"};
    const ValueId x = real_operand(call);
    return result(log_softmax(call.b, x, call.axis("dim", call.b.rank(x))));
}

Value norm(Call &call) {
    Builder &b = call.b;
    const ValueId x = real_operand(call);
    const char *order_name = call.find("ord") ? "ord" : "p";
    if (call.has(order_name) && call.at(order_name).is<std::string>())
        throw Unsupported{"a norm of order '" + call.text(order_name) + "'"};
    const double order = call.real(order_name, 2);
    const auto axes = call.axes("dim", b.rank(x));
    if (call.name == "aten::linalg_norm" && call.has("ord") && axes.size() == 2)
        throw Unsupported{"a norm of matrices; write torch.linalg.vector_norm for one of their elements"};
    return result(vector_norm(b, x, order, axes, kept(call)));
}

double correction_of(const Call &call) {
    if (call.find("correction")) return call.real("correction", 1);
    return call.flag("unbiased", true) ? 1 : 0;
}

template <bool root, bool with_mean>
Value spread(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    const auto axes = call.axes("dim", b.rank(x));
    ValueId found = variance(b, x, axes, correction_of(call), kept(call));
    if (root) found = b.unary(Op::sqrt, found);
    if (!with_mean) return result(found);
    return results({found, reduce_axes(b, Op::reduce_mean, x, axes, kept(call))});
}

Value count_nonzero(Call &call) {
    const ValueId x = call.b.cast(call.b.cast(call.id("self"), DType::boolean), DType::int64);
    if (call.has("dim") && call.at("dim").is<Extent>())
        return result(call.b.reduce(Op::reduce_sum, x, call.axis("dim", call.b.rank(x)), false));
    return result(reduce_axes(call.b, Op::reduce_sum, x, call.axes("dim", call.b.rank(x)), false));
}

Value product(Call &call) {  // of a few places
    Builder &b = call.b;
    ValueId x = call.id("self");
    if (const auto dtype = call.dtype("dtype")) x = b.cast(x, *dtype);
    if (!call.find("dim")) throw Unsupported{"a product of everything"};
    const size_t axis = call.axis("dim", b.rank(x));
    const Extent size = b.shape(x)[axis];
    if (!size.known() || size.terms[0] < 1 || size.terms[0] > 64)
        throw Unsupported{"a product along " + to_string(size)};
    ValueId all = b.slice(x, axis, Extent::of(0), Extent::of(1));
    for (int64_t i = 1; i < size.terms[0]; ++i)
        all = b.binary(Op::mul, all, b.slice(x, axis, Extent::of(i), Extent::of(1)));
    return result(kept(call) ? all : b.squeeze(all, axis));
}

}  // namespace

void add_reductions(Registry &to) {
    const Entry entries[] = {
        {"aten::sum", "self dim keepdim dtype", &sum},
        {"aten::mean", "self dim keepdim dtype", &mean},
        {"aten::max", "self dim keepdim other", &extreme<true>},
        {"aten::min", "self dim keepdim other", &extreme<false>},
        {"aten::amax", "self dim keepdim", &over_axes<Op::reduce_max>},
        {"aten::amin", "self dim keepdim", &over_axes<Op::reduce_min>},
        {"aten::any", "self dim keepdim", &of_bools<Op::reduce_max>},
        {"aten::all", "self dim keepdim", &of_bools<Op::reduce_min>},
        {"aten::argmax", "self dim keepdim", &arg<true>},
        {"aten::argmin", "self dim keepdim", &arg<false>},
        {"aten::cumsum", "self dim dtype", &cumsum},
        {"aten::softmax", "self dim dtype", &softmax},
        {"aten::_softmax", "self dim half_to_float", &softmax},
        {"aten::_safe_softmax", "self dim dtype", &softmax},
        {"aten::log_softmax", "self dim dtype", &log_softmax},
        {"aten::_log_softmax", "self dim half_to_float", &log_softmax},
        {"aten::logsumexp", "self dim keepdim",
         [](Call &call) {
             const ValueId x = call.float_id("self");
             return result(log_sum_exp(call.b, x, call.axes("dim", call.b.rank(x)), kept(call)));
         }},
        {"aten::norm", "self p dim keepdim dtype", &norm},
        {"aten::frobenius_norm", "self dim keepdim", &norm},
        {"aten::linalg_vector_norm", "self ord dim keepdim dtype", &norm},
        {"aten::linalg_norm", "self ord dim keepdim dtype", &norm},
        {"aten::std", "self unbiased dim keepdim correction", &spread<true, false>},
        {"aten::var", "self unbiased dim keepdim correction", &spread<false, false>},
        {"aten::std_mean", "self unbiased dim keepdim correction", &spread<true, true>},
        {"aten::var_mean", "self unbiased dim keepdim correction", &spread<false, true>},
        {"aten::count_nonzero", "self dim", &count_nonzero},
        {"aten::prod", "self dim keepdim dtype", &product},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
