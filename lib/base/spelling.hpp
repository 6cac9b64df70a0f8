// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

// The three names nearest to `name`, for messages: those that begin with it or that it begins with, those that have it
// in them or that it has, then by edit distance. "'amount_minor', 'amounts', 'account'" for "amount".
std::string nearest_names(std::string_view name, const std::vector<std::string_view> &names);

}  // namespace weighbridge::lib
