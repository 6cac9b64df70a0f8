// SPDX-License-Identifier: Apache-2.0
// The model of tensor cores against another way to compute it, and what devices are checked with: each other model that
// was thought of shows.
#include <climits>
#include <cmath>
#include <vector>

#include "backend/cuda/tensor_check.hpp"
#include "cuda/device_run.hpp"
#include "support/cuda_sim/control.hpp"

namespace {

using namespace cuda_kernels;
namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;

// The same in double, as the papers put it, with what they rule out.
struct InDouble {
    int block = 16, fraction = 25;
    bool nearest = false;     // the result
    bool normalised = false;  // products, before they are aligned
    bool sum_last = false;    // the sum is added to a block's products, rounded by themselves
    bool flushes = false;     // denormal sums count as zeros

    float multiplied(const uint16_t *a, const uint16_t *b, float sum) const {
        for (int i = 0; i < lib::kTensorStep; i += block) sum = add_block(a + i, b + i, sum);
        return sum;
    }

  private:
    static int exponent_of(double x) { return std::clamp(std::ilogb(x), -126, 1024); }  // of an infinity INT_MAX
    double cut(const std::vector<double> &terms, const std::vector<int> &exponents) const {
        int top = INT_MIN;
        for (size_t i = 0; i < terms.size(); ++i)
            if (terms[i] != 0) top = std::max(top, exponents[i]);
        double all = 0;
        for (double term : terms)
            if (term != 0) all += std::ldexp(std::trunc(std::ldexp(term, fraction - top)), top - fraction);
        return all;
    }
    float as_float(double x) const {
        if (nearest || x == 0 || !std::isfinite(x)) return static_cast<float>(x) + 0.0f;
        const int last = exponent_of(x) - 23;
        return static_cast<float>(std::ldexp(std::trunc(std::ldexp(x, -last)), last));
    }
    float add_block(const uint16_t *a, const uint16_t *b, float sum) const {
        if (flushes && std::fabs(sum) < 0x1p-126f) sum = 0;
        std::vector<double> terms;
        std::vector<int> exponents;
        double all = sum;
        for (int i = 0; i < block; ++i) {
            const double x = lib::from_bf16(a[i]), y = lib::from_bf16(b[i]);
            all += x * y;
            terms.push_back(x * y);
            exponents.push_back(normalised ? std::ilogb(x * y) : exponent_of(x) + exponent_of(y));
        }
        if (!std::isfinite(all)) return static_cast<float>(all);
        if (sum_last) return as_float(static_cast<double>(as_float(cut(terms, exponents))) + sum);
        terms.push_back(sum);
        exponents.push_back(exponent_of(sum));
        return as_float(cut(terms, exponents));
    }
};

// What a device of such a model answers to the vectors.
template <class Model>
std::vector<float> answers(const cuda::TensorVectors &vectors, const Model &model) {
    std::vector<float> found(vectors.sums.size());
    for (size_t at = 0; at < found.size(); ++at) {
        const size_t lane = at / 4 % 32, first = at / 4 - lane, row = lane / 4, column = lane % 4 * 2 + at % 2;
        uint16_t x[16], y[16];
        for (size_t k = 0; k < 16; ++k) {
            x[k] = static_cast<uint16_t>(vectors.a[(first + row * 4 + k % 8 / 2) * 4 + k / 8 * 2 + at % 4 / 2] >>
                                         (k % 2 * 16));
            y[k] = static_cast<uint16_t>(vectors.b[(first + column * 4 + k % 8 / 2) * 2 + k / 8] >> (k % 2 * 16));
        }
        found[at] = model.multiplied(x, y, vectors.sums[at]);
    }
    return found;
}

}  // namespace

TEST_CASE("tensor cores' sums are those that doubles give") {
    Random random(71);
    int64_t infinite = 0, denormal = 0;
    for (int i = 0; i < 40'000; ++i) {
        const lib::TensorSums sums = lib::kTensorFamilies[i % 2].sums;
        const InDouble other{.block = sums.block, .fraction = sums.fraction};
        const bool small = i % 4 == 0;  // results that are denormal
        const auto spread = small ? 2 : static_cast<int>(random.between(0, 60));
        const auto about = small ? -60 : static_cast<int>(random.between(-60, 64));
        auto number = [&](int least) {
            const int exponent = about + static_cast<int>(random.between(-spread, spread)) / 2;
            return static_cast<float>(std::ldexp(random.normal(), std::clamp(exponent, least, 126)));
        };
        uint16_t a[16], b[16];
        for (int k = 0; k < 16; ++k) {
            a[k] = lib::tensor_operand(lib::to_bf16(number(-58)));
            b[k] = k % 2 && (small || random.between(0, 1)) ? static_cast<uint16_t>(b[k - 1] ^ 0x8000)
                                                            : lib::tensor_operand(lib::to_bf16(number(-58)));
            if (k % 2 && (small || random.between(0, 1))) a[k] = a[k - 1];
        }
        const float sum = small ? static_cast<float>(std::ldexp(random.normal(), -130)) : number(-140);
        const float expected = other.multiplied(a, b, sum), found = lib::multiplied(sums, a, b, sum);
        CAPTURE(i, sums.block, expected, found, sum);
        if (!same(expected, found)) FAIL("the two differ");
        infinite += std::isinf(found) ? 1 : 0;
        denormal += found != 0 && std::fabs(found) < 0x1p-126f ? 1 : 0;
    }
    REQUIRE(infinite > 100);
    REQUIRE(denormal > 20);
}

TEST_CASE("a sum of zero is +0, and infinities and NaNs are those of IEEE 754") {
    const lib::TensorSums sums = lib::kTensorFamilies[1].sums;
    const uint16_t one = 0x3F80, minus = 0xBF80, infinity = 0x7F80, nan = 0x7FC0, zero = 0x8000;
    auto of = [&](uint16_t a0, uint16_t b0, uint16_t a1, uint16_t b1, float sum) {
        const uint16_t a[16] = {a0, a1}, b[16] = {b0, b1};
        return lib::multiplied(sums, a, b, sum);
    };
    for (float result : {of(zero, one, zero, one, -0.0f), of(one, one, minus, one, -0.0f), of(one, minus, 0, 0, 1.0f)})
        REQUIRE((result == 0 && !std::signbit(result)));
    REQUIRE(of(infinity, minus, one, one, 1.0f) == -INFINITY);
    REQUIRE(std::isnan(of(infinity, one, infinity, minus, 0.0f)));
    REQUIRE(std::isnan(of(infinity, 0, one, one, 0.0f)));
    REQUIRE(std::isnan(of(nan, one, 0, 0, 0.0f)));
    REQUIRE(of(0x7F00, one, 0x7F00, one, 0.0f) == INFINITY);  // 2^127 twice
    REQUIRE(of(one, one, 0, 0, 0x1p-24f) == 1.0f);
    REQUIRE(of(one, one, 0, 0, 0x1.8p-24f) == 1.0f);  // cut, not rounded
}

TEST_CASE("operands below 2^-60 are zeros, and others the nearest bf16") {
    for (uint32_t bits = 1; bits > 0 && bits + 0x10001u > bits; bits += 0x10001u) {
        const float x = std::bit_cast<float>(bits);
        const uint16_t near = lib::to_bf16(x);
        const bool small = std::fabs(lib::from_bf16(near)) < 0x1p-60f;
        if (lib::tensor_operand(x) != (small ? 0 : near)) FAIL("at " << bits);
    }
}

TEST_CASE("a device that sums otherwise does not pass for a family") {
    const auto vectors = cuda::TensorVectors::make();
    std::vector<InDouble> others;
    for (int block : {4, 8, 16})
        for (int fraction = 23; fraction <= 26; ++fraction) others.push_back({.block = block, .fraction = fraction});
    for (const auto &family : lib::kTensorFamilies) {
        const InDouble as{.block = family.sums.block, .fraction = family.sums.fraction};
        for (auto change : {&InDouble::nearest, &InDouble::normalised, &InDouble::sum_last, &InDouble::flushes}) {
            others.push_back(as);
            others.back().*change = true;
        }
    }
    int matching = 0;
    for (const InDouble &other : others) {
        const auto found = answers(vectors, other);
        for (const auto &family : lib::kTensorFamilies) {
            const int64_t differing = vectors.differing(family.sums, found);
            const bool own = other.block == family.sums.block && other.fraction == family.sums.fraction &&
                             !other.nearest && !other.normalised && !other.sum_last && !other.flushes;
            CAPTURE(family.name, other.block, other.fraction, other.nearest, other.normalised, other.sum_last,
                    other.flushes, differing);
            if (own) REQUIRE(differing == 0);
            if (!own) REQUIRE(differing >= 8);
            matching += own ? 1 : 0;
        }
    }
    REQUIRE(matching == 2);
}

TEST_CASE("the kernel that devices are checked with multiplies the vectors") {
    const auto vectors = cuda::TensorVectors::make();
    REQUIRE(vectors.count() == 64);
    for (const auto &family : lib::kTensorFamilies) {
        cuda_sim::set_tensor_sums(family.sums.block, family.sums.fraction);
        std::vector<float> found(vectors.sums.size(), NAN);
        launch("wb_check_tensor",
               CheckTensor{vectors.count(), vectors.a.data(), vectors.b.data(), vectors.sums.data(), found.data()},
               {5, 1, 1}, 0, cuda_sim::Order::shuffled);
        for (const auto &of : lib::kTensorFamilies) {
            CAPTURE(family.name, of.name);
            REQUIRE((vectors.differing(of.sums, found) == 0) == (&of == &family));
        }
    }
}
