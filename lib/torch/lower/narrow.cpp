// SPDX-License-Identifier: Apache-2.0
// float16 and bfloat16 as float32 that is rounded to them. LibTorch computes an operator of theirs in float32 and
// rounds once, so that operators with one right answer in float32 give LibTorch's bits. Sums, products and functions,
// whose float32 may differ in its last place, are refused: rounded to so few bits they could differ by a whole one.
#include <algorithm>
#include <array>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Every element of the result is one of the operands', or as exact, and needs no rounding.
constexpr const char *kChooses =
    "_reshape_alias _unsafe_view abs absolute alias alpha_dropout amax amin broadcast_to cat ceil chunk clamp "
    "clamp_max "
    "clamp_min clip clone concat concatenate contiguous cpu detach dropout dropout_ embedding expand expand_as "
    "feature_dropout "
    "flatten flip floor gather hardtanh hstack index index_select lift_fresh masked_fill max maximum min minimum "
    "movedim "
    "narrow native_dropout neg negative permute positive ravel relu relu6 repeat reshape reshape_as requires_grad_ "
    "roll "
    "round select slice split split_with_sizes squeeze stack swapaxes swapdims t take_along_dim tile transpose trunc "
    "unbind unflatten unsqueeze view view_as where";
constexpr const char *kRounds = "add div divide mul multiply reciprocal rsub sqrt square sub subtract true_divide";
// Give bools and integers.
constexpr const char *kAsks =
    "all any argmax argmin eq ge greater greater_equal gt isfinite isinf isnan le less less_equal logical_and "
    "logical_not "
    "logical_or logical_xor lt ne not_equal";
constexpr const char *kCasts = "_cast_Float _cast_Long _to_copy to type_as";
// Of these a number beside a tensor stays float32; all others round it first.
constexpr const char *kFactors = "div divide mul multiply true_divide";
constexpr const char *kOperands = "alpha max max_val min min_val other self value";

bool is_narrow(const TensorPtr &tensor) {
    const auto foreign = foreign_of(*tensor);
    return foreign && *foreign != Foreign::complex64;
}
Op rounding_to(Foreign foreign) { return foreign == Foreign::float16 ? Op::round_float16 : Op::round_bfloat16; }

std::string_view short_name(const Call &call) { return std::string_view(call.name).substr(call.name.find("::") + 2); }

// The dtype of a result, where it is narrow: at::result_type of what is real. Tensors with axes decide, then those
// without, then Python's numbers.
std::optional<Foreign> promoted(const Builder &b, const std::vector<TensorPtr> &tensors) {
    struct Level {
        bool real = false, other = false;
        std::optional<Foreign> foreign;
    };
    std::array<Level, 3> levels;
    for (const TensorPtr &tensor : tensors) {
        const auto foreign = foreign_of(*tensor);
        if (!foreign && !is_real(dtype_of(b, *tensor))) continue;
        Level &level = levels[tensor->number ? 2 : shape_of(b, *tensor).empty() ? 1 : 0];
        level.other = level.other || !foreign || (level.real && level.foreign != foreign);
        level.foreign = foreign;
        level.real = true;
    }
    for (const Level &level : levels)
        if (level.real) return level.other ? std::nullopt : level.foreign;
    return std::nullopt;
}

ValueId rounded(Builder &b, ValueId x, Foreign to) { return b.unary(rounding_to(to), b.cast(x, DType::float32)); }

double rounded(double x, Foreign to) {
    return static_cast<double>(lib::operator_of(rounding_to(to)).fold(static_cast<float>(x)));
}

std::optional<double> number_of(const Value &value) {
    if (const auto *real = value.as<double>()) return *real;
    const auto *extent = value.as<Extent>();
    return extent && extent->known() ? std::optional(static_cast<double>(extent->terms[0])) : std::nullopt;
}

// An operand that is not narrow itself, in the narrow type that the operator computes in.
TensorPtr rounded(Builder &b, const TensorPtr &tensor, Foreign to) {
    if (is_narrow(tensor) || dtype_of(b, *tensor) == DType::boolean) return tensor;
    TensorPtr made = tensor_of(rounded(b, apart(b, *tensor), to), tensor->merged);
    made->number = tensor->number;
    return made;
}

Value marked(Builder &b, const Value &made, Foreign foreign, bool rounds) {
    Value value = made;
    each_tensor(value, [&](const TensorPtr &tensor) {
        if (dtype_of(b, *tensor) != DType::float32) return tensor;
        if (!rounds) return standing_for(foreign, *tensor);
        return standing_for(foreign, *tensor_of(rounded(b, apart(b, *tensor), foreign), tensor->merged));
    });
    return value;
}

Call as_they_stand(const Call &call) {
    Call held{call.b, call.name, call.arguments, call.outputs};
    for (Argument &argument : held.arguments)
        each_tensor(argument.value, [&](const TensorPtr &tensor) { return as_it_stands(call.b, tensor); });
    return held;
}

// What a conversion asks for: a narrow dtype, another one (`native`), or none.
struct Target {
    std::optional<Foreign> foreign;
    bool native = false;
};
Target target_of(const Call &call) {
    if (const Value *dtype = call.find("dtype"); dtype && dtype->is<Extent>()) {
        const auto foreign = foreign_of_scalar_type(dtype->as<Extent>()->terms[0]);
        return {foreign, !foreign};
    }
    if (const Value *other = call.find("other"); other && other->is<TensorPtr>()) {
        const auto foreign = foreign_of(**other->as<TensorPtr>());
        return {foreign, !foreign};
    }
    return {std::nullopt, lists("_cast_Float _cast_Long", short_name(call))};
}

Value converted(Call &call) {
    const TensorPtr x = call.tensor("self");
    const Target target = target_of(call);
    const auto own = foreign_of(*x);
    Call held = as_they_stand(call);
    if (target.foreign) {
        for (Argument &argument : held.arguments) {
            if (argument.name == "dtype") argument.value = Extent::of(scalar_type_of(DType::float32));
            if (argument.name == "other") argument.value = tensor_of(call.b.full(0, {}));
        }
    }
    const Value made = lower_operator(held);
    if (target.foreign) return marked(call.b, made, *target.foreign, own != target.foreign);
    return target.native || !own ? made : marked(call.b, made, *own, false);
}

// Numbers and integers beside narrow tensors, rounded as LibTorch does.
void round_operands(Call &call, Foreign to) {
    const bool scales = lists(kFactors, short_name(call));
    for (Argument &argument : call.arguments) {
        const bool factors = scales && argument.name != "self";  // LibTorch rounds a first operand of no axes
        if (!lists(kOperands, argument.name) && argument.name != "tensors") continue;
        if (const auto number = number_of(argument.value)) {
            if (!factors) argument.value = rounded(*number, to);
        } else {
            each_tensor(argument.value, [&](const TensorPtr &tensor) {
                const bool alone = tensor->number || shape_of(call.b, *tensor).empty();
                return alone && factors ? tensor : rounded(call.b, tensor, to);
            });
        }
    }
}

}  // namespace

std::optional<Value> lower_narrow(Call &call) {
    const auto given = tensors_of(call);
    const std::string_view name = short_name(call);
    const bool casts = lists(kCasts, name);
    const bool any = std::any_of(given.begin(), given.end(), is_narrow);
    if (casts && (any || target_of(call).foreign)) return converted(call);
    if (!any) return std::nullopt;
    const bool rounds = lists(kRounds, name), asks = lists(kAsks, name), decimals = call.integer("decimals", 0) != 0;
    const auto to = promoted(call.b, given);
    if ((!rounds && !asks && !lists(kChooses, name)) || decimals) {
        const auto foreign = to ? to : foreign_of(**std::find_if(given.begin(), given.end(), is_narrow));
        throw Unsupported{*foreign == Foreign::float16 ? "float16 computation" : "bfloat16 computation"};
    }
    Call computed{call.b, call.name, call.arguments, call.outputs};
    if (to) round_operands(computed, *to);
    Call held = as_they_stand(computed);
    const Value made = lower_operator(held);
    return to && !asks ? marked(call.b, made, *to, rounds) : made;
}

}  // namespace weighbridge::torch_plugin
