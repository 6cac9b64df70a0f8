// SPDX-License-Identifier: Apache-2.0
// Instructions that C++ has no name for. Under another compiler than nvcc the tests' shim, included before, has them.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
namespace weighbridge::lib::cuda::device {

__device__ __forceinline__ unsigned char *shared_memory() {
    extern __shared__ __align__(16) unsigned char wb_shared[];
    return wb_shared;
}

// Copies from global to shared memory beside what the thread does; there once its group has been waited for. Aligned.
__device__ __forceinline__ void copy_async_16(void *to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
                 "l"(from)
                 : "memory");
}
__device__ __forceinline__ void copy_async_4(void *to, const void *from) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
                 "l"(from)
                 : "memory");
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until at most Left groups of this thread are on their way.
template <int Left>
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Left) : "memory");
}

// sum + four products of unsigned and signed bytes, modulo 2^32.
__device__ __forceinline__ int dot_u8_s8(uint32_t a, uint32_t b, int sum) {
    asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

// A warp's product of 16 x 32 unsigned and 32 x 8 signed bytes, added to sum, modulo 2^32.
__device__ __forceinline__ void multiply_u8_s8(int (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
        "%3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// A warp's product of 16 x 16 and 16 x 8 bf16, added to sum as multiplied() of backend/tensor_sums.hpp has it for the
// device's family.
__device__ __forceinline__ void multiply_bf16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
        "%2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace weighbridge::lib::cuda::device
#endif
