// SPDX-License-Identifier: Apache-2.0
// The kernels of level portable; cmake/NativeKernels.cmake gives this file its flags.
#define WB_LEVEL portable
#define WB_LEVEL_ID portable
#include "backend/native/vec_portable.hpp"

#include "backend/native/table_impl.hpp"
