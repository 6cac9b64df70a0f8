// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "errors.hpp"

namespace weighbridge::python {

// A weighbridge.Score: one payment's result. A plain type of the interpreter, since one is made for each payment: one
// of pybind11's takes 0.2 us more.
// @param outputs  a dict of arrays, or null
py::object make_score(const wb_result &result, py::object outputs = {});

void register_score(py::module_ &module);

}  // namespace weighbridge::python
