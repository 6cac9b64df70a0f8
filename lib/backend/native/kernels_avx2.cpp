// SPDX-License-Identifier: Apache-2.0
// The kernels of level avx2; cmake/NativeKernels.cmake gives this file its flags.
#if defined(__x86_64__)
#define WB_LEVEL avx2
#define WB_LEVEL_ID avx2
#include "backend/native/vec_avx2.hpp"

#include "backend/native/table_impl.hpp"
#endif
