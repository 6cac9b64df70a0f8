// SPDX-License-Identifier: Apache-2.0
#include "model/activation.hpp"

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

TEST_CASE("a probability is within reach wherever its score is within the tolerance") {
    const Isotonic table{{0.0, 0.2, 0.2001, 0.9}, {0.0, 0.1, 0.8, 1.0}};
    const Calibration calibrations[] = {{}, Platt{1.0, 0.0}, Platt{40.0, -3.0}, Platt{-2.0, 1.0}, table};
    for (const auto activation : {Output::Activation::none, Output::Activation::sigmoid})
        for (const Calibration &calibration : calibrations)
            for (const double tolerance : {0.0, 1e-5, 0.05})
                for (int i = 0; i <= 400; ++i) {
                    Output output = make_output(activation, false);
                    output.calibration = calibration;
                    const double logit = (i - 200) / 10.0, shifted = logit + tolerance;
                    float values[] = {static_cast<float>(logit), static_cast<float>(shifted)};
                    const float raw[] = {values[0], values[1]};
                    for (float &value : values) activate(output, &value);
                    if (std::fabs(double{values[0]} - double{values[1]}) > tolerance) continue;
                    const double expected = calibrate(calibration, raw_logit(output, raw[0]), values[0]);
                    const double found = calibrate(calibration, raw_logit(output, raw[1]), values[1]);
                    INFO("score " << values[0] << ", tolerance " << tolerance);
                    CHECK(std::fabs(found - expected) <= probability_reach(output, values[0], tolerance));
                }
}

TEST_CASE("another calibration is out of reach") {
    Output output = make_output(Output::Activation::sigmoid, false);
    output.calibration = Platt{1.0, 8.7};
    CHECK(probability_reach(output, 0.004, 1e-5) < 1e-3);  // and not the 0.96 that it makes of it
    CHECK(probability_reach(make_output(Output::Activation::sigmoid, false), 0.004, 1e-5) < 2e-5);
}
