// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "base/status.hpp"
#include "bundle/manifest.hpp"

namespace weighbridge::lib {

// Whether none of the floats is an infinity or a NaN: those have an exponent of ones, and one more carries into the
// sign's bit. No branch but the loop's, for this stands on the path of every answer.
inline bool all_finite(const float *values, int64_t count) {
    constexpr uint32_t kSign = 0x80000000, kExponentsLowest = 0x00800000;
    uint32_t carries = 0;
    for (int64_t i = 0; i < count; ++i) carries |= (std::bit_cast<uint32_t>(values[i]) & ~kSign) + kExponentsLowest;
    return (carries & kSign) == 0;
}

// WB_BACKEND_FAILED, naming the output and the first of its raw values that is not finite; or its probability.
Status not_finite(const Output &output, const float *values);
Status not_finite(const Output &output, double probability);

}  // namespace weighbridge::lib
