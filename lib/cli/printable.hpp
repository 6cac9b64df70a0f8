// SPDX-License-Identifier: Apache-2.0
// Text from files and command lines, made fit for a terminal and a log.
#pragma once

#include <string>
#include <string_view>

namespace weighbridge::cli {

// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none (RFC 3629), or is empty.
size_t character_bytes(std::string_view text);

// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);

// `text` in one line that a terminal only shows: controls, line separators, changes of direction, and bytes that are
// not UTF-8 become \xNN, as in the library's messages.
std::string printable(std::string_view text);

}  // namespace weighbridge::cli
