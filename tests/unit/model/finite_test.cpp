// SPDX-License-Identifier: Apache-2.0
#include "model/finite.hpp"

#include <limits>
#include <vector>

#include "support/catch.hpp"

using namespace weighbridge::lib;

TEST_CASE("a number that is not finite is found at every place of every width", "[finite]") {
    using Limits = std::numeric_limits<float>;
    const float good[] = {0.0F, -0.0F, Limits::denorm_min(), Limits::min(), 1.0F, Limits::max(), Limits::lowest()};
    const float bad[] = {Limits::infinity(),   -Limits::infinity(),     Limits::quiet_NaN(),
                         -Limits::quiet_NaN(), Limits::signaling_NaN(), std::bit_cast<float>(0xFF800001U)};
    for (size_t width = 1; width <= 70; ++width) {
        std::vector<float> values(width);
        for (size_t i = 0; i < width; ++i) values[i] = good[i % std::size(good)];
        CHECK(all_finite(values.data(), static_cast<int64_t>(width)));
        for (size_t at = 0; at < width; ++at) {
            const float kept = values[at];
            for (float one : bad) {
                std::memcpy(&values[at], &one, sizeof one);
                CHECK(!all_finite(values.data(), static_cast<int64_t>(width)));
            }
            values[at] = kept;
        }
    }
    CHECK(all_finite(nullptr, 0));
}
