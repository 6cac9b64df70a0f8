// SPDX-License-Identifier: Apache-2.0
// The kernels of level amx; cmake/NativeKernels.cmake gives this file its flags.
#if defined(__x86_64__)
#define WB_VNNI 1
#define WB_BF16 1
#define WB_AMX 1
#define WB_LEVEL amx
#define WB_LEVEL_ID amx
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
#endif
