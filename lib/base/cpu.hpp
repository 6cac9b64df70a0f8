// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace weighbridge::lib {

// What this CPU (and its operating system) offers of the instruction sets that matter here: avx2, fma, avx512f,
// avx512vnni, avx512bf16, amx_int8, amx_bf16. Empty on other architectures than x86-64.
std::vector<std::string> cpu_features();

}  // namespace weighbridge::lib
