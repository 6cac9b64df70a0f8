// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace weighbridge::lib {

inline constexpr int kAnyExponent = -1;  // of gold and other codes that ISO 4217 gives no minor unit

// The minor unit of an ISO 4217 code: 2 of EUR, 0 of JPY, 3 of KWD; nothing for what is no currency.
std::optional<int> currency_exponent(std::string_view code);

}  // namespace weighbridge::lib
