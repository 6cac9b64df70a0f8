// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WB_FENCED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WB_FENCED 1
#endif
#endif
#if defined(WB_FENCED)
#include <sanitizer/asan_interface.h>
#endif

namespace weighbridge::lib::native {

// Under AddressSanitizer: closes and opens parts of an executor's arena, which is one allocation, so that a step that
// leaves its operands, its result and its scratch is found. Otherwise nothing.
#if defined(WB_FENCED)
inline constexpr bool kFenced = true;
inline void close_memory(const std::byte *begin, size_t bytes) { __asan_poison_memory_region(begin, bytes); }
inline void open_memory(const std::byte *begin, size_t bytes) { __asan_unpoison_memory_region(begin, bytes); }
#else
inline constexpr bool kFenced = false;
inline void close_memory(const std::byte *, size_t) {}
inline void open_memory(const std::byte *, size_t) {}
#endif

}  // namespace weighbridge::lib::native
