// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

// What runs programs.
struct Device {
    enum class Kind : int32_t { cpu };
    Kind kind = Kind::cpu;
    int32_t index = 0;  // among those of its kind
    bool operator==(const Device &) const = default;
};

}  // namespace weighbridge::lib
