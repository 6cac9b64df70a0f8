// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/manifest.hpp"

namespace weighbridge::lib {

// Applies what forward has not: turns an output's `width` raw floats into what callers get, in place.
void activate(const Output &output, float *values);

// What the calibration's z is for a raw value of this output: itself, or its logit where forward applied a sigmoid.
double raw_logit(const Output &output, float raw);

// How far the probability may be from that of a score which itself may be `tolerance` away: what the calibration makes
// of it, which is monotone, and the rounding of the score to float32.
double probability_reach(const Output &output, double score, double tolerance);

}  // namespace weighbridge::lib
