// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace weighbridge::lib {

// Where `text` first breaks UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF), or npos where it
// holds.
size_t utf8_error(std::string_view text);

// The code point at `position` of valid UTF-8; moves position behind it.
char32_t utf8_next(std::string_view text, size_t &position);

}  // namespace weighbridge::lib
