// SPDX-License-Identifier: Apache-2.0
#include "registry/activation.hpp"

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
    return numerics::log(value / (1.0 - value));
}

}  // namespace weighbridge::lib
