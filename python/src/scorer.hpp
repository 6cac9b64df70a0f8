// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace weighbridge::python {

// weighbridge._native.Scorer, the base of Model and Slot in Python: one payment is scored without a step of the
// interpreter in between, which would take as long as the rest of the call.
void register_scorer(pybind11::module_ &module);

}  // namespace weighbridge::python
