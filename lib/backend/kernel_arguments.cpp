// SPDX-License-Identifier: Apache-2.0
#include "backend/kernel_arguments.hpp"

#include <cmath>
#include <limits>

#include "base/numerics.hpp"

namespace weighbridge::lib::kernel {

float power(float a, float b) noexcept {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (b == 0.0f || a == 1.0f) return 1.0f;
    if (a != a || b != b) return a + b;
    const bool whole = std::floor(b) == b;
    const bool odd = whole && std::fabs(b) < 0x1p24f && std::floor(b * 0.5f) != b * 0.5f;
    const float magnitude = std::fabs(a), sign = odd && std::signbit(a) ? -1.0f : 1.0f;
    if (std::isinf(b)) return magnitude == 1.0f ? 1.0f : (magnitude > 1.0f) == (b > 0) ? kInfinity : 0.0f;
    if (magnitude == 0.0f || std::isinf(a)) return sign * ((magnitude == 0.0f) == (b > 0) ? 0.0f : kInfinity);
    if (a < 0 && !whole) return std::numeric_limits<float>::quiet_NaN();
    return sign * static_cast<float>(numerics::exp(b * numerics::log(static_cast<double>(magnitude))));
}

}  // namespace weighbridge::lib::kernel
