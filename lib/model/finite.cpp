// SPDX-License-Identifier: Apache-2.0
#include "model/finite.hpp"

#include <cmath>

namespace weighbridge::lib {
namespace {

const char *name_of(double value) { return std::isnan(value) ? "NaN" : value > 0.0 ? "infinity" : "-infinity"; }

}  // namespace

Status not_finite(const Output &output, const float *values) {
    int64_t i = 0;
    while (i + 1 < output.width && std::isfinite(values[i])) ++i;
    const double value = values[i];
    if (output.width == 1)
        return Status::failure(WB_BACKEND_FAILED, "output '{}': expected a finite number from the model, found {}",
                               output.name, name_of(value));
    return Status::failure(WB_BACKEND_FAILED,
                           "output '{}': expected finite numbers from the model, found {} at {} of {}", output.name,
                           name_of(value), i, output.width);
}

Status not_finite(const Output &output, double probability) {
    return Status::failure(WB_BACKEND_FAILED, "output '{}': expected a finite probability after calibration, found {}",
                           output.name, name_of(probability));
}

}  // namespace weighbridge::lib
