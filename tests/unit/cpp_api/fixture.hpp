// SPDX-License-Identifier: Apache-2.0
// The fixture bundles, for tests of the C++ API, which see public headers only.
#pragma once

#include <cmath>
#include <cstdlib>
#include <string>

#include "support/catch.hpp"
#include "weighbridge.hpp"

namespace weighbridge::test {

// A bundle of make_fixture's; the build's tests say where in WB_FIXTURES.
inline std::string bundle(const std::string &name = "mlp") {
    const char *directory = std::getenv("WB_FIXTURES");
    REQUIRE(directory);
    return std::string(directory) + "/" + name;
}

inline Engine engine() { return Engine::create({.devices = "cpu=2"}).value(); }

// What the fixture's model gives: sigmoid(0.5 log1p(major units) - 0.25 age + country + online).
inline double expected(int64_t amount_minor, double age_days, double by_country, bool online) {
    double logit = 0.5 * std::log1p(static_cast<double>(amount_minor) / 100.0) - 0.25 * age_days + by_country +
                   (online ? 1.0 : 0.0);
    return 1.0 / (1.0 + std::exp(-logit));
}
inline constexpr double france = 0.5, germany = -0.5, italy = 0.25, elsewhere = 0.125;

struct Payment {
    int64_t amount_minor = 1250;
    std::optional<float> age_days = 2.5f;
    std::string country = "FR";
    bool online = true;
};

inline Binding<Payment> bind(const Schema &schema) {
    return Binding<Payment>::bind(schema, {{"amount_minor", &Payment::amount_minor},
                                           {"age_days", &Payment::age_days},
                                           {"country", &Payment::country},
                                           {"online", &Payment::online}})
        .value();
}

}  // namespace weighbridge::test
