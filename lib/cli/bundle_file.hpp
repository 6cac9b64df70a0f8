// SPDX-License-Identifier: Apache-2.0
// What the command reads from a bundle's files itself; the library has checked them before.
#pragma once

#include <string>
#include <vector>

namespace weighbridge::cli {

// Names of the decision bands, in order; empty where the bundle has none.
std::vector<std::string> band_names(const std::string &directory);

// The rows of golden.jsonl, as JSON objects.
std::vector<std::string> golden_rows(const std::string &directory);

}  // namespace weighbridge::cli
