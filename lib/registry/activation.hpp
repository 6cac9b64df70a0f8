// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/manifest.hpp"

namespace weighbridge::lib {

// Applies what forward has not: turns an output's `width` raw floats into what callers get, in place.
void activate(const Output &output, float *values);

// What the calibration's z is for a raw value of this output: itself, or its logit where forward applied a sigmoid.
double raw_logit(const Output &output, float raw);

}  // namespace weighbridge::lib
