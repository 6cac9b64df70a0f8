// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace weighbridge::lib {

// The order of versions. Runs of digits compare by their value, what is between them byte by byte; what ends first is
// less: 2026.9.30, 2026.11.1, 2026.11.1.1, 2026.11.1+1, 2026.11.1+2. A pre-release comes before its release, and is
// ordered among others as Semantic Versioning 2.0.0 (section 11) has it: 1.0-alpha, 1.0-rc.2, 1.0-rc.10, 1.0. It begins
// behind the first hyphen, where a letter or three whole numbers stand beside that: 2026-11-01 is a date.
bool is_older(std::string_view version, std::string_view than);

}  // namespace weighbridge::lib
