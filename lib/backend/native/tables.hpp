// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/native/kernels.hpp"

namespace weighbridge::lib::native {

// The levels' tables, each from its own translation unit with that level's compiler flags.
namespace portable {
const Kernels &table() noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
const Kernels &table() noexcept;
}
namespace avx512 {
const Kernels &table() noexcept;
}
namespace avx512_vnni {
const Kernels &table() noexcept;
}
namespace avx512_bf16 {
const Kernels &table() noexcept;
}
namespace amx {
const Kernels &table() noexcept;
}
#endif

// The most rows of a tile of any level.
inline constexpr int64_t kMostTileRows = 32;

// Rows of queries that attention takes at a time, over `padded` keys: their scores stay in L1. 12 at least, a tile of
// any level. Inlined everywhere: see panel_columns.
inline constexpr int64_t kAttentionRows = 48;
[[gnu::always_inline]] constexpr int64_t attention_rows(int64_t padded) {
    return padded <= 85 ? kAttentionRows : padded <= 113 ? 36 : padded <= 170 ? 24 : 12;  // about 16 KB
}

}  // namespace weighbridge::lib::native
