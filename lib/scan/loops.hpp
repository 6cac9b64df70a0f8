// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "scan/locals.hpp"

namespace weighbridge::lib {

// How large a whole number can be. Of a list or a text: how long.
struct NumberRange {
    static constexpr int64_t kData = int64_t{1} << 40;  // of data nothing is known: it is not taken to be below 0

    uint64_t most = 1;      // its magnitude
    int64_t least = kData;  // below 0 where numbers that are written down make it that
};

// What the names of a function were found to come to, each once.
using NameRanges = std::map<std::string_view, NumberRange>;

// How often a loop's block runs at most, as far as its line and names that are set once say so: whole numbers,
// arithmetic on them, and the lengths of lists and texts that are written down. What data decides counts as 1, so that
// the rest is still seen; and so do quotients by less than 1, and numbers that stand in a text or are taken out of a
// list.
uint64_t loop_count(CodeTokens line, const CodeLocals &locals, NameRanges &known);

}  // namespace weighbridge::lib
