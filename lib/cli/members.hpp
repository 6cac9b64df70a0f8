// SPDX-License-Identifier: Apache-2.0
// The members of a JSON object as they are written, so that a value passes through byte for byte.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::cli {

struct Member {
    std::string_view key;    // with its quotes
    std::string_view value;  // without the blanks around it
};

// Splits a JSON object (RFC 8259) into its members. Numbers are not converted, so that none is too large.
// @return where it is not such an object, as a byte from 1; 0 where it is
size_t split_object(std::string_view text, std::vector<Member> &members);

// What a string of JSON says, or any other value as it is written; nothing for a string that is not UTF-8.
std::optional<std::string> text_of(std::string_view value);

}  // namespace weighbridge::cli
