// SPDX-License-Identifier: Apache-2.0
#include "base/numerics.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "support/catch.hpp"

namespace {

namespace numerics = weighbridge::lib::numerics;

// |value - reference| in units of the last place that T has at the reference.
template <class T>
double ulps(T value, long double reference) {
    if (std::isnan(reference)) return std::isnan(value) ? 0 : HUGE_VAL;
    if (std::isinf(static_cast<T>(reference))) return value == static_cast<T>(reference) ? 0 : HUGE_VAL;
    constexpr int kDigits = std::numeric_limits<T>::digits, kLeast = std::numeric_limits<T>::min_exponent - 1;
    int exponent = reference == 0 ? kLeast : std::max(std::ilogb(reference), kLeast);
    return static_cast<double>(std::fabs(static_cast<long double>(value) - reference) /
                               std::ldexp(1.0L, exponent - kDigits + 1));
}

struct Scan {
    double least, most;
    bool by_bits = false;  // uniform over the representations, not over the values
};

template <class T, class Own, class Reference>
double worst(Scan scan, Own own, Reference reference) {
    std::mt19937_64 random(20261101);
    std::uniform_real_distribution<double> uniform(scan.least, scan.most);
    double worst_ulps = 0;
    T at = 0;
    auto look = [&](T x) {
        double found = ulps<T>(own(x), reference(static_cast<long double>(x)));
        if (found > worst_ulps) worst_ulps = found, at = x;
    };
    for (int i = 0; i < 100000; ++i) {
        if (!scan.by_bits) {
            look(static_cast<T>(uniform(random)));
            continue;
        }
        double x = std::bit_cast<double>(random());
        if (x >= scan.least && x <= scan.most) look(static_cast<T>(x));
    }
    INFO("worst " << worst_ulps << " ulp at " << std::hexfloat << at);
    REQUIRE(worst_ulps <= 2.0);
    return worst_ulps;
}

template <class T>
void require_scan(Scan scan, T (*own)(T), long double (*reference)(long double), double limit) {
    double found = worst<T>(scan, own, reference);
    CAPTURE(scan.least, scan.most, found);
    REQUIRE(found <= limit);
}

long double sigmoid_reference(long double x) { return 1.0L / (1.0L + expl(-x)); }

// The limits are what numerics.hpp states, and below the 2 ulp of numerics v1.
template <class T>
void scan_all(double limit) {
    constexpr double most = std::numeric_limits<T>::max();
    constexpr bool wide = sizeof(T) == 8;
    for (Scan scan :
         {Scan{-1, 1}, Scan{-20, 20}, Scan{wide ? -745.2 : -104.0, wide ? 709.9 : 89.0}, Scan{-most, most, true}})
        require_scan<T>(scan, numerics::exp, expl, limit);
    for (Scan scan : {Scan{0.5, 2}, Scan{0.99, 1.01}, Scan{0, 1e6}, Scan{0, most, true}})
        require_scan<T>(scan, numerics::log, logl, limit);
    for (Scan scan : {Scan{-0.5, 0.5}, Scan{-1, 4}, Scan{-1e-3, 1e-3}, Scan{0, 1e7}, Scan{-1, most, true}})
        require_scan<T>(scan, numerics::log1p, log1pl, limit);
    for (Scan scan : {Scan{-1, 1}, Scan{-7, 7}, Scan{-1e3, 1e3}, Scan{-1048576, 1048576}, Scan{-most, most, true}}) {
        require_scan<T>(scan, numerics::sin, sinl, limit);
        require_scan<T>(scan, numerics::cos, cosl, limit);
    }
    for (Scan scan : {Scan{-0.7, 0.7}, Scan{-3, 3}, Scan{-25, 25}, Scan{-most, most, true}})
        require_scan<T>(scan, numerics::tanh, tanhl, limit);
    for (Scan scan : {Scan{-0.9, 0.9}, Scan{0.8, 1.2}, Scan{-3, 3}, Scan{-7, 7}, Scan{-most, most, true}})
        require_scan<T>(scan, numerics::erf, erfl, limit);
    for (Scan scan : {Scan{-1, 1}, Scan{-40, 40}, Scan{wide ? -745 : -103.0, 0}, Scan{-most, most, true}})
        require_scan<T>(scan, numerics::sigmoid, sigmoid_reference, limit);
}

TEST_CASE("double functions stay within their stated error of long double libm", "[numerics]") {
    scan_all<double>(1.9);
}

TEST_CASE("float functions stay within their stated error of long double libm", "[numerics]") {
    scan_all<float>(0.501);
}

TEST_CASE("sine and cosine near multiples of half a turn keep their leading digits", "[numerics]") {
    for (int64_t n = 1; n < 667544; n += n < 1000 ? 1 : 977) {
        double x = static_cast<double>(n) * 1.5707963267948966;
        for (double y : {x, std::nextafter(x, 0.0), std::nextafter(x, 1e9), -x}) {
            REQUIRE(ulps(numerics::sin(y), sinl(y)) <= 0.9);
            REQUIRE(ulps(numerics::cos(y), cosl(y)) <= 0.9);
        }
    }
    // The double nearest to a multiple of pi/2 (W. Kahan and S. McDonald, found with continued fractions).
    double hardest = 0x1.6ac5b262ca1ffp+849;
    REQUIRE(ulps(numerics::cos(hardest), -4.68716592425462761112258280196e-19L) <= 0.9);
    REQUIRE(numerics::sin(hardest) == 1.0);
}

TEST_CASE("infinities, NaN and zeroes behave as libm's", "[numerics]") {
    constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    struct Pair {
        const char *name;
        double (*own)(double);
        double (*libm)(double);
    };
    auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
    const Pair pairs[] = {{"exp", numerics::exp, std::exp},       {"log", numerics::log, std::log},
                          {"log1p", numerics::log1p, std::log1p}, {"sin", numerics::sin, std::sin},
                          {"cos", numerics::cos, std::cos},       {"tanh", numerics::tanh, std::tanh},
                          {"erf", numerics::erf, std::erf},       {"sigmoid", numerics::sigmoid, sigmoid}};
    for (const Pair &pair : pairs)
        for (double x : {0.0, -0.0, inf, -inf, nan, -1.0, -1.5, 5e-324, -5e-324, 1e-310}) {
            CAPTURE(pair.name, x);
            double own = pair.own(x), libm = pair.libm(x);
            if (std::isnan(libm)) {
                REQUIRE(std::isnan(own));
            } else if (std::isinf(libm) || libm == 0 || std::fabs(x) < 1) {
                REQUIRE(own == libm);
                REQUIRE(std::signbit(own) == std::signbit(libm));
            }
        }
    REQUIRE(numerics::exp(709.782712893384) < inf);
    REQUIRE(numerics::exp(709.7827128933841) == inf);
    REQUIRE(numerics::exp(-745.1332191019411) == 5e-324);
    REQUIRE(numerics::exp(-745.1332191019412) == 0);
    REQUIRE(numerics::exp(89.0F) == std::numeric_limits<float>::infinity());
}

TEST_CASE("float16 and bfloat16 are rounded to the nearest, ties to even", "[numerics]") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const struct {
        float x, half, brain;
    } cases[] = {{0.1f, 0x1.998p-4f, 0x1.9ap-4f},
                 {1 + 0x1p-11f, 1, 1},
                 {1 + 0x3p-11f, 1 + 0x1p-9f, 1},
                 {1 + 0x1p-8f, 1 + 0x1p-8f, 1},
                 {1 + 0x3p-8f, 1 + 0x3p-8f, 1 + 0x1p-6f},
                 {65519.996f, 65504, 65536},
                 {65520, kInfinity, 65536},
                 {3.4e38f, kInfinity, kInfinity},
                 {0x1p-25f, 0, 0x1p-25f},
                 {0x1.8p-25f, 0x1p-24f, 0x1.8p-25f},
                 {0x1.ffep-15f, 0x1p-14f, 0x1p-14f},
                 {0x1p-149f, 0, 0},
                 {kInfinity, kInfinity, kInfinity}};
    for (const auto &one : cases) {
        CAPTURE(one.x);
        REQUIRE(numerics::round_float16(one.x) == one.half);
        REQUIRE(numerics::round_float16(-one.x) == -one.half);
        REQUIRE(numerics::round_bfloat16(one.x) == one.brain);
        REQUIRE(numerics::round_bfloat16(-one.x) == -one.brain);
    }
    REQUIRE(std::signbit(numerics::round_float16(-1e-30f)));
    REQUIRE(std::isnan(numerics::round_float16(std::numeric_limits<float>::quiet_NaN())));
    REQUIRE(std::isnan(numerics::round_bfloat16(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("odd functions are odd to the last bit", "[numerics]") {
    for (double x = 1e-9; x < 1e9; x *= 1.37) {
        REQUIRE(numerics::sin(-x) == -numerics::sin(x));
        REQUIRE(numerics::cos(-x) == numerics::cos(x));
        REQUIRE(numerics::tanh(-x) == -numerics::tanh(x));
        REQUIRE(numerics::erf(-x) == -numerics::erf(x));
    }
}

// Bits of numerics v1, taken over a fixed scan: another compiler, flag or CPU that changes one bit changes this number.
TEST_CASE("the bits of numerics v1 do not move", "[numerics]") {
    uint64_t hash = 0xCBF29CE484222325;  // FNV-1a's offset basis
    auto mix = [&](double value) { hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001B3; };
    for (int i = -4000; i <= 4000; ++i) {
        double x = static_cast<double>(i) * 0.0137;
        mix(numerics::exp(x));
        mix(numerics::log(std::fabs(x) + 0x1p-30));
        mix(numerics::log1p(std::fabs(x)));
        mix(numerics::sin(x));
        mix(numerics::cos(x * 1e5));
        mix(numerics::sin(x * 1e12));
        mix(numerics::tanh(x));
        mix(numerics::erf(x * 0.1));
        mix(numerics::sigmoid(x));
    }
    REQUIRE(hash == 0xB20ED5ED2D6C7787);
}

}  // namespace
