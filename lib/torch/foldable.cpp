// SPDX-License-Identifier: Apache-2.0
#include "foldable.hpp"

#include <ATen/core/function_schema.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Pure functions of aten that give tensors, besides those that lower.
const std::set<std::string_view> &pure() {
    // clang-format off
    static const std::set<std::string_view> kNames{
        // made of numbers
        "linspace", "logspace", "range", "tril_indices", "triu_indices", "complex", "polar", "hann_window",
        "hamming_window", "blackman_window", "bartlett_window", "kaiser_window", "_shape_as_tensor", "vander",
        // element by element
        "absolute", "acos", "acosh", "arccos", "arcsin", "arctan", "arctan2", "asin", "asinh", "atan", "atan2",
        "atanh", "bitwise_left_shift", "bitwise_right_shift", "__lshift__", "__rshift__", "cosh", "sinh", "copysign",
        "deg2rad", "rad2deg", "digamma", "erfc", "erfinv", "fmax", "fmin", "fmod", "float_power", "gcd", "lcm",
        "heaviside", "hypot", "i0", "igamma", "igammac", "isclose", "isin", "isneginf", "isposinf", "isreal", "ldexp",
        "lgamma", "logaddexp", "logaddexp2", "negative", "nextafter", "polygamma", "sgn", "signbit", "sinc",
        "softshrink", "hardshrink", "special_expit", "special_erf", "special_gammaln", "special_logit",
        "special_xlogy", "xlogy", "special_expm1", "special_log1p", "special_ndtri", "fix", "view_as_real",
        "view_as_complex", "real", "imag", "angle", "conj", "dequantize", "quantize_per_tensor",
        "quantize_per_channel", "int_repr", "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine",
        // layout and places
        "adjoint", "argwhere", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors",
        "cartesian_prod", "channel_shuffle", "column_stack", "combinations", "diag", "diag_embed", "diagflat",
        "diagonal", "dsplit", "dstack", "expand_copy", "fliplr", "flipud", "hsplit", "index_add", "index_copy",
        "index_fill", "index_put", "masked_scatter", "masked_select", "matrix_H", "mH", "meshgrid", "msort",
        "narrow_copy", "nonzero", "nonzero_numpy", "argsort", "put", "rot90", "row_stack", "scatter", "scatter_add",
        "scatter_reduce", "select_scatter", "slice_scatter", "diagonal_scatter", "sort", "take", "topk", "unfold",
        "unique_consecutive", "_unique", "_unique2", "unique_dim", "vsplit", "vstack", "view_as_real_copy", "_to_cpu",
        "_cast_Double", "_cast_Int",
        // sums and the like
        "aminmax", "bincount", "cdist", "cummax", "cummin", "cumprod", "logcumsumexp", "diff", "dist", "equal",
        "allclose", "histc", "kthvalue", "median", "mode", "nanmean", "nanmedian", "nanquantile", "nansum",
        "quantile", "trace", "trapezoid", "trapz", "pairwise_distance", "pdist",
        // linear algebra
        "addbmm", "addr", "chain_matmul", "cholesky_inverse", "cholesky_solve", "cross", "det", "ger", "inner",
        "inverse", "kron", "linalg_cholesky", "linalg_cross", "linalg_det", "linalg_diagonal", "linalg_eigh",
        "linalg_householder_product", "linalg_inv", "linalg_lstsq", "linalg_lu", "linalg_lu_factor", "linalg_matmul",
        "linalg_matrix_exp", "linalg_matrix_norm", "linalg_matrix_power", "linalg_multi_dot", "linalg_pinv",
        "linalg_qr", "linalg_slogdet", "linalg_solve", "linalg_solve_triangular", "linalg_svd", "linalg_svdvals",
        "linalg_vecdot", "logdet", "matrix_exp", "matrix_power", "nuclear_norm", "outer", "pinverse", "slogdet",
        "svd", "tensordot", "triangular_solve", "vdot", "_weight_norm", "_weight_norm_interface", "norm_except_dim",
        "renorm",
        // convolutions and pools, of a fixed input
        "avg_pool1d", "avg_pool2d", "conv1d", "conv2d", "_convolution", "convolution", "max_pool1d", "max_pool2d",
        "adaptive_avg_pool1d", "adaptive_max_pool1d", "upsample_linear1d", "upsample_nearest1d",
    };
    // clang-format on
    return kNames;
}

bool holds_tensor(const c10::TypePtr &type) {
    if (type->isSubtypeOf(*c10::TensorType::get())) return true;
    const auto &inside = type->containedTypes();
    return std::any_of(inside.begin(), inside.end(), [](const c10::TypePtr &one) { return holds_tensor(one); });
}

}  // namespace

bool may_fold(const std::string &name, const c10::FunctionSchema &schema) {
    const bool ours = name.starts_with("aten::");
    if (!ours && !name.starts_with("prim::")) return false;
    const auto &results = schema.returns();
    const bool gives_tensors =
        std::any_of(results.begin(), results.end(), [](const c10::Argument &one) { return holds_tensor(one.type()); });
    if (!results.empty() && !gives_tensors && !schema.is_mutable()) return true;
    if (name == "prim::NumToTensor") return true;
    const auto listed = [&](std::string_view one) {
        return registry().count(one) > 0 || (ours && pure().count(one.substr(6)) > 0);
    };
    return listed(name) || (name.ends_with('_') && listed(std::string_view(name).substr(0, name.size() - 1)));
}

}  // namespace weighbridge::torch_plugin
