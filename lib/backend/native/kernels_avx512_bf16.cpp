// SPDX-License-Identifier: Apache-2.0
// The kernels of level avx512_bf16; cmake/NativeKernels.cmake gives this file its flags.
#if defined(__x86_64__)
#define WB_VNNI 1
#define WB_BF16 1
#define WB_LEVEL avx512_bf16
#define WB_LEVEL_ID avx512_bf16
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
#endif
