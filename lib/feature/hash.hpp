// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace weighbridge::lib {

// FNV-1a (G. Fowler, L. C. Noll, P. Vo, 64 bits) over the key's bytes, its offset basis xor `seed`, then the finaliser
// of MurmurHash3 (A. Appleby, fmix64), because FNV's lower bits alone spread short keys badly. Part of the bundle
// format.
constexpr uint64_t finish_hash(uint64_t hash) {
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCD;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53;
    return hash ^ (hash >> 33);
}

inline constexpr uint64_t kFnvBasis = 0xCBF29CE484222325;
inline constexpr uint64_t kFnvPrime = 0x100000001B3;

constexpr uint64_t hash_key(std::string_view key, uint64_t seed) {
    uint64_t hash = kFnvBasis ^ seed;
    for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    return finish_hash(hash);
}

// Over the eight bytes of the code, little-endian.
constexpr uint64_t hash_key(int64_t code, uint64_t seed) {
    uint64_t hash = kFnvBasis ^ seed, bits = static_cast<uint64_t>(code);
    for (int i = 0; i < 8; ++i, bits >>= 8) hash = (hash ^ (bits & 0xFF)) * kFnvPrime;
    return finish_hash(hash);
}

}  // namespace weighbridge::lib
