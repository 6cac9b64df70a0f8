// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "feature/schema.hpp"

namespace weighbridge::lib {

// What a caller has to hand in for the feature, for messages: "int64", "sequence of timestamp in ms".
std::string describe_type(const Feature &feature);

// "s", "ms", "us", "ns".
std::string_view unit_name(int64_t ticks_per_second);

}  // namespace weighbridge::lib
