// SPDX-License-Identifier: Apache-2.0
// lib/backend/native/kernels_avx512.cpp through SIMDe.
#define WB_SIMDE "unit/backend/native_kernels_simde.hpp"
#define WB_LEVEL simde_avx512
#define WB_LEVEL_ID avx512
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
