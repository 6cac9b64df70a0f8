// SPDX-License-Identifier: Apache-2.0
// lib/backend/native/kernels_avx512_bf16.cpp through SIMDe.
#define WB_SIMDE "unit/backend/native_kernels_simde.hpp"
#define WB_VNNI 1
#define WB_BF16 1
#define WB_LEVEL simde_avx512_bf16
#define WB_LEVEL_ID avx512_bf16
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
