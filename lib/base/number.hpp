// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <string_view>
#include <type_traits>

namespace weighbridge::lib {

// The whole text as a decimal number in [least, most]: digits, behind a '-' where a number may have one. False, and
// nothing set, for any other text.
template <class Number>
bool parse_number(std::string_view text, std::type_identity_t<Number> least, std::type_identity_t<Number> most,
                  Number &out) {
    Number parsed = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, parsed);
    if (error != std::errc() || stop != end || parsed < least || parsed > most) return false;
    out = parsed;
    return true;
}

}  // namespace weighbridge::lib
