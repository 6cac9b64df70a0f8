// SPDX-License-Identifier: Apache-2.0
// What attention does alike in fp32 and in bf16: where a head lies, and its scores to weights.
#pragma once

#include "backend/cuda/kernels/epilogue.hpp"

namespace weighbridge::lib::cuda::device {

// 16 queries of a head at a time: a query has 16 threads, the lanes of its sum. Their scores lie in shared memory, or
// in global, where a sequence is too long for it.
class HeadQueries {
  protected:
    static constexpr int kQueries = kAttentionQueries, kLanes = kRowLanes;

    __device__ HeadQueries(const Attention &a, const Sequence &sequence, float *shared)
        : a_(a),
          sequence_(sequence),
          keys_(at(a.keys, sequence.length)),
          queries_(at(a.queries, sequence.length)),
          scores_(shared) {
        if (a.scores) {
            const int64_t block = blockIdx.x + int64_t{gridDim.x} * (blockIdx.y + int64_t{gridDim.y} * blockIdx.z);
            scores_ = a.scores + block * kQueries * a.score_stride;
        }
        own_ = scores_ + query() * a.score_stride;
    }

    __device__ void begin(int64_t outer, int64_t head, int64_t first) {
        __syncthreads();  // nobody reads the scores of before
        outer_ = outer;
        head_ = head;
        first_ = first;
        q_ = of<const float>(a_.q);
        k_ = of<const float>(a_.k);
        v_ = of<const float>(a_.v);
        out_ = of<float>(a_.out);
        const int64_t last = queries_ - first < kQueries ? queries_ - 1 : first + kQueries - 1;
        reach_ = count_of(last);
        there_ = first + query() < queries_;
        count_ = there_ ? count_of(first + query()) : 0;
    }

    __device__ static int query() { return static_cast<int>(threadIdx.x) / kLanes; }
    __device__ static int lane() { return static_cast<int>(threadIdx.x) % kLanes; }

    template <class T>
    __device__ T *of(const HeadView &view) const {
        return place<T>(view.view, sequence_) + outer_ * at(view.outer, sequence_.length) +
               head_ * at(view.head, sequence_.length);
    }
    __device__ int64_t row(const HeadView &view) const { return at(view.row, sequence_.length); }
    // Keys that a query sees.
    __device__ int64_t count_of(int64_t query) const { return a_.causal && query + 1 < keys_ ? query + 1 : keys_; }

    __device__ float masked(float score, const void *mask, int64_t place) const {
        if (a_.mask_kind == kernel::MaskKind::additive) return score + static_cast<const float *>(mask)[place];
        if (a_.mask_kind == kernel::MaskKind::boolean && !static_cast<const uint8_t *>(mask)[place])
            return -formulas::kInfinity;
        return score;
    }
    __device__ const void *mask_of() const {
        if (a_.mask_kind == kernel::MaskKind::none) return nullptr;
        const int64_t moved = (first_ + query()) * row(a_.mask);
        if (a_.mask_kind == kernel::MaskKind::boolean) return of<const uint8_t>(a_.mask) + moved;
        return of<const float>(a_.mask) + moved;
    }

    // Scores to weights, each thread its own; 1 / their sum.
    __device__ float weigh() {
        const void *mask = mask_of();
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

    const Attention &a_;
    const Sequence &sequence_;
    const int64_t keys_, queries_;
    float *scores_, *own_;
    const float *q_, *k_, *v_;
    float *out_;
    int64_t outer_, head_;
    int64_t first_, reach_, count_;  // the first query; keys that one of the block's sees; keys that this one sees
    bool there_;
};

// blockIdx.z goes over sequences, y over heads, x over blocks of queries.
template <class Attending>
__device__ void attend_all(const Attention &a) {
    const int64_t count = *a.run.count;
    for (int64_t i = blockIdx.z; i < count; i += gridDim.z) {
        const Sequence sequence = sequence_at(a.run, i);
        Attending attending(a, sequence);
        const int64_t heads = at(a.heads, sequence.length), all = heads * at(a.outer, sequence.length);
        const int64_t queries = at(a.queries, sequence.length);
        for (int64_t head = blockIdx.y; head < all; head += gridDim.y)
            for (int64_t first = int64_t{blockIdx.x} * kAttentionQueries; first < queries;
                 first += int64_t{gridDim.x} * kAttentionQueries)
                attending.attend(head / heads, head % heads, first);
    }
}

}  // namespace weighbridge::lib::cuda::device
