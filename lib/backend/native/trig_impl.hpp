// SPDX-License-Identifier: Apache-2.0
// Sine and cosine as numerics has them: in double, in the order of base/numerics_trig_formulas.hpp, two registers of
// doubles at a time.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

// Vectors of the compiler: + - * of each double are one rounding, as of one alone.
using D = double __attribute__((vector_size(kRegisterBytes)));
using Long = int64_t __attribute__((vector_size(kRegisterBytes)));
using Int = int32_t __attribute__((vector_size(kRegisterBytes / 2)));
using Narrow = float __attribute__((vector_size(kRegisterBytes / 2)));

// Two chains side by side, since one alone waits for its own results.
struct Doubles {
    D lo, hi;
};
struct Longs {
    Long lo, hi;
};
WB_INLINE Doubles operator+(const Doubles &a, const Doubles &b) { return {a.lo + b.lo, a.hi + b.hi}; }
WB_INLINE Doubles operator-(const Doubles &a, const Doubles &b) { return {a.lo - b.lo, a.hi - b.hi}; }
WB_INLINE Doubles operator*(const Doubles &a, const Doubles &b) { return {a.lo * b.lo, a.hi * b.hi}; }
WB_INLINE Doubles operator*(double a, const Doubles &b) { return {a * b.lo, a * b.hi}; }
WB_INLINE Doubles operator+(double a, const Doubles &b) { return {a + b.lo, a + b.hi}; }
WB_INLINE Doubles operator-(double a, const Doubles &b) { return {a - b.lo, a - b.hi}; }
WB_INLINE Doubles choose(const Longs &m, const Doubles &a, const Doubles &b) {
    return {m.lo ? a.lo : b.lo, m.hi ? a.hi : b.hi};
}
WB_INLINE Longs bit(const Longs &a, int64_t which) { return {(a.lo & which) != 0, (a.hi & which) != 0}; }

inline constexpr float kTrigMost = 0x1p20f;  // above it numerics reduces by the bits of 2 / pi

WB_INLINE void sine(const Doubles &high, const Doubles &low, Doubles &y) {
    const Doubles z = high * high, v = z * high, w = z * z;
    const Doubles p = (0.008333333333330948 + -0.0001984126983675712 * z) +
                      ((2.755731610179909e-06 + -2.5051131688000297e-08 * z) + 1.5918117983848815e-10 * w) * w;
    y = high + (v * (-0.16666666666666666 + z * p) + low * (1.0 - 0.5 * z));
}

WB_INLINE void cosine(const Doubles &high, const Doubles &low, Doubles &y) {
    const Doubles z = high * high, w = z * z;
    const Doubles p = (0.041666666666666664 + -0.0013888888888887398 * z) +
                      (2.4801587298764778e-05 + -2.7557317271258515e-07 * z) * w;
    const Doubles q = 2.0876146170183976e-09 + -1.1382625349447592e-11 * z;
    const Doubles half = 0.5 * z, lead = 1.0 - half;
    y = lead + (((1.0 - lead) - half) + (w * (p + q * (w * w)) - high * low));
}

// Angles in [-pi/4, pi/4] and quarter turns, of |x| <= kTrigMost.
struct Angles {
    Doubles high, low;
    Longs quadrant;
};
WB_INLINE void reduce(const Doubles &x, const Doubles &size, Angles &r) {
    namespace formulas = numerics::formulas;
    // To the nearest: the conversion drops what is behind the point.
    const auto count = [](D a) WB_LAMBDA {
        return __builtin_convertvector(a * formulas::kTwoOverPi + (a < 0.0 ? D{} - 0.5 : D{} + 0.5), Int);
    };
    const Int lo = count(x.lo), hi = count(x.hi);
    const Doubles n{__builtin_convertvector(lo, D), __builtin_convertvector(hi, D)};
    const Doubles a = x - formulas::kHalfPi[0] * n;
    const Doubles b = formulas::kHalfPi[1] * n;
    const Doubles c = a - b, c_low = (a - c) - b;
    const Doubles d = formulas::kHalfPi[2] * n;
    const Doubles e = c - d, e_low = (c - e) - d;
    const Doubles rest = (c_low + e_low) - formulas::kHalfPi[3] * n;
    const Doubles sum = e + rest;
    const Longs small{size.lo <= 0x1.921fb54442d18p-1, size.hi <= 0x1.921fb54442d18p-1};
    r.high = choose(small, x, sum);
    r.low = choose(small, Doubles{}, (e - sum) + rest);
    r.quadrant = {small.lo ? Long{} : __builtin_convertvector(lo, Long),
                  small.hi ? Long{} : __builtin_convertvector(hi, Long)};
}

inline constexpr int64_t kWaves = kRegisterBytes / 4;  // numbers that go together

// y = sin(x) or cos(x) of kWaves |x| <= kTrigMost.
template <bool Sine>
WB_INLINE void wave(const float *from, float *to) {
    Narrow narrow[2];
    __builtin_memcpy(narrow, from, sizeof narrow);
    const Doubles x{__builtin_convertvector(narrow[0], D), __builtin_convertvector(narrow[1], D)};
    const Doubles size{x.lo < 0.0 ? -x.lo : x.lo, x.hi < 0.0 ? -x.hi : x.hi};
    Angles r;
    reduce(x, size, r);
    Doubles s, c;
    sine(r.high, r.low, s);
    cosine(r.high, r.low, c);
    const Longs odd = bit(r.quadrant, 1);
    Doubles y = Sine ? choose(odd, c, s) : choose(odd, s, c);
    const int64_t ahead = Sine ? 0 : 1;
    y = choose(bit({r.quadrant.lo + ahead, r.quadrant.hi + ahead}, 2), {-y.lo, -y.hi}, y);
    if (Sine) y = choose({size.lo < 0x1p-27, size.hi < 0x1p-27}, x, y);
    // Each half by its own store: of both together the compiler would make one load behind two stores, which waits.
    const Narrow lo = __builtin_convertvector(y.lo, Narrow), hi = __builtin_convertvector(y.hi, Narrow);
    __builtin_memcpy(to, &lo, sizeof lo);
    __builtin_memcpy(to + kWaves / 2, &hi, sizeof hi);
}

WB_INLINE bool below(const float *x, int64_t n, float most) {
    for (int64_t i = 0; i < n; i += 16)
        if (!all(less(abs(load_n(x + i, least(16, n - i))), set(most)))) return false;
    return true;
}

template <bool Sine>
static void waves(const float *x, float *y, int64_t n) noexcept {
    constexpr int64_t kTogether = 256;
    for (int64_t i = 0; i < n; i += kTogether) {
        const int64_t end = least(i + kTogether, n);
        int64_t j = i;
        if (!below(x + i, end - i, kTrigMost)) {
            for (; j < end; ++j) y[j] = Sine ? numerics::sin(x[j]) : numerics::cos(x[j]);
            continue;
        }
        for (; j + kWaves <= end; j += kWaves) wave<Sine>(x + j, y + j);
        if (j == end) continue;
        float rest[kWaves] = {};
        __builtin_memcpy(rest, x + j, static_cast<size_t>(end - j) * sizeof *x);
        wave<Sine>(rest, rest);
        __builtin_memcpy(y + j, rest, static_cast<size_t>(end - j) * sizeof *y);
    }
}

}  // namespace weighbridge::lib::native::WB_LEVEL
