// SPDX-License-Identifier: Apache-2.0
// complex64 as pairs of real and imaginary parts, along a last axis that the model does not see.
#include "torch/lower/complex.hpp"

#include <algorithm>

namespace weighbridge::torch_plugin {
namespace {

// Move what is in the places of the axes that the model sees.
constexpr const char *kMoves =
    "alias clone contiguous detach expand flatten index index_select narrow permute reshape select slice squeeze "
    "swapaxes swapdims transpose unsqueeze view";
constexpr const char *kAxes[] = {"axis0", "axis1", "dim", "dim0", "dim1", "dims", "end_dim", "start_dim"};
constexpr const char *kSizes[] = {"shape", "size"};

// Sums and joins, of which each part is that of the operands' parts.
constexpr const char *kByParts = "cat concat neg negative stack sum";
// Linear in both of their operands.
constexpr const char *kProducts = "bmm einsum linear matmul mm";

Term part(Builder &b, ValueId pairs, int64_t which) {
    const size_t last = b.rank(pairs) - 1;
    return {&b, b.squeeze(b.slice(pairs, last, Extent::of(which), Extent::of(1)), last)};
}

Term term_of(Builder &b, const Value &value) { return {&b, plain(b, **value.as<TensorPtr>())}; }

// The operator of one part of each operand, `which` of the first and of every other one.
Term of_parts(Call &call, size_t which, size_t which_of_others) {
    Call held{call.b, call.name, call.arguments, call.outputs};
    size_t count = 0;
    for (Argument &argument : held.arguments)
        each_tensor(argument.value, [&](const TensorPtr &tensor) {
            Call of{call.b, call.name, {{"self", tensor}}};
            const ComplexParts parts = parts_of(of, "self");
            return tensor_of((count++ == 0 ? which : which_of_others) == 0 ? parts.real.id : parts.imaginary.id);
        });
    return term_of(call.b, lower_operator(held));
}
Value by_parts(Call &call) { return complex_of(of_parts(call, 0, 0), of_parts(call, 1, 1)); }
Value times(Call &call) {
    const ComplexParts x = parts_of(call, "self"), y = parts_of(call, "other");
    return complex_of(x.real * y.real - x.imaginary * y.imaginary, x.real * y.imaginary + x.imaginary * y.real);
}
Value product(Call &call) {
    if (tensors_of(call).size() != 2) throw Unsupported{"complex numbers in a product of other than two"};
    return complex_of(of_parts(call, 0, 0) - of_parts(call, 1, 1), of_parts(call, 0, 1) + of_parts(call, 1, 0));
}

// An operator of two real operands, of the imaginary and the real part.
Value of_both(Call &call, const char *name) {
    const ComplexParts x = parts_of(call, "self");
    return lower_as(call, name, {{"self", tensor_of(x.imaginary.id)}, {"other", tensor_of(x.real.id)}});
}
// LibTorch divides the sum by a complex number without an imaginary part: what is infinite or NaN in one part makes the
// other NaN.
Value mean(Call &call) {
    const Term real = of_parts(call, 0, 0), imaginary = of_parts(call, 1, 1);
    return complex_of(real + imaginary * 0.0, imaginary - real * 0.0);
}
Value conjugate(Call &call) {
    const ComplexParts x = parts_of(call, "self");
    return complex_of(x.real, -x.imaginary);
}

template <Op op>
Value sum(Call &call) {
    if (call.real("alpha", 1) != 1) throw Unsupported{"complex numbers times alpha"};
    const ComplexParts x = parts_of(call, "self"), y = parts_of(call, "other");
    return complex_of(apply(op, x.real, y.real), apply(op, x.imaginary, y.imaginary));
}

// Axes are counted from the model's last one, and sizes leave the pairs as they are.
Value moved(Call &call) {
    const auto rank = static_cast<int64_t>(shape_of(call.b, *call.tensor("self")).size());
    const int64_t places = call.name == "aten::unsqueeze" ? rank + 1 : rank;
    Call held{call.b, call.name, {}, call.outputs};
    for (const Argument &argument : call.arguments) {
        Argument changed{argument.name, argument.value, argument.otherwise};
        const auto named = [&](const char *name) { return argument.name == name; };
        if (argument.name == "self") {
            changed.value = as_it_stands(call.b, *argument.value.as<TensorPtr>());
        } else if (!argument.value.none() && std::any_of(std::begin(kAxes), std::end(kAxes), named)) {
            const bool several = argument.value.is<std::shared_ptr<List>>();
            List axes;
            for (int64_t axis : call.integers(argument.name))
                axes.push_back(Extent::of(static_cast<int64_t>(wrap_axis(axis, static_cast<size_t>(places)))));
            if (call.name == "aten::permute") axes.push_back(Extent::of(rank));
            changed.value = several ? list_of(std::move(axes)) : axes.at(0);
        } else if (std::any_of(std::begin(kSizes), std::end(kSizes), named)) {
            List sizes;
            for (const Extent &size : call.sizes(argument.name)) sizes.push_back(size);
            sizes.push_back(Extent::of(2));
            changed.value = list_of(std::move(sizes));
        }
        held.arguments.push_back(std::move(changed));
    }
    if (call.name == "aten::squeeze" && !call.find("dim"))
        throw Unsupported{"complex numbers; name the axis to squeeze"};
    const Value made = lower_operator(held);
    return standing_for(Foreign::complex64, **made.as<TensorPtr>());
}

Value view_as_complex(Call &call) {
    const ValueId pairs = call.id("self");
    if (call.b.dtype(pairs) != DType::float32 || !call.b.shape(pairs).back().is(2))
        throw Unsupported{"complex numbers of " + to_string(call.b.type(pairs))};
    return standing_for(Foreign::complex64, *tensor_of(pairs));
}

template <int64_t which>
Value one_part(Call &call) {
    const TensorPtr x = call.tensor("self");
    if (!is_complex(x)) return x;
    return result(part(call.b, plain(call.b, *as_it_stands(call.b, x)), which).id);
}

}  // namespace

bool is_complex(const TensorPtr &tensor) { return foreign_of(*tensor) == Foreign::complex64; }

// Of a real operand the imaginary part is 0, and multiplied as any other: an infinity beside it gives NaN, as
// LibTorch's.
ComplexParts parts_of(Call &call, std::string_view argument) {
    const TensorPtr x = call.tensor(argument);
    if (!is_complex(x)) {
        const Term real{&call.b, call.b.cast(plain(call.b, *x), DType::float32)};
        return {real, term(real, 0)};
    }
    const ValueId pairs = plain(call.b, *as_it_stands(call.b, x));
    return {part(call.b, pairs, 0), part(call.b, pairs, 1)};
}

Value complex_of(Term real, Term imaginary) {
    Builder &b = *real.b;
    const size_t last = std::max(b.rank(real.id), b.rank(imaginary.id));
    const Extents shape = b.shape(b.binary(Op::add, real.id, imaginary.id));
    const ValueId pairs =
        b.concat({b.unsqueeze(b.expand(real.id, shape), last), b.unsqueeze(b.expand(imaginary.id, shape), last)}, last);
    return standing_for(Foreign::complex64, *tensor_of(pairs));
}

std::optional<Value> lower_complex(Call &call) {
    const auto given = tensors_of(call);
    if (!std::any_of(given.begin(), given.end(), is_complex)) return std::nullopt;
    const std::string_view name = std::string_view(call.name).substr(call.name.find("::") + 2);
    if (lists("mul multiply", name)) return times(call);
    if (lists(kProducts, name)) return product(call);
    if (lists(kByParts, name)) return by_parts(call);
    if (name == "mean") return mean(call);
    if (lists("abs absolute", name)) return of_both(call, "aten::hypot");
    if (name == "angle") return of_both(call, "aten::atan2");
    if (lists("_conj conj conj_physical", name)) return conjugate(call);
    if (name == "add") return sum<Op::add>(call);
    if (name == "sub") return sum<Op::sub>(call);
    if (lists(kMoves, name) && is_complex(call.tensor("self"))) return moved(call);
    if (lists("view_as_real real imag", name) || name.starts_with("fft_")) return std::nullopt;
    throw Unsupported{"complex numbers"};
}

void add_complex(Registry &to) {
    const Entry entries[] = {
        {"aten::view_as_complex", "self", &view_as_complex},
        {"aten::view_as_real", "self",
         [](Call &call) {
             const TensorPtr x = call.tensor("self");
             if (!is_complex(x)) throw Unsupported{"real numbers as pairs"};
             return Value(as_it_stands(call.b, x));
         }},
        {"aten::_conj", "self", [](Call &call) { return Value(call.tensor("self")); }},  // of real numbers
        {"aten::real", "self", &one_part<0>},
        {"aten::imag", "self", &one_part<1>},
        {"aten::complex", "real imag",
         [](Call &call) {
             return complex_of({&call.b, call.id("real")}, {&call.b, call.id("imag")});
         }},
        {"aten::polar", "abs angle self= other=",
         [](Call &call) {
             const Term size{&call.b, call.id("abs")}, angle{&call.b, call.id("angle")};
             return complex_of(size * apply(Op::cos, angle), size * apply(Op::sin, angle));
         }},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
