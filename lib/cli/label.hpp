// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weighbridge.hpp"

namespace weighbridge::cli {

// What a label says: fraud or not. Nothing where there is no text, or null: it is not known yet.
// A number that is 0 or 1 however it is written, or true or false as Python or JSON writes it; else an error that names
// the column.
Expected<std::optional<bool>> read_label(const std::string &column, std::string_view text);

}  // namespace weighbridge::cli
