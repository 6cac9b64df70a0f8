// SPDX-License-Identifier: Apache-2.0
#include "registry/activation.hpp"

#include <cmath>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

Output make_output(Output::Activation activation, bool applied, int64_t width = 1) {
    Output output;
    output.activation = activation;
    output.activation_applied = applied;
    output.width = width;
    output.shape = {width > 1 ? 2 : 1, {kBatch, width}};
    return output;
}

}  // namespace

TEST_CASE("an activation that forward has applied is left alone") {
    for (auto activation : {Output::Activation::none, Output::Activation::sigmoid, Output::Activation::softmax}) {
        float values[2] = {0.25f, 3.0f};
        activate(make_output(activation, true, 2), values);
        CHECK(values[0] == 0.25f);
        CHECK(values[1] == 3.0f);
    }
}

TEST_CASE("a sigmoid and a softmax that are the library's to apply") {
    float logit = -1.5f;
    activate(make_output(Output::Activation::sigmoid, false), &logit);
    CHECK(logit == Approx(1.0 / (1.0 + std::exp(1.5))));
    float classes[3] = {1.0f, 2.0f, 90.0f};
    activate(make_output(Output::Activation::softmax, false, 3), classes);
    CHECK(classes[2] == 1.0f);
    CHECK(classes[0] + classes[1] < 1e-30f);
}

// The calibration that a training script fits on logits is the same function whoever applied the sigmoid.
TEST_CASE("Platt's z is the logit, also of a sigmoid that forward applied") {
    Calibration platt = Platt{1.7, -0.3};
    for (double z : {-6.0, -0.5, 0.0, 2.0, 8.0}) {
        double p = 1.0 / (1.0 + std::exp(-z));
        double expected = 1.0 / (1.0 + std::exp(-(1.7 * z - 0.3)));
        auto raw = make_output(Output::Activation::sigmoid, false);
        auto applied = make_output(Output::Activation::sigmoid, true);
        CHECK(calibrate(platt, raw_logit(raw, static_cast<float>(z)), p) == Approx(expected).epsilon(1e-6));
        CHECK(calibrate(platt, raw_logit(applied, static_cast<float>(p)), p) == Approx(expected).epsilon(1e-4));
    }
    auto none = make_output(Output::Activation::none, true);
    CHECK(raw_logit(none, 2.5f) == 2.5);
}
