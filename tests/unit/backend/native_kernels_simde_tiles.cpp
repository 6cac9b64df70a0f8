// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>

#include "unit/backend/native_kernels_tiles.hpp"

namespace native_kernels {
namespace {

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;  // palette 1; the multiplier takes whole tiles

struct Tile {
    int rows, row_bytes;
    uint8_t data[kRows][kRowBytes];

    bool valid() const { return rows > 0 && row_bytes > 0; }
    uint32_t word(int row, int column) const {
        uint32_t word;
        std::memcpy(&word, data[row] + 4 * column, sizeof word);
        return word;
    }
    void set_word(int row, int column, uint32_t word) { std::memcpy(data[row] + 4 * column, &word, sizeof word); }
};

struct Tiles {
    bool configured;
    Tile tile[kTiles];
    const char *fault;
};
thread_local Tiles tiles;

bool faulty(bool wrong, const char *what) {
    if (wrong && !tiles.fault) tiles.fault = what;
    return wrong;
}

bool unusable(int tile) {
    return faulty(!tiles.configured, "#UD: no tile is configured") ||
           faulty(tile < 0 || tile >= kTiles, "#UD: a tile that does not exist") ||
           faulty(!tiles.tile[tile].valid(), "#UD: a tile that is not configured");
}

bool not_multipliable(int sums, int a, int b) {
    if (unusable(sums) || unusable(a) || unusable(b)) return true;
    const Tile &s = tiles.tile[sums], &x = tiles.tile[a], &y = tiles.tile[b];
    return faulty(sums == a || sums == b || a == b, "#UD: a tile is two operands") ||
           faulty(s.row_bytes % 4 || x.row_bytes % 4 || y.row_bytes % 4, "#UD: a row is no whole number of words") ||
           faulty(s.row_bytes != y.row_bytes, "#UD: the sums' columns are not the second operand's") ||
           faulty(s.rows != x.rows, "#UD: the sums' rows are not the first operand's") ||
           faulty(x.row_bytes / 4 != y.rows, "#UD: the first operand's columns are not the second one's rows");
}

// sum[row][column] = step(sum[row][column], row, column) for what is configured; the rest is zero already.
template <class Step>
void each_sum(int sums, Step step) {
    Tile &s = tiles.tile[sums];
    for (int row = 0; row < s.rows; ++row)
        for (int column = 0; column < s.row_bytes / 4; ++column)
            s.set_word(row, column, step(s.word(row, column), row, column));
}

float as_float(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
uint32_t as_bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
float flushed(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }
// DAZ, FTZ, nearest even
float sum_of(float a, float b) { return flushed(flushed(a) + flushed(b)); }
float fused(float a, float b, float c) { return flushed(std::fma(flushed(a), flushed(b), flushed(c))); }

}  // namespace

void configure_tiles(const void *config) {
    uint8_t bytes[64];
    std::memcpy(bytes, config, sizeof bytes);
    if (faulty(bytes[0] != 1, "#GP: the palette is not 1") || faulty(bytes[1] != 0, "the start row is not 0")) return;
    Tiles made{true, {}, tiles.fault};
    for (int i = 2; i < 64; ++i) {
        const bool reserved = i < 16 || (i >= 32 && i < 48) || i >= 56;
        if (faulty(reserved && bytes[i], "#GP: a reserved byte is not 0")) return;
    }
    for (int i = 0; i < kTiles; ++i) {
        made.tile[i].row_bytes = bytes[16 + 2 * i] | bytes[17 + 2 * i] << 8;
        made.tile[i].rows = bytes[48 + i];
        if (faulty(made.tile[i].row_bytes > kRowBytes, "#GP: more than 64 bytes a row")) return;
        if (faulty(made.tile[i].rows > kRows, "#GP: more than 16 rows")) return;
    }
    tiles = made;
}

void tile_release() { tiles = {false, {}, tiles.fault}; }

void zero_tile(int tile) {
    if (unusable(tile)) return;
    std::memset(tiles.tile[tile].data, 0, sizeof tiles.tile[tile].data);
}

void load_tile(int tile, const void *from, int64_t stride) {
    if (unusable(tile)) return;
    Tile &t = tiles.tile[tile];
    std::memset(t.data, 0, sizeof t.data);
    for (int row = 0; row < t.rows; ++row)
        std::memcpy(t.data[row], static_cast<const char *>(from) + row * stride, static_cast<size_t>(t.row_bytes));
}

void store_tile(int tile, void *to, int64_t stride) {
    if (unusable(tile)) return;
    const Tile &t = tiles.tile[tile];
    for (int row = 0; row < t.rows; ++row)
        std::memcpy(static_cast<char *>(to) + row * stride, t.data[row], static_cast<size_t>(t.row_bytes));
}

void dot_tiles_i8(int sums, int a, int b) {
    if (not_multipliable(sums, a, b)) return;
    const Tile &x = tiles.tile[a], &y = tiles.tile[b];
    each_sum(sums, [&](uint32_t sum, int row, int column) {
        for (int k = 0; k < y.rows; ++k)
            for (int i = 0; i < 4; ++i) {
                const int product = x.data[row][4 * k + i] * static_cast<int8_t>(y.data[k][4 * column + i]);
                sum += static_cast<uint32_t>(product);
            }
        return sum;
    });
}

void dot_tiles_bf16(int sums, int a, int b) {
    if (not_multipliable(sums, a, b)) return;
    const Tile &x = tiles.tile[a], &y = tiles.tile[b];
    each_sum(sums, [&](uint32_t sum, int row, int column) {
        float even = 0, odd = 0;
        for (int k = 0; k < y.rows; ++k) {
            const uint32_t one = x.word(row, k), other = y.word(k, column);
            even = fused(as_float(one << 16), as_float(other << 16), even);
            odd = fused(as_float(one & 0xFFFF0000u), as_float(other & 0xFFFF0000u), odd);
        }
        return as_bits(sum_of(as_float(sum), sum_of(even, odd)));
    });
}

const char *tile_fault() {
    const char *found = tiles.fault ? tiles.fault : tiles.configured ? "the tiles are not released" : nullptr;
    tiles.fault = nullptr;
    tile_release();
    return found;
}

}  // namespace native_kernels
