// SPDX-License-Identifier: Apache-2.0
// AMX tiles in plain C++, for tests on CPUs without them: under the names of lib/backend/native/amx_impl.hpp, what
// Intel's SDM says of LDTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED, TDPBUSD and TDPBF16PS. Each thread has
// its own tiles. What is an exception on the CPU (#GP, #UD) is a fault here: it does nothing, and tile_fault tells it.
#pragma once

#include <cstdint>

namespace native_kernels {

void configure_tiles(const void *config);  // 64 bytes
void zero_tile(int tile);
void load_tile(int tile, const void *from, int64_t stride);
void store_tile(int tile, void *to, int64_t stride);
void dot_tiles_i8(int sums, int a, int b);  // u8 by s8
void dot_tiles_bf16(int sums, int a, int b);
void tile_release();

// The first fault of this thread since it last asked, or that its tiles are not released; null where all is well.
const char *tile_fault();

template <class Config>
void tile_configure(const Config &config) {
    static_assert(sizeof(Config) == 64);
    configure_tiles(&config);
}
template <int Tile>
void tile_zero() {
    zero_tile(Tile);
}
template <int Tile>
void tile_load(const void *from, int64_t stride) {
    load_tile(Tile, from, stride);
}
template <int Tile>
void tile_store(void *to, int64_t stride) {
    store_tile(Tile, to, stride);
}
template <int Sums, int A, int B>
void tile_dot_i8() {
    dot_tiles_i8(Sums, A, B);
}
template <int Sums, int A, int B>
void tile_dot_bf16() {
    dot_tiles_bf16(Sums, A, B);
}

}  // namespace native_kernels
