// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "graph/graph.hpp"

namespace weighbridge::lib {

inline constexpr int64_t kMaxRequireText = 160;  // characters: the message keeps room for what names the row

// The text of an operator `require`, a character an element.
inline bool is_text(std::span<const int64_t> characters) {
    return std::all_of(characters.begin(), characters.end(), [](int64_t code) { return code >= ' ' && code <= '~'; });
}
// WB_INVALID_INPUT with the model's own constant words, and none of the row's values.
inline Status not_as_required(std::span<const int64_t> characters) {
    return Status::failure(WB_INVALID_INPUT, "the model refuses the row: {}",
                           std::string(characters.begin(), characters.end()));
}

}  // namespace weighbridge::lib
