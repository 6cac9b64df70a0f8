// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scan/declarations.hpp"

namespace weighbridge::lib {

// Bounds how deep declarations mention each other: LibTorch imports what a class or a function mentions while it
// imports that one, by recursion. And how much a NamedTuple comes to with those of its fields put in their places, as
// LibTorch compares them. Leaves findings.
void check_mentions(const ModuleCode &code, const std::vector<FunctionSource> &sources, ScanFindings &findings);

}  // namespace weighbridge::lib
