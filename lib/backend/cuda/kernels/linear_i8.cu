// SPDX-License-Identifier: Apache-2.0
// kernel::QuantiseRows and LinearI8. The sums are exact integers, so K may be cut, padded with zeros and taken in any
// order; only the epilogue rounds.
#include "backend/cuda/kernels/epilogue.hpp"
#include "backend/cuda/kernels/quantise.hpp"

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

// 64 rows by 64 outputs by 4 warps of 32 x 32, through tensor cores. K goes by steps of 64 bytes (16 words).
class TensorTile {
  public:
    __device__ static void run(const LinearI8 &l) {
        const int64_t rows = all_rows(l.rows), across = (l.n + kSide - 1) / kSide,
                      tiles = (rows + kSide - 1) / kSide * across;
        for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
            TensorTile t(l, rows, tile / across * kSide, tile % across * kSide);
            t.multiply();
            t.finish();
        }
    }

  private:
    static constexpr int kSide = kLinearI8.rows, kStep = 16, kStages = 3, kXStride = kStep + 4, kWStride = kSide + 8;
    static constexpr int kThreads = kLinearI8.threads, kXWords = kSide * kXStride, kWWords = kStep * kWStride;
    static_assert(kLinearI8Shared == kStages * (kXWords + kWWords) * 4);

    __device__ TensorTile(const LinearI8 &l, int64_t rows, int64_t row, int64_t column)
        : l_(l), rows_(rows), row_(row), column_(column), words_((l.k + 3) / 4) {
        xs_ = reinterpret_cast<uint32_t *>(shared_memory());
        ws_ = xs_ + kStages * kXWords;
    }

    __device__ void fetch(int stage, int64_t word) {
        const int64_t stride = quantised_stride(l_.k), last_panel = (l_.n + 31) / 32 - 1;
        for (int i = static_cast<int>(threadIdx.x); i < kSide * kStep / 4; i += kThreads) {
            const int r = i / 4, part = i % 4 * 4;
            const int64_t row = row_ + r < rows_ ? row_ + r : rows_ - 1;
            uint32_t *to = xs_ + stage * kXWords + r * kXStride + part;
            if ((word + part) * 4 < stride)
                copy_async_16(to, l_.x + row * stride + (word + part) * 4);
            else
                zero(to);
        }
        for (int i = static_cast<int>(threadIdx.x); i < kStep * kSide / 4; i += kThreads) {
            const int w = i / (kSide / 4), c = i % (kSide / 4) * 4;
            const int64_t panel = column_ / 32 + c / 32 < last_panel ? column_ / 32 + c / 32 : last_panel;
            uint32_t *to = ws_ + stage * kWWords + w * kWStride + c;
            if (word + w < words_)
                copy_async_16(to, l_.panels + ((panel * words_ + word + w) * 32 + c % 32) * 4);
            else
                zero(to);
        }
    }
    __device__ static void zero(uint32_t *to) {
        for (int i = 0; i < 4; ++i) to[i] = 0;
    }

    __device__ void multiply() {
        for (int m = 0; m < 2; ++m)
            for (int n = 0; n < 4; ++n)
                for (int i = 0; i < 4; ++i) sum_[m][n][i] = 0;
        const int64_t steps = (words_ + kStep - 1) / kStep;
        for (int stage = 0; stage < kStages - 1; ++stage) {
            if (stage < steps) fetch(stage, int64_t{stage} * kStep);
            commit_copies();
        }
        int stage = 0, filled = kStages - 1;
        for (int64_t step = 0; step < steps; ++step) {
            wait_for_copies<kStages - 2>();
            __syncthreads();
            if (step + kStages - 1 < steps) fetch(filled, (step + kStages - 1) * kStep);
            commit_copies();
            compute(stage, 0);
            compute(stage, kStep / 2);
            stage = stage + 1 == kStages ? 0 : stage + 1;
            filled = filled + 1 == kStages ? 0 : filled + 1;
        }
        __syncthreads();
    }
    // 32 of K from word `at` of a stage on.
    __device__ void compute(int stage, int at) {
        const int lane = static_cast<int>(threadIdx.x) % 32, group = lane / 4, place = lane % 4;
        uint32_t a[2][4], b[4][2];
#pragma unroll
        for (int m = 0; m < 2; ++m)
#pragma unroll
            for (int i = 0; i < 4; ++i)
                a[m][i] = xs_[stage * kXWords + (warp_row() + m * 16 + group + i % 2 * 8) * kXStride + at + place +
                              i / 2 * 4];
#pragma unroll
        for (int n = 0; n < 4; ++n)
#pragma unroll
            for (int i = 0; i < 2; ++i)
                b[n][i] = ws_[stage * kWWords + (at + place + i * 4) * kWStride + warp_column() + n * 8 + group];
#pragma unroll
        for (int m = 0; m < 2; ++m)
#pragma unroll
            for (int n = 0; n < 4; ++n) multiply_u8_s8(sum_[m][n], a[m], b[n]);
    }
    __device__ static int warp_row() { return static_cast<int>(threadIdx.x) / 32 / 2 * 32; }
    __device__ static int warp_column() { return static_cast<int>(threadIdx.x) / 32 % 2 * 32; }

    // The sums go through shared memory, so that the epilogue is one loop and rows are stored side by side.
    __device__ void finish() {
        const int lane = static_cast<int>(threadIdx.x) % 32, group = lane / 4, place = lane % 4;
        auto *sums = reinterpret_cast<int *>(xs_);
#pragma unroll
        for (int m = 0; m < 2; ++m)
#pragma unroll
            for (int n = 0; n < 4; ++n)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int row = warp_row() + m * 16 + group + i / 2 * 8;
                    sums[row * kSide + warp_column() + n * 8 + place * 2 + i % 2] = sum_[m][n][i];
                }
        __syncthreads();
        const bool merged = merged_with(l_.epilogue, l_.y);
#pragma unroll 1
        for (int i = static_cast<int>(threadIdx.x); i < kSide * kSide; i += kThreads) {
            const int64_t row = row_ + i / kSide, column = column_ + i % kSide;
            if (row < rows_ && column < l_.n) store_output(l_, row_at(l_.rows, row, merged), column, sums[i]);
        }
        __syncthreads();
    }

    const LinearI8 &l_;
    const int64_t rows_, row_, column_, words_;
    uint32_t *xs_, *ws_;
    int sum_[2][4][4];
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kLinearI8.threads) wb_linear_i8(const __grid_constant__ LinearI8 l) {
    TensorTile::run(l);
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
