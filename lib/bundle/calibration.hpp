// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace weighbridge::lib {

// From a score to a probability. lib/bundle/README.md has the formulas.
struct Platt {
    double a = 1.0, b = 0.0;  // sigmoid(a * z + b), z the value before any activation
};
struct Isotonic {
    std::vector<double> x, y;  // piecewise linear in the score, constant beyond the ends
};
using Calibration = std::variant<std::monostate, Platt, Isotonic>;

// `raw` is the value before any activation (where forward applies a sigmoid itself: the logit of its value), `score`
// the same after the activation.
double calibrate(const Calibration &calibration, double raw, double score);

struct Band {
    std::string name;
    double below = 0.0;  // the first band whose `below` exceeds the probability; the last has infinity
};

// Index of the band of a probability; -1 where there are none or the probability is NaN.
int32_t band_of(const std::vector<Band> &bands, double probability);

}  // namespace weighbridge::lib
