// SPDX-License-Identifier: Apache-2.0
// lib/backend/native/kernels_amx.cpp through SIMDe, its tiles through native_kernels_tiles.hpp.
#define WB_SIMDE "unit/backend/native_kernels_simde.hpp"
#define WB_VNNI 1
#define WB_BF16 1
#define WB_SIMDE_TILES "unit/backend/native_kernels_tiles.hpp"
#define WB_AMX 1
#define WB_LEVEL simde_amx
#define WB_LEVEL_ID amx
#include "backend/native/vec_avx512.hpp"

#include "backend/native/table_impl.hpp"
