// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

// UINT64_MAX where the exact value is larger.
inline uint64_t saturating_sum(uint64_t a, uint64_t b) {
    uint64_t made = 0;
    return __builtin_add_overflow(a, b, &made) ? UINT64_MAX : made;
}
inline uint64_t saturating_product(uint64_t a, uint64_t b) {
    uint64_t made = 0;
    return __builtin_mul_overflow(a, b, &made) ? UINT64_MAX : made;
}

}  // namespace weighbridge::lib
