// SPDX-License-Identifier: Apache-2.0
// The kernels of level avx512; cmake/NativeKernels.cmake gives this file its flags.
#if defined(__x86_64__)
#define WB_LEVEL avx512
#define WB_LEVEL_ID avx512
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
#endif
