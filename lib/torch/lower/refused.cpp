// SPDX-License-Identifier: Apache-2.0
// Operators of LibTorch that do not lower, and what to write instead. README.md of lib/torch has the same table.
#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr Refused kRefused[] = {
    {"col2im", "adds windows back to places", "write conv_transpose1d or conv_transpose2d"},
    {"lp_pool1d", "a norm of another name", "write torch.linalg.vector_norm over an axis"},
    {"masked_scatter put", "writes at places that are counted anew",
     "write torch.where with a mask, scatter or scatter_add"},
    {"nonzero nonzero_numpy argwhere masked_select unique_consecutive _unique2 unique_dim "
     "unique_dim_consecutive",
     "how many elements it gives depends on data", "write torch.where, or multiply by a mask"},
    {"bincount histc histogram histogramdd", "counts over everything", "write one_hot and a sum over a row's own axis"},
    {"pinverse linalg_pinv linalg_lstsq", "the pseudo-inverse by singular values",
     "write torch.linalg.solve of A^T A, or compute it before export and keep it in a buffer"},
    {"svd linalg_svd linalg_svdvals linalg_eigh linalg_eigvalsh linalg_matrix_rank "
     "linalg_matrix_sqrth linalg_polar nuclear_norm",
     "eigenvalues and singular values", "compute it before export and keep it in a buffer"},
    {"linalg_qr linalg_householder_product", "reflections of Householder",
     "write torch.linalg.cholesky and solve_triangular, or compute it before export and keep it in a buffer"},
    {"linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_ldl_factor "
     "linalg_ldl_factor_ex linalg_tensorinv linalg_tensorsolve",
     "factors that nothing but a solver reads", "write torch.linalg.solve or torch.linalg.inv"},
    {"mode", "the most frequent element", "write one_hot, a sum and argmax, or gather of sorted elements"},
    {"linalg_inv_ex linalg_solve_ex linalg_cholesky_ex", "tells beside its result what went wrong",
     "write torch.linalg.inv, solve or cholesky"},
    {"linalg_cond", "a norm times that of an inverse that may not be", "write torch.linalg.matrix_norm of each"},
    {"polygamma special_polygamma special_zeta igamma igammac special_gammainc special_gammaincc special_airy_ai "
     "nextafter gcd lcm frexp",
     "a function without a kernel", "look it up in a table by bucketize, or compute it before export"},
    {"stft istft", "complex numbers", "write unfold and torch.fft.rfft"},
    {"quantize_per_tensor quantize_per_channel dequantize fake_quantize_per_tensor_affine "
     "fake_quantize_per_channel_affine",
     "LibTorch's quantized tensors", "export in float32 and compile with precision int8"},
    {"float_power", "a power of float64", "write pow"},
    {"pdist cov corrcoef", "of all rows, or of one matrix", "write it over a row's own axes"},
    {"grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator",
     "an operator of images at places that are data", "write gather, or interpolate of fixed sizes"},
};

}  // namespace

std::span<const Refused> refused() { return kRefused; }

std::string why_refused(std::string_view name) {
    if (name.starts_with("aten::"))
        for (const Refused &one : kRefused)
            if (lists(one.operators, name.substr(6)))
                return std::string(one.why) + ", which is not supported; " + one.instead;
    return "not supported";
}

}  // namespace weighbridge::torch_plugin
