// SPDX-License-Identifier: Apache-2.0
// kernel::QuantiseRows and LinearI8. The sums are exact integers, so K may be cut, padded with zeros and taken in any
// order; only the epilogue rounds.
#include "backend/cuda/kernels/epilogue.hpp"
#include "backend/cuda/kernels/quantise.hpp"
#include "backend/cuda/kernels/tensor_tile.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

__device__ void store_output(const LinearI8 &l, const Row &row, int64_t column, int sum) {
    const float value =
        fused(static_cast<float>(sum + l.start[column]), l.x_scale[row.index] * l.w_scale[column], l.shift[column]);
    device::store_output(l.epilogue, l.y, l.rows, row, column, value);
}

}  // namespace

// A warp a row.
extern "C" __global__ void __launch_bounds__(kRowThreads) wb_quantise_rows(const __grid_constant__ QuantiseRows q) {
    constexpr int kWarps = kRowThreads / kQuantiseLanes;
    const int64_t count = all_rows(q.rows), stride = quantised_stride(q.k);
    for (int64_t i = int64_t{blockIdx.x} * kWarps + threadIdx.x / kQuantiseLanes; i < count;
         i += int64_t{gridDim.x} * kWarps) {
        const float *x = row_at(q.rows, i, q.x.merged).of<const float>(q.x, q.rows);
        quantise_row(x, q.k, q.range, q.q + i * stride, stride, q.scale + i);
    }
}

namespace {

// Rows of bytes and panels of them: 32 of K in an instruction.
struct Bytes {
    using Layer = LinearI8;
    using Sum = int;
    static constexpr LinearTile kTile = kLinearI8;
    __device__ static int64_t words(const LinearI8 &l) { return (l.k + 3) / 4; }
    __device__ static int64_t stride(const LinearI8 &l) { return quantised_stride(l.k) / 4; }
    __device__ static int start(const LinearI8 &, int64_t) { return 0; }
    __device__ static void multiply(int (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
        multiply_u8_s8(sum, a, b);
    }
    __device__ static void store(const LinearI8 &l, const Row &row, int64_t column, int sum) {
        store_output(l, row, column, sum);
    }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kLinearI8.threads) wb_linear_i8(const __grid_constant__ LinearI8 l) {
    TensorTile<Bytes>::run(l);
}

// For few rows: a warp has the 32 outputs of a panel for 4 rows, a word of each a lane.
extern "C" __global__ void __launch_bounds__(kLinearFew.threads) wb_linear_i8_few(const __grid_constant__ LinearI8 l) {
    constexpr int kRows = kLinearFew.rows;
    const int64_t rows = all_rows(l.rows), words = (l.k + 3) / 4, stride = quantised_stride(l.k);
    const int64_t across = (l.n + kLinearFew.columns - 1) / kLinearFew.columns,
                  tiles = (rows + kRows - 1) / kRows * across;
    const bool merged = merged_with(l.epilogue, l.y);
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const int64_t first = tile / across * kRows, column = tile % across * kLinearFew.columns + threadIdx.x;
        if (column / 32 * 32 >= l.n) continue;
        const auto *panel = reinterpret_cast<const uint32_t *>(l.panels) + column / 32 * words * 32 + column % 32;
        const uint32_t *x[kRows];
        int sum[kRows] = {};
        for (int r = 0; r < kRows; ++r)
            x[r] = reinterpret_cast<const uint32_t *>(l.x + (first + r < rows ? first + r : rows - 1) * stride);
#pragma unroll 8
        for (int64_t word = 0; word < words; ++word) {
            const uint32_t w = panel[word * 32];
#pragma unroll
            for (int r = 0; r < kRows; ++r) sum[r] = dot_u8_s8(x[r][word], w, sum[r]);
        }
        for (int r = 0; r < kRows; ++r)
            if (first + r < rows && column < l.n) store_output(l, row_at(l.rows, first + r, merged), column, sum[r]);
    }
}

}  // namespace weighbridge::lib::cuda
