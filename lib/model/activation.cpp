// SPDX-License-Identifier: Apache-2.0
#include "model/activation.hpp"

#include <algorithm>
#include <cmath>

#include "base/numerics.hpp"

namespace weighbridge::lib {
namespace {

// Over the last size; the exponentials are summed in ascending order, in double.
void softmax(float *values, int64_t count) {
    float largest = values[0];
    for (int64_t i = 1; i < count; ++i) largest = values[i] > largest ? values[i] : largest;
    double sum = 0.0;
    for (int64_t i = 0; i < count; ++i) sum += numerics::exp(static_cast<double>(values[i]) - largest);
    for (int64_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(numerics::exp(static_cast<double>(values[i]) - largest) / sum);
}

double logit(double probability) { return numerics::log(probability / (1.0 - probability)); }

}  // namespace

void activate(const Output &output, float *values) {
    if (output.activation_applied) return;
    switch (output.activation) {
        case Output::Activation::none:
            return;
        case Output::Activation::sigmoid:
            for (int64_t i = 0; i < output.width; ++i)
                values[i] = static_cast<float>(numerics::sigmoid(static_cast<double>(values[i])));
            return;
        case Output::Activation::softmax: {
            int64_t last = output.shape.rank > 1 ? output.shape.size[output.shape.rank - 1] : 1;
            for (int64_t i = 0; i < output.width; i += last) softmax(values + i, last);
            return;
        }
    }
}

double raw_logit(const Output &output, float raw) {
    double value = raw;
    if (output.activation != Output::Activation::sigmoid || !output.activation_applied) return value;
    return logit(value);
}

double probability_reach(const Output &output, double score, double tolerance) {
    constexpr double kFloatStep = 0x1p-23;  // of a float32, relative to it
    constexpr double kRounding = 1e-9;      // of what is done in double
    const bool sigmoid = output.activation == Output::Activation::sigmoid;
    const auto probability = [&](double at) {
        if (sigmoid) at = std::clamp(at, 0.0, 1.0);
        return calibrate(output.calibration, sigmoid ? logit(at) : at, at);
    };
    const double away = tolerance + std::fabs(score) * kFloatStep, middle = probability(score);
    return std::max(std::fabs(probability(score - away) - middle), std::fabs(probability(score + away) - middle)) +
           kRounding;
}

}  // namespace weighbridge::lib
