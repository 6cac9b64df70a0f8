// SPDX-License-Identifier: Apache-2.0
// What somebody meant who wrote a name a little wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::cli {

// The name that `word` is at most two letters away from, or begins with; "" for none.
std::string nearest_name(std::string_view word, const std::vector<std::string> &names);

// ASCII letters lower, all else as it is.
std::string lowered(std::string_view text);

// Without blanks around it, ASCII letters lower: names that are equal so are easily taken for each other.
std::string folded(std::string_view name);

// "a, b or c".
std::string list_of(const std::vector<std::string> &names, std::string_view last = "or");

}  // namespace weighbridge::cli
