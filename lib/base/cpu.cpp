// SPDX-License-Identifier: Apache-2.0
#include "base/cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace weighbridge::lib {

std::vector<std::string> cpu_features() {
    std::vector<std::string> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found.emplace_back("avx2");
    if (__builtin_cpu_supports("fma")) found.emplace_back("fma");
    if (__builtin_cpu_supports("avx512f")) found.emplace_back("avx512f");
    if (__builtin_cpu_supports("avx512vnni")) found.emplace_back("avx512vnni");
    if (__builtin_cpu_supports("avx512bf16")) found.emplace_back("avx512bf16");
    // CPUID leaf 7: AMX-BF16 and AMX-INT8 are EDX bits 22 and 25 (Intel SDM volume 2A, CPUID).
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        if (d & (1u << 25)) found.emplace_back("amx_int8");
        if (d & (1u << 22)) found.emplace_back("amx_bf16");
    }
#endif
    return found;
}

}  // namespace weighbridge::lib
