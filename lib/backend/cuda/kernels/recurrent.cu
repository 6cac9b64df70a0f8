// SPDX-License-Identifier: Apache-2.0
// Recurrences: a block takes a sequence through its places. The state stays in shared memory; each thread has some of
// the gates' products, K ascending, then some of the units. In bf16 a warp has 8 gates' products by tensor cores, of
// which the state is one row of 16.
#include "backend/cuda/kernels/operands.hpp"
#include "backend/cuda/kernels/quantise.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

class Recurring {
  public:
    __device__ Recurring(const Recurrent &r, const Sequence &sequence)
        : r_(r),
          sequence_(sequence),
          gates_(gates_of(r.cell) * r.width),
          places_(at(r.places, sequence.length)),
          products_(reinterpret_cast<float *>(shared_memory())),
          h_(products_ + gates_),
          c_(h_ + r.width),
          scale_(c_ + r.width),
          bytes_(reinterpret_cast<uint8_t *>(scale_ + 1)) {}

    __device__ void run(int64_t outer) {
        const float *x = of<const float>(r_.x, outer);
        float *y = of<float>(r_.y, outer);
        start(outer);
        for (int64_t i = 0; i < places_; ++i) {
            const int64_t place = r_.reverse ? places_ - 1 - i : i;
            __syncthreads();  // the state is whole
            const bool has_state = r_.starts || i > 0;
            if (has_state && (r_.bytes || r_.halves)) {
                if (r_.halves)
                    round();
                else if (threadIdx.x < kQuantiseLanes)
                    quantise_row(h_, r_.width, Range::symmetric, bytes_, (r_.width + 3) / 4 * 4, scale_);
                __syncthreads();
            }
            if (has_state && r_.halves)
                multiply_halves();
            else
                multiply(has_state);
            __syncthreads();
            step(x + place * at(r_.x.row, sequence_.length), y + place * at(r_.y.row, sequence_.length));
        }
        __syncthreads();  // nobody reads what the next one writes
    }

  private:
    template <class T>
    __device__ T *of(const HeadView &view, int64_t outer) const {
        return place<T>(view.view, sequence_) + outer * at(view.outer, sequence_.length);
    }

    __device__ void start(int64_t outer) {
        const float *state = r_.starts ? of<const float>(r_.state, outer) : nullptr;
        for (int64_t i = threadIdx.x; i < r_.width; i += kRecurrentThreads) {
            h_[i] = state ? state[i] : 0.0f;
            c_[i] = state && r_.cell == Recurrence::lstm ? state[r_.width + i] : 0.0f;
        }
    }

    __device__ void multiply(bool has_state) {
        for (int64_t n = threadIdx.x; n < gates_; n += kRecurrentThreads) {
            if (!has_state)
                products_[n] = r_.bytes ? r_.shift[n] : r_.bias ? r_.bias[n] : 0.0f;
            else
                products_[n] = r_.bytes ? by_bytes(n) : by_floats(n);
        }
    }
    __device__ float by_floats(int64_t n) const {
        const float *w = r_.panels + n / 32 * 32 * r_.width + n % 32;
        float sum = r_.bias ? r_.bias[n] : 0.0f;
        for (int64_t k = 0; k < r_.width; ++k) sum = fused(w[k * 32], h_[k], sum);
        return sum;
    }
    __device__ float by_bytes(int64_t n) const {
        const int64_t words = (r_.width + 3) / 4;
        const auto *w = reinterpret_cast<const uint32_t *>(r_.bytes) + n / 32 * 32 * words + n % 32;
        const auto *x = reinterpret_cast<const uint32_t *>(bytes_);
        int sum = r_.start[n];
        for (int64_t k = 0; k < words; ++k) sum = dot_u8_s8(x[k], w[k * 32], sum);
        return fused(static_cast<float>(sum), *scale_ * r_.w_scale[n], r_.shift[n]);
    }

    __device__ void round() const {
        auto *words = reinterpret_cast<uint32_t *>(bytes_);
        for (int64_t i = threadIdx.x * 2; i < rounded_stride(r_.width); i += kRecurrentThreads * 2)
            words[i / 2] = operands(i < r_.width ? h_[i] : 0.0f, i + 1 < r_.width ? h_[i + 1] : 0.0f);
    }
    __device__ void multiply_halves() {
        const int lane = static_cast<int>(threadIdx.x) % 32, group = lane / 4, place = lane % 4;
        const int64_t words = (r_.width + 1) / 2, all = rounded_stride(r_.width) / 2;
        const auto *x = reinterpret_cast<const uint32_t *>(bytes_);
        for (int64_t n = threadIdx.x / 32 * 8; n < gates_; n += kRecurrentThreads / 32 * 8) {
            const auto *w = reinterpret_cast<const uint32_t *>(r_.halves) + n / 32 * 32 * words + n % 32 + group;
            const int64_t own = n + place * 2;
            float sum[4] = {r_.bias && own < gates_ ? r_.bias[own] : 0.0f,
                            r_.bias && own + 1 < gates_ ? r_.bias[own + 1] : 0.0f};
            for (int64_t word = place; word < all; word += kTensorStep / 2) {
                const uint32_t a[4] = {group == 0 ? x[word] : 0, 0, group == 0 ? x[word + 4] : 0, 0};
                const uint32_t b[2] = {word < words ? w[word * 32] : 0, word + 4 < words ? w[(word + 4) * 32] : 0};
                multiply_bf16(sum, a, b);
            }
            for (int i = 0; i < 2; ++i)
                if (group == 0 && own + i < gates_) products_[own + i] = without_sign_of_zero(sum[i]);
        }
    }

    __device__ void step(const float *x, float *y) {
        for (int64_t i = threadIdx.x; i < r_.width; i += kRecurrentThreads) {
            const auto now = formulas::stepped(r_.cell, x + i, products_ + i, r_.width, {h_[i], c_[i]});
            h_[i] = y[i] = now.h;
            c_[i] = now.c;
            if (r_.cell == Recurrence::lstm) y[r_.width + i] = now.c;
        }
    }

    const Recurrent &r_;
    const Sequence sequence_;
    const int64_t gates_, places_;
    float *const products_, *const h_, *const c_, *const scale_;
    uint8_t *const bytes_;
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kRecurrentThreads) wb_recurrent(const __grid_constant__ Recurrent r) {
    const int64_t count = *r.run.count;
    for (int64_t i = blockIdx.y; i < count; i += gridDim.y) {
        const Sequence sequence = sequence_at(r.run, i);
        Recurring recurring(r, sequence);
        for (int64_t outer = blockIdx.x; outer < at(r.outer, sequence.length); outer += gridDim.x) recurring.run(outer);
    }
}

}  // namespace weighbridge::lib::cuda
