// SPDX-License-Identifier: Apache-2.0
// What nvcc would give the device kernels, for a CPU's compiler: included in front of each .cu file. A block's threads
// are fibers (fiber.hpp) that run one at a time, so races between warps do not show; missing barriers do, by the orders
// of threads and by memory that holds NaN until it is written.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __grid_constant__
#define __launch_bounds__(...)

#include "backend/tensor_sums.hpp"

namespace cuda_sim {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

// The same as in the fiber's block; what a thread waits at is told by its place in the source.
void block_barrier(const char *file, int line);
// Leaves `words` of this lane, waits for the warp, and gives those of all 32 lanes; they hold until its next exchange.
const uint32_t *exchange(const uint32_t *words, int count, const char *file, int line);
inline constexpr int kMostWords = 6;  // of a lane in one exchange

unsigned char *shared_memory();
void copy_later(void *to, const void *from, int bytes);  // at its wait; `to` is NaN until then
void commit_copies();
void wait_for_copies(int groups_left);
weighbridge::lib::TensorSums tensor_sums();  // of the machine's tensor cores

template <class T>
T shuffled(T value, unsigned from, const char *file, int line) {
    static_assert(sizeof(T) == 4);
    uint32_t word;
    std::memcpy(&word, &value, 4);
    const uint32_t *words = exchange(&word, 1, file, line);
    std::memcpy(&value, words + from * kMostWords, 4);
    return value;
}

}  // namespace cuda_sim

extern constinit thread_local cuda_sim::Index threadIdx, blockIdx, blockDim, gridDim;

struct alignas(16) float4 {
    float x, y, z, w;
};

inline void __syncthreads(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    cuda_sim::block_barrier(file, line);
}

// All lanes take part, in groups of `width`.
template <class T>
T __shfl_xor_sync(unsigned, T value, int apart, int width = 32, const char *file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
    const unsigned lane = threadIdx.x % 32, partner = lane ^ static_cast<unsigned>(apart);
    const bool inside = partner / static_cast<unsigned>(width) == lane / static_cast<unsigned>(width);
    return cuda_sim::shuffled(value, inside ? partner : lane, file, line);
}
template <class T>
T __shfl_sync(unsigned, T value, int from, int width = 32, const char *file = __builtin_FILE(),
              int line = __builtin_LINE()) {
    const unsigned lane = threadIdx.x % 32, group = lane / static_cast<unsigned>(width);
    return cuda_sim::shuffled(value, group * static_cast<unsigned>(width) + static_cast<unsigned>(from), file, line);
}

namespace weighbridge::lib::cuda::device {

// As the instructions that kernels/instructions.hpp has under nvcc.
inline unsigned char *shared_memory() { return cuda_sim::shared_memory(); }
inline void copy_async_16(void *to, const void *from) { cuda_sim::copy_later(to, from, 16); }
inline void copy_async_4(void *to, const void *from) { cuda_sim::copy_later(to, from, 4); }
inline void commit_copies() { cuda_sim::commit_copies(); }
template <int Left>
void wait_for_copies() {
    cuda_sim::wait_for_copies(Left);
}
inline int dot_u8_s8(uint32_t a, uint32_t b, int sum) {
    for (int i = 0; i < 32; i += 8)
        sum = static_cast<int>(static_cast<uint32_t>(sum) +
                               static_cast<uint32_t>(static_cast<int>((a >> i) & 255) * static_cast<int8_t>(b >> i)));
    return sum;
}
// mma.sync m16n8k32: PTX ISA, "Matrix fragments for mma.m16n8k32".
inline void multiply_u8_s8(int (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                           const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    const uint32_t own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const uint32_t *words = cuda_sim::exchange(own, 6, file, line);
    const unsigned lane = threadIdx.x % 32, group = lane / 4, place = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = i / 2, column = place * 2 + i % 2;
        for (unsigned part = 0; part < 4; ++part) {
            const uint32_t *left = words + (group * 4 + part) * cuda_sim::kMostWords;
            const uint32_t *right = words + (column * 4 + part) * cuda_sim::kMostWords + 4;
            sum[i] = dot_u8_s8(left[row], right[0], sum[i]);
            sum[i] = dot_u8_s8(left[row + 2], right[1], sum[i]);
        }
    }
}

// mma.sync m16n8k16 of bf16: PTX ISA, "Matrix fragments for mma.m16n8k16". The sums are the model's.
inline void multiply_bf16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                          const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    const uint32_t own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const uint32_t *words = cuda_sim::exchange(own, 6, file, line);
    const TensorSums sums = cuda_sim::tensor_sums();
    const unsigned lane = threadIdx.x % 32, group = lane / 4, place = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
        uint16_t x[16], y[16];
        for (unsigned k = 0; k < 16; ++k) {
            const unsigned part = k % 8 / 2, half = k / 8, shift = k % 2 * 16;
            const uint32_t *left = words + (group * 4 + part) * cuda_sim::kMostWords;
            const uint32_t *right = words + ((place * 2 + i % 2) * 4 + part) * cuda_sim::kMostWords + 4;
            x[k] = static_cast<uint16_t>(left[half * 2 + i / 2] >> shift);
            y[k] = static_cast<uint16_t>(right[half] >> shift);
        }
        sum[i] = multiplied(sums, x, y, sum[i]);
    }
}

}  // namespace weighbridge::lib::cuda::device
