// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib::native {

// What a CPU can run, in ascending order: each level includes those before it. avx2 includes FMA; avx512 is F, BW, DQ
// and VL; amx is AMX-INT8 and AMX-BF16. fp32 and int8 results are the same bits at every level; bf16 linear layers have
// others at amx.
enum class Level : uint8_t { portable, avx2, avx512, avx512_vnni, avx512_bf16, amx };
inline constexpr int kLevels = 6;

const char *name_of(Level level);  // "avx512_vnni"

// Whether this CPU and its operating system run the level's instructions (CPUID and XGETBV). amx also needs that
// request_amx has succeeded. Thread-safe, no system call.
bool available(Level level);

// The highest level available; amx only where `allow_amx` is set.
Level best_level(bool allow_amx);

// Asks Linux to let this process use AMX tiles (arch_prctl ARCH_REQ_XCOMP_PERM, once; inherited by threads started
// later and by all present ones). True where AMX may now be used. Nothing else in the library asks. Thread-safe.
bool request_amx();

}  // namespace weighbridge::lib::native
