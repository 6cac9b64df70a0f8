// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace weighbridge::lib {

// A place in a table of 2^bits (1 to 16) that the calling thread always gets, to keep threads off one another's cache
// lines. By the address of its descriptor: a thread-local variable's first use, in a library that was loaded late,
// would allocate. Two threads may share a place.
inline size_t place_of_this_thread(int bits) {
    constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio: Knuth, multiplicative hashing
    const auto address = static_cast<uint64_t>(pthread_self());
    return static_cast<size_t>((address >> 6) * kGolden >> (64 - bits));
}

}  // namespace weighbridge::lib
