// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "scan/locals.hpp"

namespace weighbridge::lib {

// What the names of a function were found to come to, each once.
using NameCounts = std::map<std::string_view, uint64_t>;

// How often a loop's block runs at most, as far as its line and names that are set once say so: numbers, arithmetic on
// them, and lists and texts that are written down. What data decides counts as 1, so that the rest is still seen.
uint64_t loop_count(CodeTokens line, const CodeLocals &locals, NameCounts &known);

}  // namespace weighbridge::lib
