// SPDX-License-Identifier: Apache-2.0
// kernel::LinearF32: one accumulator an output, K ascending, each product fused. K is neither split nor padded: a
// product with a zero would turn -0 into +0 and an infinity into a NaN.
#include "backend/cuda/kernels/epilogue.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

// M rows by N outputs; a thread has TM rows, M / TM apart, by TN outputs in groups of 4. K goes by steps of 16 through
// three stages of shared memory: two are on their way while one is computed with.
template <int M, int N, int TM, int TN>
class Tile {
  public:
    static constexpr int kColumnThreads = N / TN, kThreads = M / TM * kColumnThreads;

    __device__ static void run(const LinearF32 &l) {
        const int64_t rows = all_rows(l.rows), across = (l.n + N - 1) / N, tiles = (rows + M - 1) / M * across;
        for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
            Tile t(l, rows, tile / across * M, tile % across * N);
            t.multiply();
            t.finish();
        }
    }

  private:
    static constexpr int kStep = 16, kStages = 3, kXStride = kStep + 4;
    static constexpr int kXCopies = M * kStep / 4 / kThreads, kWCopies = N * kStep / 4 / kThreads;
    static constexpr int kGroups = TN / 4;

    __device__ Tile(const LinearF32 &l, int64_t rows, int64_t row, int64_t column)
        : l_(l), rows_(rows), row_(row), column_(column) {
        xs_ = reinterpret_cast<float *>(shared_memory());
        ws_ = xs_ + kStages * M * kXStride;
        aligned_ = true;
        for (int i = 0; i < kXCopies; ++i) {
            const int64_t of = row + (threadIdx.x + i * kThreads) / 4;
            const int64_t last = rows - 1;  // rows past the last one compute it again, and store nothing
            x_[i] = row_at(l.rows, of < last ? of : last, l.x.merged).template of<const float>(l.x, l.rows);
            aligned_ = aligned_ && reinterpret_cast<uintptr_t>(x_[i]) % 16 == 0;
        }
        const int64_t panel = column / 32, last = (l.n + 31) / 32 - 1;
        for (int i = 0; i < kWCopies; ++i) {
            const int64_t of = panel + (threadIdx.x + i * kThreads) / (kStep * 8);
            w_[i] = l.panels + (of < last ? of : last) * l.k * 32 + (threadIdx.x + i * kThreads) % (kStep * 8) * 4;
        }
    }

    // Starts the copies of K from `k` on into a stage.
    __device__ void fetch(int stage, int64_t k) {
        for (int i = 0; i < kXCopies; ++i) {
            const int chunk = static_cast<int>(threadIdx.x) + i * kThreads, part = chunk % 4 * 4;
            float *to = xs_ + (stage * M + chunk / 4) * kXStride + part;
            const int64_t left = l_.k - k - part;
            if (aligned_ && left >= 4) {
                copy_async_16(to, x_[i] + k + part);
            } else {
                for (int j = 0; j < 4 && j < left; ++j) copy_async_4(to + j, x_[i] + k + part + j);
            }
        }
        for (int i = 0; i < kWCopies; ++i) {
            const int chunk = static_cast<int>(threadIdx.x) + i * kThreads;
            if (k + chunk % (kStep * 8) / 8 < l_.k) copy_async_16(ws_ + stage * N * kStep + chunk * 4, w_[i] + k * 32);
        }
    }

    __device__ void multiply() {
        const int lane = static_cast<int>(threadIdx.x) % kColumnThreads;
        for (int g = 0; g < kGroups; ++g)
            for (int j = 0; j < 4; ++j) {
                const int64_t column = column_ + column_of(g, lane) + j;
                const float bias = l_.bias && column < l_.n ? l_.bias[column] : 0.0f;
                for (int m = 0; m < TM; ++m) sum_[m][g * 4 + j] = bias;
            }
        const int64_t steps = (l_.k + kStep - 1) / kStep;
        for (int stage = 0; stage < kStages - 1; ++stage) {
            if (stage < steps) fetch(stage, int64_t{stage} * kStep);
            commit_copies();
        }
        int stage = 0, filled = kStages - 1;
        for (int64_t step = 0; step < steps; ++step) {
            wait_for_copies<kStages - 2>();
            __syncthreads();  // all copies of this stage are there, and nobody reads the one that is filled next
            if (step + kStages - 1 < steps) fetch(filled, (step + kStages - 1) * kStep);
            commit_copies();
            const int64_t left = l_.k - step * kStep;
            left >= kStep ? whole(stage) : part(stage, static_cast<int>(left));
            stage = stage + 1 == kStages ? 0 : stage + 1;
            filled = filled + 1 == kStages ? 0 : filled + 1;
        }
        __syncthreads();
    }

    __device__ static int column_of(int group, int lane) { return group * kColumnThreads * 4 + lane * 4; }
    __device__ const float *weights(int stage, int group) const {
        const int column = column_of(group, static_cast<int>(threadIdx.x) % kColumnThreads);
        return ws_ + stage * N * kStep + column / 32 * kStep * 32 + column % 32;
    }
    __device__ const float *inputs(int stage, int m) const {
        return xs_ + (stage * M + static_cast<int>(threadIdx.x) / kColumnThreads + m * (M / TM)) * kXStride;
    }

    __device__ static void add(float *sum, float x, float4 w) {
        sum[0] = fused(w.x, x, sum[0]);
        sum[1] = fused(w.y, x, sum[1]);
        sum[2] = fused(w.z, x, sum[2]);
        sum[3] = fused(w.w, x, sum[3]);
    }
    __device__ void whole(int stage) {
#pragma unroll 1
        for (int k = 0; k < kStep; k += 4) {
            float4 x[TM];
#pragma unroll
            for (int m = 0; m < TM; ++m) x[m] = *reinterpret_cast<const float4 *>(inputs(stage, m) + k);
#pragma unroll
            for (int j = 0; j < 4; ++j)
#pragma unroll
                for (int g = 0; g < kGroups; ++g) {
                    const float4 w = *reinterpret_cast<const float4 *>(weights(stage, g) + (k + j) * 32);
#pragma unroll
                    for (int m = 0; m < TM; ++m)
                        add(sum_[m] + g * 4, j == 0 ? x[m].x : j == 1 ? x[m].y : j == 2 ? x[m].z : x[m].w, w);
                }
        }
    }
    __device__ void part(int stage, int left) {
#pragma unroll 1
        for (int k = 0; k < left; ++k)
#pragma unroll
            for (int g = 0; g < kGroups; ++g) {
                const float4 w = *reinterpret_cast<const float4 *>(weights(stage, g) + k * 32);
#pragma unroll
                for (int m = 0; m < TM; ++m) add(sum_[m] + g * 4, inputs(stage, m)[k], w);
            }
    }

    // The sums go through shared memory, so that the epilogue is one loop and rows are stored side by side.
    __device__ void finish() {
        const int lane = static_cast<int>(threadIdx.x) % kColumnThreads,
                  first = static_cast<int>(threadIdx.x) / kColumnThreads;
#pragma unroll
        for (int m = 0; m < TM; ++m)
#pragma unroll
            for (int g = 0; g < kGroups; ++g)
                *reinterpret_cast<float4 *>(xs_ + (first + m * (M / TM)) * N + column_of(g, lane)) = {
                    sum_[m][g * 4], sum_[m][g * 4 + 1], sum_[m][g * 4 + 2], sum_[m][g * 4 + 3]};
        __syncthreads();
        const bool merged = merged_with(l_.epilogue, l_.y);
#pragma unroll 1
        for (int i = static_cast<int>(threadIdx.x); i < M * N; i += kThreads) {
            const int64_t row = row_ + i / N, column = column_ + i % N;
            if (row < rows_ && column < l_.n)
                store_output(l_.epilogue, l_.y, l_.rows, row_at(l_.rows, row, merged), column, xs_[i]);
        }
        __syncthreads();
    }

    const LinearF32 &l_;
    const int64_t rows_, row_, column_;
    float *xs_, *ws_;
    const float *x_[kXCopies];
    const float *w_[kWCopies];
    bool aligned_;
    float sum_[TM][TN];
};

// For few rows: a warp has the 32 outputs of a panel for 4 rows, and asks for the weights of 32 k ahead.
class Few {
  public:
    __device__ static void run(const LinearF32 &l) {
        const int64_t rows = all_rows(l.rows), across = (l.n + kLinearFew.columns - 1) / kLinearFew.columns;
        const int64_t tiles = (rows + kRows - 1) / kRows * across;
        for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x)
            Few(l, rows, tile / across * kRows, tile % across * kLinearFew.columns + threadIdx.x / 32 * 32).multiply();
    }

  private:
    static constexpr int kRows = kLinearFew.rows, kChunk = 512, kAhead = 32;

    __device__ Few(const LinearF32 &l, int64_t rows, int64_t row, int64_t column)
        : l_(l), rows_(rows), row_(row), column_(column + threadIdx.x % 32) {
        xs_ = reinterpret_cast<float *>(shared_memory());
        active_ = column < l.n;
        w_ = l.panels + (active_ ? column : 0) * l.k + threadIdx.x % 32;
#pragma unroll
        for (int r = 0; r < kRows; ++r) sum_[r] = l.bias && column_ < l.n ? l.bias[column_] : 0.0f;
    }

    __device__ void multiply() {
        for (int64_t begin = 0; begin < l_.k; begin += kChunk) {
            const int count = static_cast<int>(l_.k - begin < kChunk ? l_.k - begin : kChunk);
            __syncthreads();
            for (int r = 0; r < kRows; ++r) {
                const int64_t row = row_ + r < rows_ ? row_ + r : rows_ - 1;
                const float *x = row_at(l_.rows, row, l_.x.merged).of<const float>(l_.x, l_.rows) + begin;
                for (int k = static_cast<int>(threadIdx.x); k < count; k += kLinearFew.threads)
                    xs_[r * kChunk + k] = x[k];
            }
            __syncthreads();
            if (active_) chunk(w_ + begin * 32, count);
        }
        const bool merged = merged_with(l_.epilogue, l_.y);
#pragma unroll
        for (int r = 0; r < kRows; ++r)
            if (row_ + r < rows_ && column_ < l_.n)
                store_output(l_.epilogue, l_.y, l_.rows, row_at(l_.rows, row_ + r, merged), column_, sum_[r]);
    }

    __device__ static void load(float (&w)[kAhead], const float *from) {
#pragma unroll
        for (int i = 0; i < kAhead; ++i) w[i] = from[i * 32];
    }
    __device__ void chunk(const float *w, int count) {
        float now[kAhead], next[kAhead];
        int k = 0;
        if (count >= kAhead) load(now, w);
#pragma unroll 1
        for (; k + kAhead <= count; k += kAhead) {
            if (k + 2 * kAhead <= count) load(next, w + (k + kAhead) * 32);
#pragma unroll
            for (int i = 0; i < kAhead; ++i) add(now[i], k + i);
#pragma unroll
            for (int i = 0; i < kAhead; ++i) now[i] = next[i];
        }
        for (; k < count; ++k) add(w[k * 32], k);
    }
    __device__ void add(float w, int k) {
#pragma unroll
        for (int r = 0; r < kRows; ++r) sum_[r] = fused(w, xs_[r * kChunk + k], sum_[r]);
    }

    const LinearF32 &l_;
    const int64_t rows_, row_, column_;
    float *xs_;
    const float *w_;
    bool active_;
    float sum_[kRows];
};

using Tile128 = Tile<kLinear128.rows, kLinear128.columns, 8, 8>;
using Tile64 = Tile<kLinear64.rows, kLinear64.columns, 8, 4>;
using Tile32 = Tile<kLinear32.rows, kLinear32.columns, 4, 4>;
static_assert(Tile128::kThreads == kLinear128.threads && Tile64::kThreads == kLinear64.threads &&
              Tile32::kThreads == kLinear32.threads);

}  // namespace

extern "C" {
__global__ void __launch_bounds__(kLinear128.threads, 2) wb_linear_f32_128(const __grid_constant__ LinearF32 l) {
    Tile128::run(l);
}
__global__ void __launch_bounds__(kLinear64.threads) wb_linear_f32_64(const __grid_constant__ LinearF32 l) {
    Tile64::run(l);
}
__global__ void __launch_bounds__(kLinear32.threads) wb_linear_f32_32(const __grid_constant__ LinearF32 l) {
    Tile32::run(l);
}
__global__ void __launch_bounds__(kLinearFew.threads) wb_linear_f32_few(const __grid_constant__ LinearF32 l) {
    Few::run(l);
}
}

}  // namespace weighbridge::lib::cuda
