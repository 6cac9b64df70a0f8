// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weighbridge::lib {

// RFC 4648, section 4: the standard alphabet, padded, in one line.
std::string base64(std::string_view bytes);

// What base64() makes a text of, which is the only spelling that is taken: no blanks, padding as it has to be, unused
// bits zero. Empty for any other text.
std::optional<std::string> base64_bytes(std::string_view text);

}  // namespace weighbridge::lib
