// SPDX-License-Identifier: Apache-2.0
// Linear layers in bf16 by tensor cores. An output has one accumulator that takes K ascending, 16 at a time and zeros
// past the last, so that its bits depend neither on rows nor on tiles.
#include "backend/cuda/kernels/operands.hpp"
#include "backend/cuda/kernels/tensor_tile.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

constexpr int kLanes = 32;  // of a row that is rounded

}  // namespace

// A warp a row, two elements a lane.
extern "C" __global__ void __launch_bounds__(kRowThreads) wb_round_rows(const __grid_constant__ RoundRows q) {
    constexpr int kWarps = kRowThreads / kLanes;
    const int64_t count = all_rows(q.rows), words = rounded_stride(q.k) / 2;
    for (int64_t i = int64_t{blockIdx.x} * kWarps + threadIdx.x / kLanes; i < count; i += int64_t{gridDim.x} * kWarps) {
        const float *x = row_at(q.rows, i, q.x.merged).of<const float>(q.x, q.rows);
        auto *to = reinterpret_cast<uint32_t *>(q.q) + i * words;
        for (int64_t word = threadIdx.x % kLanes; word < words; word += kLanes)
            to[word] = operands(word * 2 < q.k ? x[word * 2] : 0.0f, word * 2 + 1 < q.k ? x[word * 2 + 1] : 0.0f);
    }
}

namespace {

template <bool Few>
struct Halves {
    using Layer = LinearBf16;
    using Sum = float;
    static constexpr LinearTile kTile = Few ? kLinearBf16Few : kLinearBf16;
    __device__ static int64_t words(const LinearBf16 &l) { return (l.k + 1) / 2; }
    __device__ static int64_t stride(const LinearBf16 &l) { return rounded_stride(l.k) / 2; }
    __device__ static float start(const LinearBf16 &l, int64_t column) {
        return l.bias && column < l.n ? l.bias[column] : 0.0f;
    }
    __device__ static void multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
        multiply_bf16(sum, a, b);
    }
    __device__ static void store(const LinearBf16 &l, const Row &row, int64_t column, float sum) {
        store_output(l.epilogue, l.y, l.rows, row, column, without_sign_of_zero(sum));
    }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kLinearBf16.threads) wb_linear_bf16(const __grid_constant__ LinearBf16 l) {
    TensorTile<Halves<false>>::run(l);
}
extern "C" __global__ void __launch_bounds__(kLinearBf16Few.threads)
    wb_linear_bf16_few(const __grid_constant__ LinearBf16 l) {
    TensorTile<Halves<true>>::run(l);
}

// Fixed products, for the host to compare (backend/cuda/tensor_check.hpp).
extern "C" __global__ void __launch_bounds__(kCheckThreads) wb_check_tensor(const __grid_constant__ CheckTensor c) {
    for (int64_t i = blockIdx.x; i < c.count; i += gridDim.x) {
        const int64_t lane = i * kCheckThreads + threadIdx.x;
        float sum[4];
        uint32_t a[4], b[2];
        for (int k = 0; k < 4; ++k) {
            sum[k] = c.sums[lane * 4 + k];
            a[k] = c.a[lane * 4 + k];
        }
        for (int k = 0; k < 2; ++k) b[k] = c.b[lane * 2 + k];
        multiply_bf16(sum, a, b);
        for (int k = 0; k < 4; ++k) c.out[lane * 4 + k] = sum[k];
    }
}

}  // namespace weighbridge::lib::cuda
