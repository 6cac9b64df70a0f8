// SPDX-License-Identifier: Apache-2.0
// kernel::Attention in fp32, for 16 queries of a head at a time: their scores stay in shared memory (or in global,
// where a sequence is too long for it), keys and values pass through it in tiles. A query has 16 threads, the lanes of
// its sum.
#include "backend/cuda/kernels/epilogue.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

constexpr int kQueries = kAttentionQueries, kLanes = kRowLanes;
constexpr int kKeys = 64, kDims = 32, kDimStride = kDims + 1;  // of a tile of keys
constexpr int kValueKeys = 32, kValueDims = 64;                // of a tile of values
static_assert(kKeys * kDimStride >= kValueKeys * kValueDims);  // they share their place
static_assert(kAttentionTiles == (kKeys * kDimStride + kQueries * kDimStride) * 4);

class Attending {
  public:
    __device__ Attending(const Attention &a, const Sequence &sequence)
        : a_(a), sequence_(sequence), keys_(at(a.keys, sequence.length)), queries_(at(a.queries, sequence.length)) {
        tile_ = reinterpret_cast<float *>(shared_memory());
        query_tile_ = tile_ + kKeys * kDimStride;
        if (a.scores) {
            const int64_t block = blockIdx.x + int64_t{gridDim.x} * (blockIdx.y + int64_t{gridDim.y} * blockIdx.z);
            scores_ = a.scores + block * kQueries * a.score_stride;
        } else {
            scores_ = query_tile_ + kQueries * kDimStride;
        }
        own_ = scores_ + query() * a.score_stride;
    }

    __device__ void attend(int64_t outer, int64_t head, int64_t first) {
        __syncthreads();  // nobody reads the scores of before
        first_ = first;
        q_ = of<const float>(a_.q, outer, head);
        k_ = of<const float>(a_.k, outer, head);
        v_ = of<const float>(a_.v, outer, head);
        out_ = of<float>(a_.out, outer, head);
        const int64_t last = queries_ - first < kQueries ? queries_ - 1 : first + kQueries - 1;
        reach_ = count_of(last);
        there_ = first + query() < queries_;
        count_ = there_ ? count_of(first + query()) : 0;
        for (int64_t key = 0; key < reach_; key += kKeys) score(key);
        const float inverse = weigh(outer, head);
        for (int64_t dim = 0; dim < a_.value_dim; dim += kValueDims) gather(dim, inverse);
    }

  private:
    __device__ static int query() { return static_cast<int>(threadIdx.x) / kLanes; }
    __device__ static int lane() { return static_cast<int>(threadIdx.x) % kLanes; }

    template <class T>
    __device__ T *of(const HeadView &view, int64_t outer, int64_t head) const {
        return place<T>(view.view, sequence_) + outer * at(view.outer, sequence_.length) +
               head * at(view.head, sequence_.length);
    }
    __device__ int64_t row(const HeadView &view) const { return at(view.row, sequence_.length); }
    // Keys that a query sees.
    __device__ int64_t count_of(int64_t query) const { return a_.causal && query + 1 < keys_ ? query + 1 : keys_; }

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

    __device__ float masked(float score, const void *mask, int64_t place) const {
        if (a_.mask_kind == kernel::MaskKind::additive) return score + static_cast<const float *>(mask)[place];
        if (a_.mask_kind == kernel::MaskKind::boolean && !static_cast<const uint8_t *>(mask)[place])
            return -formulas::kInfinity;
        return score;
    }
    __device__ const void *mask_of(int64_t outer, int64_t head) const {
        if (a_.mask_kind == kernel::MaskKind::none) return nullptr;
        const int64_t moved = (first_ + query()) * row(a_.mask);
        if (a_.mask_kind == kernel::MaskKind::boolean) return of<const uint8_t>(a_.mask, outer, head) + moved;
        return of<const float>(a_.mask, outer, head) + moved;
    }

    // Scores to weights, each thread its own; 1 / their sum.
    __device__ float weigh(int64_t outer, int64_t head) {
        const void *mask = mask_of(outer, head);
        const int64_t mask_key = at(a_.mask_key, sequence_.length);
        float top = -formulas::kInfinity;
        for (int64_t n = lane(); n < count_; n += kLanes) {
            const float s = own_[n] = masked(own_[n], mask, n * mask_key);
            if (s > top) top = s;
        }
#pragma unroll
        for (int apart = kLanes / 2; apart > 0; apart /= 2) {
            const float other = __shfl_xor_sync(kAllLanes, top, apart, kLanes);
            if (other > top) top = other;
        }
        if (top == -formulas::kInfinity) top = 0;
        float sum = 0;
        for (int64_t n = lane(); n < count_; n += kLanes) {
            own_[n] = formulas::exp(own_[n] - top);
            sum = sum + own_[n];
        }
#pragma unroll
        for (int apart = kLanes / 2; apart > 0; apart /= 2) sum = sum + __shfl_xor_sync(kAllLanes, sum, apart, kLanes);
        return 1.0f / sum;
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

    const Attention &a_;
    const Sequence &sequence_;
    const int64_t keys_, queries_;
    float *tile_, *query_tile_, *scores_, *own_;
    const float *q_, *k_, *v_;
    float *out_;
    int64_t first_, reach_, count_;  // the first query; keys that one of the block's sees; keys that this one sees
    bool there_;
};

}  // namespace

// blockIdx.z goes over sequences, y over heads, x over blocks of queries.
extern "C" __global__ void __launch_bounds__(kAttentionThreads, 2) wb_attention(const __grid_constant__ Attention a) {
    const int64_t count = *a.run.count;
    for (int64_t i = blockIdx.z; i < count; i += gridDim.z) {
        const Sequence sequence = sequence_at(a.run, i);
        Attending attending(a, sequence);
        const int64_t heads = at(a.heads, sequence.length), all = heads * at(a.outer, sequence.length);
        const int64_t queries = at(a.queries, sequence.length);
        for (int64_t head = blockIdx.y; head < all; head += gridDim.y)
            for (int64_t first = int64_t{blockIdx.x} * kQueries; first < queries;
                 first += int64_t{gridDim.x} * kQueries)
                attending.attend(head / heads, head % heads, first);
    }
}

}  // namespace weighbridge::lib::cuda
