// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace weighbridge::lib {

// What runs programs.
struct Device {
    enum class Kind : int32_t { cpu, cuda };
    Kind kind = Kind::cpu;
    int32_t index = 0;  // among those of its kind
    bool operator==(const Device &) const = default;
};

inline std::string name_of(const Device &device) {  // "cpu", "cuda:0"
    return device.kind == Device::Kind::cpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

}  // namespace weighbridge::lib
