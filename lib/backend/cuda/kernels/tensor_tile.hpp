// SPDX-License-Identifier: Apache-2.0
// A linear layer by tensor cores: tiles of rows by 64 outputs, whose words of K go through shared memory.
#pragma once

#include "backend/cuda/kernels/epilogue.hpp"

namespace weighbridge::lib::cuda::device {

// Kind: the layer's arguments, the type of a sum, the tile, and how a layer's words lie, are multiplied and end. A row
// has stride() words, multiples of 8, with zeros behind the layer's words(); K goes by 8 words an instruction,
// ascending, 16 a stage.
template <class Kind>
class TensorTile {
    using Layer = typename Kind::Layer;
    using Sum = typename Kind::Sum;

  public:
    __device__ static void run(const Layer &l) {
        const int64_t rows = all_rows(l.rows), across = (l.n + kColumns - 1) / kColumns,
                      tiles = (rows + kRows - 1) / kRows * across;
        for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
            TensorTile t(l, rows, tile / across * kRows, tile % across * kColumns);
            t.multiply();
            t.finish();
        }
    }

  private:
    static constexpr int kRows = Kind::kTile.rows, kColumns = Kind::kTile.columns, kThreads = Kind::kTile.threads;
    static constexpr int kStep = 16, kStages = 3, kXStride = kStep + 4, kWStride = kColumns + 8;
    static constexpr int kXWords = kRows * kXStride, kWWords = kStep * kWStride;
    static_assert(tensor_shared_bytes(Kind::kTile) == kStages * (kXWords + kWWords) * 4);
    static_assert(kRows * kColumns <= kStages * (kXWords + kWWords));  // the sums take their place
    // A warp has kHigh times 16 rows by kWide times 8 outputs.
    static constexpr int kDown = kRows >= 32 ? 2 : 1, kAcross = kThreads / 32 / kDown;
    static constexpr int kHigh = kRows / kDown / 16, kWide = kColumns / kAcross / 8;

    __device__ TensorTile(const Layer &l, int64_t rows, int64_t row, int64_t column)
        : l_(l), rows_(rows), row_(row), column_(column), words_(Kind::words(l)) {
        xs_ = reinterpret_cast<uint32_t *>(shared_memory());
        ws_ = xs_ + kStages * kXWords;
    }

    __device__ void fetch(int stage, int64_t word) {
        const int64_t stride = Kind::stride(l_), last_panel = (l_.n + 31) / 32 - 1;
        const auto *x = reinterpret_cast<const uint32_t *>(l_.x),
                   *panels = reinterpret_cast<const uint32_t *>(l_.panels);
        for (int i = static_cast<int>(threadIdx.x); i < kRows * kStep / 4; i += kThreads) {
            const int r = i / 4, part = i % 4 * 4;
            const int64_t row = row_ + r < rows_ ? row_ + r : rows_ - 1;
            uint32_t *to = xs_ + stage * kXWords + r * kXStride + part;
            if (word + part < stride)
                copy_async_16(to, x + row * stride + word + part);
            else
                zero(to);
        }
        for (int i = static_cast<int>(threadIdx.x); i < kStep * kColumns / 4; i += kThreads) {
            const int w = i / (kColumns / 4), c = i % (kColumns / 4) * 4;
            const int64_t panel = column_ / 32 + c / 32 < last_panel ? column_ / 32 + c / 32 : last_panel;
            uint32_t *to = ws_ + stage * kWWords + w * kWStride + c;
            if (word + w < words_)
                copy_async_16(to, panels + (panel * words_ + word + w) * 32 + c % 32);
            else
                zero(to);
        }
    }
    __device__ static void zero(uint32_t *to) {
        for (int i = 0; i < 4; ++i) to[i] = 0;
    }

    __device__ void multiply() {
        const int place = static_cast<int>(threadIdx.x) % 4;
        for (int n = 0; n < kWide; ++n)
            for (int i = 0; i < 4; ++i) {
                const Sum start = Kind::start(l_, column_ + warp_column() + n * 8 + place * 2 + i % 2);
                for (int m = 0; m < kHigh; ++m) sum_[m][n][i] = start;
            }
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
    // 8 words of K from word `at` of a stage on.
    __device__ void compute(int stage, int at) {
        const int lane = static_cast<int>(threadIdx.x) % 32, group = lane / 4, place = lane % 4;
        uint32_t a[kHigh][4], b[kWide][2];
#pragma unroll
        for (int m = 0; m < kHigh; ++m)
#pragma unroll
            for (int i = 0; i < 4; ++i)
                a[m][i] = xs_[stage * kXWords + (warp_row() + m * 16 + group + i % 2 * 8) * kXStride + at + place +
                              i / 2 * 4];
#pragma unroll
        for (int n = 0; n < kWide; ++n)
#pragma unroll
            for (int i = 0; i < 2; ++i)
                b[n][i] = ws_[stage * kWWords + (at + place + i * 4) * kWStride + warp_column() + n * 8 + group];
#pragma unroll
        for (int m = 0; m < kHigh; ++m)
#pragma unroll
            for (int n = 0; n < kWide; ++n) Kind::multiply(sum_[m][n], a[m], b[n]);
    }
    __device__ static int warp_row() { return static_cast<int>(threadIdx.x) / 32 / kAcross * kHigh * 16; }
    __device__ static int warp_column() { return static_cast<int>(threadIdx.x) / 32 % kAcross * kWide * 8; }

    // The sums go through shared memory, so that the epilogue is one loop and rows are stored side by side.
    __device__ void finish() {
        const int lane = static_cast<int>(threadIdx.x) % 32, group = lane / 4, place = lane % 4;
        auto *sums = reinterpret_cast<Sum *>(xs_);
#pragma unroll
        for (int m = 0; m < kHigh; ++m)
#pragma unroll
            for (int n = 0; n < kWide; ++n)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int row = warp_row() + m * 16 + group + i / 2 * 8;
                    sums[row * kColumns + warp_column() + n * 8 + place * 2 + i % 2] = sum_[m][n][i];
                }
        __syncthreads();
        const bool merged = merged_with(l_.epilogue, l_.y);
#pragma unroll 1
        for (int i = static_cast<int>(threadIdx.x); i < kRows * kColumns; i += kThreads) {
            const int64_t row = row_ + i / kColumns, column = column_ + i % kColumns;
            if (row < rows_ && column < l_.n) Kind::store(l_, row_at(l_.rows, row, merged), column, sums[i]);
        }
        __syncthreads();
    }

    const Layer &l_;
    const int64_t rows_, row_, column_, words_;
    uint32_t *xs_, *ws_;
    Sum sum_[kHigh][kWide][4];
};

}  // namespace weighbridge::lib::cuda::device
