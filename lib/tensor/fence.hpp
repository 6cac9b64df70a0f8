// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

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

namespace weighbridge::lib {

// Under AddressSanitizer: closes and opens parts of an allocation that many share (an arena), so that who leaves his
// own is found. Otherwise nothing.
#if defined(WB_FENCED)
inline constexpr bool kFenced = true;
inline constexpr int64_t kFenceBytes = 64;  // that stay closed between two parts
inline void close_memory(const std::byte *begin, size_t bytes) { __asan_poison_memory_region(begin, bytes); }
inline void open_memory(const std::byte *begin, size_t bytes) { __asan_unpoison_memory_region(begin, bytes); }
#else
inline constexpr bool kFenced = false;
inline constexpr int64_t kFenceBytes = 0;
inline void close_memory(const std::byte *, size_t) {}
inline void open_memory(const std::byte *, size_t) {}
#endif

}  // namespace weighbridge::lib
