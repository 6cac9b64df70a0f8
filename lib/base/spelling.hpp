// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

// The three names nearest to `name` by edit distance, for messages: "'amount', 'amounts', 'account'".
std::string nearest_names(std::string_view name, const std::vector<std::string_view> &names);

}  // namespace weighbridge::lib
