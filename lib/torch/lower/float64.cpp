// SPDX-License-Identifier: Apache-2.0
// Which operators take float64: those element by element and the reductions, whose lowerings keep it, and what only
// moves elements. All others would compute in float32, and are refused.
#include <algorithm>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr const char *kTakeFloat64[] = {
    "_cast_Float _cast_Long _to_copy alias clone contiguous copy cpu detach lift_fresh positive requires_grad_ "
    "resolve_conj resolve_neg to type_as",
    "abs absolute add addcdiv addcmul ceil clamp clamp_max clamp_min clip cos div divide eq erf exp fill floor "
    "floor_divide fmod frac ge greater greater_equal gt hardtanh isfinite isinf isnan le less less_equal log log10 "
    "log1p "
    "log2 "
    "logical_and logical_not logical_or logical_xor logit lt masked_fill maximum minimum mul multiply nan_to_num ne "
    "neg "
    "negative not_equal pow reciprocal relu relu6 remainder round rsqrt rsub sigmoid sin special_expit special_log1p "
    "sqrt square "
    "sub subtract tan tanh threshold true_divide trunc where",
    "addmm addmv bmm linear matmul mm mv",
    "all amax amin any argmax argmin count_nonzero cumsum frobenius_norm linalg_norm linalg_vector_norm logsumexp max "
    "mean min norm prod std std_mean sum var var_mean",
    "empty_like full full_like new_empty new_full new_ones new_zeros ones ones_like scalar_tensor tensor as_tensor "
    "zero "
    "zeros zeros_like",
    "_reshape_alias _unsafe_view broadcast_to cat chunk concat concatenate embedding expand expand_as flatten flip "
    "gather "
    "hstack index index_select movedim narrow permute ravel repeat reshape reshape_as roll select slice split "
    "split_with_sizes squeeze stack swapaxes swapdims t take_along_dim tile transpose unbind unflatten unsqueeze view "
    "view_as",
    "dropout dropout_ feature_dropout alpha_dropout feature_alpha_dropout native_dropout"};

}  // namespace

bool takes_float64(std::string_view name) {
    return std::any_of(std::begin(kTakeFloat64), std::end(kTakeFloat64),
                       [&](const char *names) { return name.starts_with("aten::") && lists(names, name.substr(6)); });
}

void require_float64(const Call &call) {
    if (takes_float64(call.name)) return;
    for (const TensorPtr &tensor : tensors_of(call))
        if (!tensor->number && !foreign_of(*tensor) && dtype_of(call.b, *tensor) == DType::float64)
            throw Unsupported{kFloat64Computation};
}

}  // namespace weighbridge::torch_plugin
