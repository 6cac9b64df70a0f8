// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weighbridge::lib {

// A status code's name, such as "WB_OVERLOADED"; "WB_UNKNOWN" for another number. Static memory.
const char *status_name(int32_t code);

// The code of that name.
std::optional<int32_t> status_of(std::string_view name);

}  // namespace weighbridge::lib
