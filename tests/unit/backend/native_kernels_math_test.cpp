// SPDX-License-Identifier: Apache-2.0
// Element-wise operations of every level against their twins, bit for bit, and the errors of the functions.
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "backend/formulas.hpp"
#include "backend/reference/twins.hpp"
#include "native_kernels.hpp"
#include "support/catch.hpp"

namespace {

using namespace native_kernels;
namespace math = weighbridge::lib::formulas;
namespace twins = weighbridge::lib::reference::twins;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Floats of every sign and exponent, and the special ones.
std::vector<float> samples(uint32_t step) {
    std::vector<float> all = {0.0f,   -0.0f,   kInfinity, -kInfinity, kNaN,        1.0f,   -1.0f,
                              0.5f,   1.5f,    2.5f,      -2.5f,      88.7f,       -87.4f, -103.9f,
                              1e-45f, -1e-45f, 3.4e38f,   -3.4e38f,   0.99999994f, 4.0f,   10.0f};
    for (uint64_t bits = 0; bits < (1ull << 32); bits += step)
        all.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    return all;
}

native::UnaryParams params_of(native::Unary op) {
    switch (op) {
        case native::Unary::softplus:
            return {1.5f, 20.0f};
        case native::Unary::leaky_relu:
            return {0.01f, 0};
        case native::Unary::elu:
            return {1.3f, 0};
        case native::Unary::clamp:
            return {-0.5f, 2.0f};
        default:
            return {};
    }
}

struct Error {
    double ulps = 0, absolute = 0, relative_to_x = 0;
};

// Over floats of [least, most]; ulps are of the float nearest the true value, never below the least normal's.
Error error_of(float (*own)(float), long double (*truth)(long double), float least, float most, uint32_t step) {
    Error worst;
    for (uint64_t bits = 0; bits < (1ull << 32); bits += step) {
        float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
        if (!(x >= least && x <= most)) continue;
        long double exact = truth(x);
        double off = static_cast<double>(std::fabs(own(x) - exact));
        double ulp = std::ldexp(1.0, std::max(exact == 0 ? -126 : std::ilogb(exact), -126) - 23);
        worst.ulps = std::max(worst.ulps, off / ulp);
        worst.absolute = std::max(worst.absolute, off);
        worst.relative_to_x = std::max(worst.relative_to_x, off / std::max(1.0, std::fabs(static_cast<double>(x))));
    }
    return worst;
}

}  // namespace

TEST_CASE("native unary operations give their twins' bits at every level") {
    const std::vector<float> x = samples(104729);
    for (native::Unary op : native::kUnaries) {
        const auto n = static_cast<int64_t>(x.size());
        std::vector<float> expected(x.size()), found(x.size());
        twins::unary(op, params_of(op), x.data(), expected.data(), n);
        for (const Tested &level : tested_levels()) {
            level.kernels->unary(op, params_of(op), x.data(), found.data(), n);
            int64_t at = first_difference(expected.data(), found.data(), n);
            CAPTURE(level.name, static_cast<int>(op), at);
            if (at >= 0) FAIL("at " << std::hexfloat << x[at] << ": " << expected[at] << ", found " << found[at]);
            for (int64_t few = 0; few <= 40; ++few) {  // in place, and not past the end
                Guarded<float> y(few);
                for (int64_t j = 0; j < few; ++j) y[j] = x[j];
                level.kernels->unary(op, params_of(op), y.data(), y.data(), few);
                REQUIRE(first_difference(expected.data(), y.data(), few) < 0);
            }
        }
    }
}

TEST_CASE("sines and cosines of angles near and far, side by side, are the twins'") {
    std::vector<float> x;
    for (int i = 0; i < 4096; ++i) x.push_back(static_cast<float>(i - 2048) * 0.0490873852f);  // pi / 64 apart
    for (int i = 0; i < 512; ++i) x.push_back(std::ldexp(static_cast<float>(i % 31 - 15), i % 40 - 20));
    x[700] = kInfinity;
    x[1300] = 0x1p21f;
    x[1301] = -0.0f;
    const auto n = static_cast<int64_t>(x.size());
    std::vector<float> expected(x.size()), found(x.size());
    for (native::Unary op : {native::Unary::sin, native::Unary::cos}) {
        twins::unary(op, {}, x.data(), expected.data(), n);
        for (const Tested &level : tested_levels()) {
            level.kernels->unary(op, {}, x.data(), found.data(), n);
            const int64_t at = first_difference(expected.data(), found.data(), n);
            CAPTURE(level.name, static_cast<int>(op), at);
            REQUIRE(at < 0);
        }
    }
}

TEST_CASE("native binary operations give their twins' bits at every level") {
    Random random(31);
    const float specials[] = {0.0f, -0.0f, kInfinity, -kInfinity, kNaN, 1.0f, -1.0f, 2.0f, 3.0f, 0.5f, -2.0f, 1e-40f};
    const int64_t n = 12 * 12 + 1000;
    Guarded<float> a(n), b(n), expected(n), found(n);
    for (int64_t i = 0; i < n; ++i) {
        a[i] = i < 144 ? specials[i / 12] : random.normal() * 3;
        b[i] = i < 144 ? specials[i % 12] : i % 3 ? random.normal() * 3 : static_cast<float>(random.between(-9, 9));
    }
    for (native::Binary op : native::kBinaries)
        for (int steps = 0; steps < 4; ++steps) {
            const int64_t a_step = steps & 1, b_step = steps >> 1, from = steps == 3 ? 0 : 150;
            twins::binary(op, a.data() + from, a_step, b.data() + from, b_step, expected.data() + from, n - from);
            for (const Tested &level : tested_levels()) {
                level.kernels->binary(op, a.data() + from, a_step, b.data() + from, b_step, found.data() + from,
                                      n - from);
                int64_t at = first_difference(expected.data() + from, found.data() + from, n - from);
                CAPTURE(level.name, static_cast<int>(op), steps, at);
                REQUIRE(at < 0);
            }
        }
    // As C's pow (and torch) has it, in its special cases and to an ulp elsewhere.
    for (int64_t i = 0; i < n; ++i) {
        float own, expected_power = std::pow(a[i], b[i]);
        twins::binary(native::Binary::pow, &a[i], 1, &b[i], 1, &own, 1);
        CAPTURE(a[i], b[i], own, expected_power);
        REQUIRE((same(own, expected_power) || std::fabs(own - expected_power) <= 1.2e-7f * std::fabs(expected_power)));
    }
}

TEST_CASE("the functions' errors are those that README.md states") {
    using L = long double;
    constexpr uint32_t kStep = 4099;
    const float all = std::numeric_limits<float>::max();
    auto report = [](const char *name, Error e) {
        std::printf("%-10s %.3g ulp, %.3g absolute, %.3g of max(1, |x|)\n", name, e.ulps, e.absolute, e.relative_to_x);
        return e;
    };
    REQUIRE(report("exp", error_of(
                              math::exp, [](L x) { return std::exp(x); }, -103.0f, 88.7f, kStep))
                .ulps < 1.1);
    REQUIRE(report("tanh", error_of(
                               math::tanh, [](L x) { return std::tanh(x); }, -all, all, kStep))
                .ulps < 3);
    REQUIRE(report("sigmoid", error_of(
                                  math::sigmoid, [](L x) { return 1 / (1 + std::exp(-x)); }, -87, all, kStep))
                .ulps < 3);
    REQUIRE(report("erf", error_of(
                              math::erf, [](L x) { return std::erf(x); }, -all, all, kStep))
                .ulps < 3);
    Error gelu = error_of(
        math::gelu, [](L x) { return x * 0.5L * std::erfc(-x / std::sqrt(2.0L)); }, -all, all, kStep);
    REQUIRE(report("gelu", gelu).relative_to_x < 1e-7);
    Error gelu_tanh = error_of(
        math::gelu_tanh,
        [](L x) {
            return x / (1 + std::exp(-2 * std::sqrt(2 / 3.14159265358979323846L) * (x + 0.044715L * x * x * x)));
        },
        -all, all, kStep);
    REQUIRE(report("gelu_tanh", gelu_tanh).relative_to_x < 2e-7);
    Error silu = error_of(
        math::silu, [](L x) { return x / (1 + std::exp(-x)); }, -87.0f, all, kStep);
    REQUIRE(report("silu", silu).ulps < 4);
    Error elu = error_of([](float x) { return math::elu(x, 1.0f); }, [](L x) { return x > 0 ? x : std::expm1(x); },
                         -all, all, kStep);
    REQUIRE(report("elu", elu).ulps < 2);
    REQUIRE(math::exp(89.0f) == kInfinity);
    REQUIRE(math::exp(-105.0f) == 0.0f);
    REQUIRE(math::exp(-103.0f) == 1e-45f);
    // The limits at -inf, where torch has NaN.
    REQUIRE(std::fabs(math::gelu(-kInfinity)) < 1e-30f);
    REQUIRE((same(math::silu(-kInfinity), -0.0f) && same(math::gelu_tanh(-kInfinity), -0.0f)));
    REQUIRE((math::gelu(kInfinity) == kInfinity && math::silu(kInfinity) == kInfinity));
    for (auto f : {math::exp, math::tanh, math::sigmoid, math::erf, math::gelu, math::gelu_tanh, math::silu})
        REQUIRE(std::isnan(f(kNaN)));
}

TEST_CASE("a level that is available includes those below it, and has its own table") {
    for (int i = 1; i < native::kLevels; ++i) {
        const auto level = static_cast<native::Level>(i);
        if (!native::available(level)) continue;
        REQUIRE(native::available(static_cast<native::Level>(i - 1)));
        REQUIRE(native::kernels(level).level == level);
        REQUIRE((native::kernels(level).linear_bf16 != nullptr) == (level >= native::Level::avx512_bf16));
    }
    REQUIRE(native::available(native::best_level(true)));
    REQUIRE(native::best_level(false) < native::Level::amx);
    REQUIRE(std::string(native::name_of(native::Level::avx512_vnni)) == "avx512_vnni");
}
