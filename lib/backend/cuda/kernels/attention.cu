// SPDX-License-Identifier: Apache-2.0
// kernel::Attention in fp32, for 16 queries of a head at a time: keys and values pass through shared memory in tiles.
#include "backend/cuda/kernels/head_queries.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

class Attending : HeadQueries {
    static constexpr int kKeys = 64, kDims = 32, kDimStride = kDims + 1;  // of a tile of keys
    static constexpr int kValueKeys = 32, kValueDims = 64;                // of a tile of values
    static_assert(kKeys * kDimStride >= kValueKeys * kValueDims);         // they share their place
    static_assert(kAttentionTiles == (kKeys * kDimStride + kQueries * kDimStride) * 4);

  public:
    __device__ Attending(const Attention &a, const Sequence &sequence)
        : HeadQueries(a, sequence, tile() + (kKeys + kQueries) * kDimStride),
          tile_(tile()),
          query_tile_(tile_ + kKeys * kDimStride) {}

    __device__ void attend(int64_t outer, int64_t head, int64_t first) {
        begin(outer, head, first);
        for (int64_t key = 0; key < reach_; key += kKeys) score(key);
        const float inverse = weigh();
        for (int64_t dim = 0; dim < a_.value_dim; dim += kValueDims) gather(dim, inverse);
    }

  private:
    __device__ static float *tile() { return reinterpret_cast<float *>(shared_memory()); }

    // The scores of 64 keys: a thread has 4 of them, 16 apart, for its query; dims pass in tiles, ascending.
    __device__ void score(int64_t key) {
        constexpr int kOwn = kKeys / kLanes;
        float sum[kOwn] = {};
        for (int64_t dim = 0; dim < a_.dim; dim += kDims) {
            const int dims = static_cast<int>(a_.dim - dim < kDims ? a_.dim - dim : kDims);
            __syncthreads();
            fetch_dims(key, dim, dims);
            __syncthreads();
            for (int d = 0; d < dims; ++d) {
                const float q = query_tile_[query() * kDimStride + d];
#pragma unroll
                for (int i = 0; i < kOwn; ++i) sum[i] = fused(tile_[(lane() + i * kLanes) * kDimStride + d], q, sum[i]);
            }
        }
#pragma unroll
        for (int i = 0; i < kOwn; ++i)
            if (key + lane() + i * kLanes < count_) own_[key + lane() + i * kLanes] = sum[i];
    }
    __device__ void fetch_dims(int64_t key, int64_t dim, int dims) {
        const int64_t k_row = row(a_.k), q_row = row(a_.q);
        for (int i = static_cast<int>(threadIdx.x); i < kKeys * kDims; i += kAttentionThreads) {
            const int n = i / kDims, d = i % kDims;
            if (key + n < reach_ && d < dims) tile_[n * kDimStride + d] = k_[(key + n) * k_row + dim + d];
        }
        for (int i = static_cast<int>(threadIdx.x); i < kQueries * kDims; i += kAttentionThreads) {
            const int m = i / kDims, d = i % kDims;
            if (first_ + m < queries_ && d < dims)
                query_tile_[m * kDimStride + d] = q_[(first_ + m) * q_row + dim + d] * a_.scale;
        }
    }

    // 64 of the values' dims: a thread has 4 of them, 16 apart, for its query; keys pass in tiles, ascending.
    __device__ void gather(int64_t dim, float inverse) {
        constexpr int kOwn = kValueDims / kLanes;
        const int64_t v_row = row(a_.v);
        float sum[kOwn] = {};
        for (int64_t key = 0; key < reach_; key += kValueKeys) {
            __syncthreads();
            for (int i = static_cast<int>(threadIdx.x); i < kValueKeys * kValueDims; i += kAttentionThreads) {
                const int n = i / kValueDims, d = i % kValueDims;
                if (key + n < reach_ && dim + d < a_.value_dim) tile_[i] = v_[(key + n) * v_row + dim + d];
            }
            __syncthreads();
            const int count = static_cast<int>(count_ - key < kValueKeys ? count_ - key : kValueKeys);
            for (int n = 0; n < count; ++n) {
                const float weight = own_[key + n];
#pragma unroll
                for (int i = 0; i < kOwn; ++i)
                    sum[i] = fused(tile_[n * kValueDims + lane() + i * kLanes], weight, sum[i]);
            }
        }
        const bool empty = a_.zero_when_empty && inverse == formulas::kInfinity;
        float *out = out_ + (first_ + query()) * row(a_.out) + dim;
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
            const int d = lane() + i * kLanes;
            if (there_ && dim + d < a_.value_dim) out[d] = empty ? 0.0f : sum[i] * inverse;
        }
    }

    float *const tile_, *const query_tile_;
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kAttentionThreads, 2) wb_attention(const __grid_constant__ Attention a) {
    attend_all<Attending>(a);
}

}  // namespace weighbridge::lib::cuda
