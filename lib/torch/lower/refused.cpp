// SPDX-License-Identifier: Apache-2.0
// Operators of LibTorch that do not lower, and what to write instead. README.md of lib/torch has the same table.
#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr Refused kRefused[] = {
    {"msort mode nanquantile", "orders elements", "write sort, topk, median or quantile along an axis"},
    {"conv2d conv3d conv_transpose1d conv_transpose2d conv_tbc im2col col2im", "a convolution along several axes",
     "write conv1d, or a linear of slices that are joined"},
    {"max_pool2d avg_pool2d max_pool1d_with_indices lp_pool1d", "a pool along several axes, or with its places",
     "write max_pool1d, or amax over a view"},
    {"scatter_reduce index_copy masked_scatter put diagonal_scatter index_reduce", "writes at places",
     "write torch.where with a mask, scatter or scatter_add"},
    {"nonzero argwhere masked_select unique_consecutive _unique2 unique_dim",
     "how many elements it gives depends on data", "write torch.where, or multiply by a mask"},
    {"bincount histc histogram histogramdd", "counts over everything", "write one_hot and a sum over a row's own axis"},
    {"det logdet slogdet inverse pinverse svd matrix_exp matrix_power linalg_det linalg_slogdet linalg_inv linalg_pinv "
     "linalg_solve linalg_lstsq linalg_svd linalg_svdvals linalg_eigh linalg_eigvalsh linalg_qr linalg_lu "
     "linalg_cholesky cholesky_solve linalg_matrix_power linalg_matrix_norm linalg_householder_product "
     "triangular_solve",
     "linear algebra beyond products", "compute it before export and keep it in a buffer"},
    {"lgamma digamma polygamma erfinv i0 igamma igammac special_i0e special_i1 special_i1e special_ndtri "
     "special_erfcx special_zeta special_bessel_j0 nextafter gcd lcm frexp",
     "a function without a kernel", "look it up in a table by bucketize, or compute it before export"},
    {"angle conj conj_physical fft_fft fft_rfft fft_ifft fft_irfft stft istft", "complex numbers",
     "keep real and imaginary parts in two columns"},
    {"quantize_per_tensor quantize_per_channel dequantize fake_quantize_per_tensor_affine "
     "fake_quantize_per_channel_affine",
     "LibTorch's quantized tensors", "export in float32 and compile with precision int8"},
    {"float_power", "a power of float64", "write pow"},
    {"renorm dist pdist trace kron cov corrcoef", "of all rows, or of one matrix", "write it over a row's own axes"},
    {"local_response_norm grid_sampler affine_grid_generator upsample_linear1d upsample_nearest1d pixel_shuffle",
     "an operator of images", "write it of views and products"},
    {"multilabel_margin_loss", "a loss without a kernel", "score with mse, bce or cross_entropy"},
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
