// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes in plain C++: what every level's wrapper offers, stated once. Included inside WB_LEVEL's translation
// unit only (kernels_portable.cpp), so that no function compiled for one level can stand in for another's.
#pragma once

#include <cstdint>

#define WB_INLINE inline __attribute__((always_inline))
#define WB_LAMBDA __attribute__((always_inline))

namespace weighbridge::lib::native::WB_LEVEL {

inline constexpr int kTileRows = 6, kTileVectors = 1, kStreamPanels = 1;
inline constexpr int64_t kBlockBytes = 192 << 10;      // of activations, to stay in L2
inline constexpr int64_t kAheadBytes = 128 << 10;      // of a panel, to be fetched while the one before is used
inline constexpr int64_t kStreamAhead = 1024;          // bytes, of a panel
inline constexpr int kTurnWords = 1, kFetchWords = 1;  // words a turn of the product's loop, and a line fetched in it

inline constexpr int64_t kLeastColumns = 16;  // of a tile
inline constexpr int kRegisterBytes = 32;

// The compiler's vectors: it splits them into what the CPU has, in a third of the time that 16 scalars take it.
struct F {  // 16 floats
    float __attribute__((vector_size(64))) v;
};
struct I {  // 16 32-bit integers, wrapping
    uint32_t __attribute__((vector_size(64))) v;
};
struct M {  // 16 booleans: 0 or -1
    int32_t __attribute__((vector_size(64))) v;
};

#define WB_EACH for (int i = 0; i < 16; ++i)

WB_INLINE F set(float x) { return {x - F{}.v}; }
WB_INLINE F load(const float *p) {
    F y;
    __builtin_memcpy(&y, p, sizeof y);
    return y;
}
// The first n lanes, 0 <= n <= 16, and zeros; nothing past them is read or written.
WB_INLINE F load_n(const float *p, int64_t n) {
    F y;
    WB_EACH y.v[i] = i < n ? p[i] : 0.0f;
    return y;
}
WB_INLINE void store(float *p, F x) { __builtin_memcpy(p, &x, sizeof x); }
WB_INLINE void store_n(float *p, F x, int64_t n) {
    for (int i = 0; i < n; ++i) p[i] = x.v[i];
}
WB_INLINE F add(F a, F b) { return {a.v + b.v}; }
WB_INLINE F sub(F a, F b) { return {a.v - b.v}; }
WB_INLINE F mul(F a, F b) { return {a.v * b.v}; }
WB_INLINE F div(F a, F b) { return {a.v / b.v}; }
WB_INLINE F fma(F a, F b, F c) {
    WB_EACH a.v[i] = __builtin_fmaf(a.v[i], b.v[i], c.v[i]);
    return a;
}
WB_INLINE F add_product(F sum, F a, F b) { return fma(a, b, sum); }
WB_INLINE F sqrt(F a) {
    WB_EACH a.v[i] = __builtin_sqrtf(a.v[i]);
    return a;
}
WB_INLINE F floor(F a) {
    WB_EACH a.v[i] = __builtin_floorf(a.v[i]);
    return a;
}
WB_INLINE F ceil(F a) {
    WB_EACH a.v[i] = __builtin_ceilf(a.v[i]);
    return a;
}
WB_INLINE F round(F a) {
    WB_EACH a.v[i] = __builtin_nearbyintf(a.v[i]);
    return a;
}
// a > b ? a : b and a < b ? a : b: b where either is a NaN, or both are zeros.
WB_INLINE F max_or_second(F a, F b) { return {a.v > b.v ? a.v : b.v}; }
WB_INLINE F min_or_second(F a, F b) { return {a.v < b.v ? a.v : b.v}; }

WB_INLINE I set_int(uint32_t x) { return {x - I{}.v}; }
WB_INLINE I bits(F a) {
    I y;
    __builtin_memcpy(&y, &a, sizeof y);
    return y;
}
WB_INLINE F floats(I a) {
    F y;
    __builtin_memcpy(&y, &a, sizeof y);
    return y;
}
WB_INLINE I add(I a, I b) { return {a.v + b.v}; }
WB_INLINE I sub(I a, I b) { return {a.v - b.v}; }
WB_INLINE I both(I a, I b) { return {a.v & b.v}; }
WB_INLINE I either(I a, I b) { return {a.v | b.v}; }
WB_INLINE I exclusive(I a, I b) { return {a.v ^ b.v}; }
template <int Count>
WB_INLINE I left(I a) {
    return {a.v << Count};
}
template <int Count>
WB_INLINE I right(I a) {
    return {a.v >> Count};
}
template <int Count>
WB_INLINE I right_signed(I a) {
    return {(decltype(I::v))((decltype(M::v))a.v >> Count)};
}
WB_INLINE F to_float(I a) { return {__builtin_convertvector((decltype(M::v))a.v, decltype(F::v))}; }
WB_INLINE I load_int(const int32_t *p) {
    I y;
    __builtin_memcpy(&y, p, sizeof y);
    return y;
}

WB_INLINE M less(F a, F b) { return {a.v < b.v}; }
WB_INLINE M is_nan(F a) { return {a.v != a.v}; }
WB_INLINE M first(int64_t n) {
    M m;
    WB_EACH m.v[i] = i < n ? -1 : 0;
    return m;
}  // lanes below n
WB_INLINE M load_mask(const uint8_t *p, int64_t n) {
    M m;
    WB_EACH m.v[i] = i < n && p[i] != 0 ? -1 : 0;
    return m;
}
WB_INLINE F choose(M m, F yes, F no) { return {m.v ? yes.v : no.v}; }
WB_INLINE F keep(M m, F a) { return choose(m, a, set(0.0f)); }  // 0 elsewhere
WB_INLINE bool all(M m) {
    bool found = true;
    WB_EACH found = found && m.v[i] != 0;
    return found;
}
WB_INLINE bool any(M m) {
    bool found = false;
    WB_EACH found = found || m.v[i] != 0;
    return found;
}

// The low bytes (low 16 bits) of the first n lanes.
WB_INLINE void store_bytes(uint8_t *p, I a, int64_t n) {
    for (int i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(a.v[i]);
}
WB_INLINE void store_halves(uint16_t *p, I a, int64_t n) {
    for (int i = 0; i < n; ++i) p[i] = static_cast<uint16_t>(a.v[i]);
}

// lane[j] = combine(lane[j], lane[j + 8]), then 4, 2 and 1.
template <class Combine>
WB_INLINE float fold(F a, Combine combine) {
    for (int apart = 8; apart > 0; apart /= 2)
        for (int i = 0; i < apart; ++i) a.v[i] = combine(a.v[i], a.v[i + apart]);
    return a.v[0];
}
WB_INLINE float fold_add(F a) {
    return fold(a, [](float x, float y) { return x + y; });
}

// The greatest lane that is not a NaN, in every lane.
WB_INLINE F fold_max(F a) {
    return set(fold(a, [](float x, float y) { return x > y ? x : y; }));
}

// 16 rows of 16 floats, `stride` apart, to 16 columns: to[c * to_stride + r] = from[min(r, last) * stride + c].
// Where last < kLeastColumns the other lanes may be left as they are.
WB_INLINE void transpose(const float *from, int64_t stride, int64_t last, float *to, int64_t to_stride) {
    for (int r = 0; r < 16; ++r)
        for (int c = 0; c < 16; ++c) to[c * to_stride + r] = from[(r < last ? r : last) * stride + c];
}

#undef WB_EACH
}  // namespace weighbridge::lib::native::WB_LEVEL
