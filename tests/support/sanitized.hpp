// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::test {

// Whether a sanitizer watches: nothing is optimised then, and what takes a second elsewhere may take a minute.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace weighbridge::test
