// SPDX-License-Identifier: Apache-2.0
// kernel::Attention with its products in bf16 by tensor cores: scores of 16 queries by 64 keys, and results of them by
// 64 of the values' dims, of which each of 8 warps has 8. Keys past a query take part in its results with weight 0.
#include "backend/cuda/kernels/head_queries.hpp"
#include "backend/cuda/kernels/operands.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

class AttendingBf16 : HeadQueries {
    static constexpr int kKeys = 64, kDims = 64, kDimStride = kDims / 2 + 4;  // of a tile of keys, in words
    static constexpr int kValueKeys = 64, kValueDims = 64, kValueStride = kValueDims + 8;  // of a tile of values
    static_assert(kKeys * kDimStride >= kValueKeys / 2 * kValueStride);                    // they share their place
    static_assert(kAttentionBf16Tiles == (kKeys * kDimStride + kQueries * kDimStride + kQueries) * 4);
    static_assert(kAttentionThreads / 32 * 8 == kKeys && kKeys == kValueDims && kQueries == 16);

  public:
    __device__ AttendingBf16(const Attention &a, const Sequence &sequence)
        : HeadQueries(a, sequence, inverses() + kQueries),
          tile_(reinterpret_cast<uint32_t *>(shared_memory())),
          query_tile_(tile_ + kKeys * kDimStride),
          inverse_(inverses()) {}

    __device__ void attend(int64_t outer, int64_t head, int64_t first) {
        begin(outer, head, first);
        for (int64_t key = 0; key < reach_; key += kKeys) score(key);
        __syncthreads();
        const float inverse = weigh();
        if (lane() == 0) inverse_[query()] = inverse;
        for (int64_t n = count_ + lane(); n < (keys_ + kTensorStep - 1) / kTensorStep * kTensorStep; n += kLanes)
            own_[n] = 0;
        __syncthreads();
        for (int64_t dim = 0; dim < a_.value_dim; dim += kValueDims) gather(dim);
    }

  private:
    __device__ static float *inverses() {
        return reinterpret_cast<float *>(shared_memory()) + (kKeys + kQueries) * kDimStride;
    }
    // Of a fragment: its rows are group and group + 8, a result's columns twice place and the next.
    __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
    __device__ static int group() { return static_cast<int>(threadIdx.x) % 32 / 4; }
    __device__ static int place() { return static_cast<int>(threadIdx.x) % 4; }

    // The scores of 64 keys; dims pass in tiles, ascending, with zeros past the last.
    __device__ void score(int64_t key) {
        float sum[4] = {};
        for (int64_t dim = 0; dim < a_.dim; dim += kDims) {
            const int dims = static_cast<int>(a_.dim - dim < kDims ? a_.dim - dim : kDims);
            __syncthreads();
            fetch_dims(key, dim, dims);
            __syncthreads();
            for (int d = 0; d < dims; d += kTensorStep) {
                uint32_t a[4], b[2];
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    a[i] = query_tile_[(group() + i % 2 * 8) * kDimStride + d / 2 + place() + i / 2 * 4];
#pragma unroll
                for (int i = 0; i < 2; ++i) b[i] = tile_[(warp() * 8 + group()) * kDimStride + d / 2 + place() + i * 4];
                multiply_bf16(sum, a, b);
            }
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int64_t n = key + warp() * 8 + place() * 2 + i % 2;
            if (n < reach_) scores_[(group() + i / 2 * 8) * a_.score_stride + n] = without_sign_of_zero(sum[i]);
        }
    }
    __device__ void fetch_dims(int64_t key, int64_t dim, int dims) {
        const int64_t k_row = row(a_.k), q_row = row(a_.q);
        constexpr int kWords = kDims / 2;
        for (int i = static_cast<int>(threadIdx.x); i < kKeys * kWords; i += kAttentionThreads) {
            const int n = i / kWords, d = i % kWords * 2;
            const float *k = k_ + (key + n) * k_row + dim + d;
            const bool there = key + n < reach_;
            tile_[n * kDimStride + d / 2] =
                operands(there && d < dims ? k[0] : 0.0f, there && d + 1 < dims ? k[1] : 0.0f);
        }
        for (int i = static_cast<int>(threadIdx.x); i < kQueries * kWords; i += kAttentionThreads) {
            const int m = i / kWords, d = i % kWords * 2;
            const float *q = q_ + (first_ + m) * q_row + dim + d;
            const bool there = first_ + m < queries_;
            query_tile_[m * kDimStride + d / 2] =
                operands(there && d < dims ? q[0] * a_.scale : 0.0f, there && d + 1 < dims ? q[1] * a_.scale : 0.0f);
        }
    }

    // 64 of the values' dims; keys pass in tiles, ascending, with zeros past the last.
    __device__ void gather(int64_t dim) {
        float sum[4] = {};
        for (int64_t key = 0; key < keys_; key += kValueKeys) {
            __syncthreads();
            fetch_values(key, dim);
            __syncthreads();
            const int keys = static_cast<int>(keys_ - key < kValueKeys ? keys_ - key : kValueKeys);
            for (int n = 0; n < keys; n += kTensorStep) {
                uint32_t a[4], b[2];
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float *weight =
                        scores_ + (group() + i % 2 * 8) * a_.score_stride + key + n + place() * 2 + i / 2 * 8;
                    a[i] = operands(weight[0], weight[1]);
                }
#pragma unroll
                for (int i = 0; i < 2; ++i)
                    b[i] = tile_[(n / 2 + place() + i * 4) * kValueStride + warp() * 8 + group()];
                multiply_bf16(sum, a, b);
            }
        }
        leave(dim, sum);
    }
    __device__ void fetch_values(int64_t key, int64_t dim) {
        const int64_t v_row = row(a_.v);
        for (int i = static_cast<int>(threadIdx.x); i < kValueKeys / 2 * kValueDims; i += kAttentionThreads) {
            const int n = i / kValueDims * 2, d = i % kValueDims;
            const float *v = v_ + (key + n) * v_row + dim + d;
            const bool there = dim + d < a_.value_dim;
            tile_[n / 2 * kValueStride + d] =
                operands(there && key + n < keys_ ? v[0] : 0.0f, there && key + n + 1 < keys_ ? v[v_row] : 0.0f);
        }
    }
    __device__ void leave(int64_t dim, const float (&sum)[4]) const {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int m = group() + i / 2 * 8;
            const int64_t d = dim + warp() * 8 + place() * 2 + i % 2;
            if (first_ + m >= queries_ || d >= a_.value_dim) continue;
            const bool empty = a_.zero_when_empty && inverse_[m] == formulas::kInfinity;
            out_[(first_ + m) * row(a_.out) + d] = empty ? 0.0f : without_sign_of_zero(sum[i]) * inverse_[m];
        }
    }

    uint32_t *const tile_, *const query_tile_;
    float *const inverse_;
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kAttentionThreads, 2)
    wb_attention_bf16(const __grid_constant__ Attention a) {
    attend_all<AttendingBf16>(a);
}

}  // namespace weighbridge::lib::cuda
