// SPDX-License-Identifier: Apache-2.0
// complex64 as pairs of real and imaginary parts, along a last axis that the model does not see.
#include <algorithm>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Move what is in the places of the axes that the model sees.
constexpr const char *kMoves =
    "alias clone contiguous detach expand flatten index index_select narrow permute reshape select slice squeeze "
    "swapaxes swapdims transpose unsqueeze view";
constexpr const char *kAxes[] = {"axis0", "axis1", "dim", "dim0", "dim1", "dims", "end_dim", "start_dim"};
constexpr const char *kSizes[] = {"shape", "size"};

bool is_complex(const TensorPtr &tensor) { return foreign_of(*tensor) == Foreign::complex64; }

struct Parts {
    Term real, imaginary;
};

Term part(Builder &b, ValueId pairs, int64_t which) {
    const size_t last = b.rank(pairs) - 1;
    return {&b, b.squeeze(b.slice(pairs, last, Extent::of(which), Extent::of(1)), last)};
}

// Of a real operand the imaginary part is 0, and multiplied as any other: an infinity beside it gives NaN, as
// LibTorch's.
Parts parts_of(Call &call, const char *argument) {
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

Value product(Call &call) {
    const Parts x = parts_of(call, "self"), y = parts_of(call, "other");
    return complex_of(x.real * y.real - x.imaginary * y.imaginary, x.real * y.imaginary + x.imaginary * y.real);
}

template <Op op>
Value sum(Call &call) {
    if (call.real("alpha", 1) != 1) throw Unsupported{"complex numbers times alpha"};
    const Parts x = parts_of(call, "self"), y = parts_of(call, "other");
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

std::optional<Value> lower_complex(Call &call) {
    const auto given = tensors_of(call);
    if (!std::any_of(given.begin(), given.end(), is_complex)) return std::nullopt;
    const std::string_view name = std::string_view(call.name).substr(call.name.find("::") + 2);
    if (name == "mul" || name == "multiply") return product(call);
    if (name == "add") return sum<Op::add>(call);
    if (name == "sub") return sum<Op::sub>(call);
    if (lists(kMoves, name) && is_complex(call.tensor("self"))) return moved(call);
    if (lists("view_as_real real imag", name)) return std::nullopt;
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
