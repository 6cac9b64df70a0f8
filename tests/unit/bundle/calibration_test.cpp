// SPDX-License-Identifier: Apache-2.0
#include "bundle/calibration.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("no calibration gives the score") { CHECK(calibrate({}, 3.0, 0.25) == 0.25); }

TEST_CASE("platt is a sigmoid of the value before the activation") {
    CHECK(calibrate(Platt{2.0, -1.0}, 0.5, 0.9) == 0.5);
    CHECK(calibrate(Platt{1.0, 0.0}, 1.0, 0.0) == Approx(0.7310585786300049).epsilon(1e-14));
    CHECK(calibrate(Platt{-1.0, 0.0}, 1.0, 0.0) == Approx(0.2689414213699951).epsilon(1e-14));
}

TEST_CASE("platt survives the logits of 0 and 1") {
    CHECK(calibrate(Platt{1.0, 0.0}, -kInfinity, 0.0) == 0.0);
    CHECK(calibrate(Platt{1.0, 0.0}, kInfinity, 1.0) == 1.0);
    CHECK(calibrate(Platt{0.0, 0.0}, kInfinity, 1.0) == 0.5);
}

TEST_CASE("platt keeps NaN and survives large values") {
    CHECK(std::isnan(calibrate(Platt{1.0, 0.0}, kNan, kNan)));
    CHECK(std::isnan(calibrate(Platt{0.0, 0.0}, kNan, kNan)));
    CHECK(calibrate(Platt{1e300, 0.0}, -1e300, 0.0) == 0.0);
}

TEST_CASE("isotonic is linear between points and constant beyond them") {
    const Isotonic table{{0.0, 0.5, 1.0}, {0.1, 0.1, 0.9}};
    CHECK(calibrate(table, 9.0, -1.0) == 0.1);
    CHECK(calibrate(table, 9.0, 0.0) == 0.1);
    CHECK(calibrate(table, 9.0, 0.25) == 0.1);
    CHECK(calibrate(table, 9.0, 0.5) == 0.1);
    CHECK(calibrate(table, 9.0, 0.75) == Approx(0.5).epsilon(1e-14));
    CHECK(calibrate(table, 9.0, 1.0) == 0.9);
    CHECK(calibrate(table, 9.0, kInfinity) == 0.9);
    CHECK(std::isnan(calibrate(table, 9.0, kNan)));
}

TEST_CASE("isotonic never falls") {
    const Isotonic table{{0.0, 1e-300, 0.3, 0.30000000000000004, 1.0}, {0.0, 0.1, 0.2, 0.7, 0.7000000000000001}};
    double before = 0.0;
    for (int i = 0; i <= 10000; ++i) {
        const double now = calibrate(table, 0.0, i / 10000.0);
        REQUIRE(now >= before);
        before = now;
    }
}

TEST_CASE("bands: the first that lies above the probability") {
    const std::vector<Band> bands = {{"approve", 0.02}, {"review", 0.3}, {"decline", kInfinity}};
    CHECK(band_of(bands, -1.0) == 0);
    CHECK(band_of(bands, 0.0199) == 0);
    CHECK(band_of(bands, 0.02) == 1);
    CHECK(band_of(bands, 0.3) == 2);
    CHECK(band_of(bands, kInfinity) == 2);
    CHECK(band_of(bands, kNan) == -1);
    CHECK(band_of({}, 0.5) == -1);
}
