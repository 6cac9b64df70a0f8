// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace weighbridge::lib {

// What a number's text becomes in each type, for every reader of text (README.md, "Reading a value"). The texts are
// JSON numbers: read_json has checked them. No locale; under the caller's FpEnvironment. The number that the text means
// counts, not how it is written: 1e3, 1000.0 and 1000 are one integer. On failure `out` is unspecified.

// The nearest value, ties to even, rounded once. False where that is infinite.
bool read_decimal(std::string_view text, float &out);
bool read_decimal(std::string_view text, double &out);
// False where the number is not whole or not in int64.
bool read_decimal(std::string_view text, int64_t &out);

// The numbers that JSON lacks: nan, inf and infinity, in any case, the infinite ones also with a minus.
bool read_named_number(std::string_view text, double &out);

}  // namespace weighbridge::lib
