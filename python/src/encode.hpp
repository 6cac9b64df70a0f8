// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace weighbridge::python {

void register_encode(pybind11::module_ &module);

}  // namespace weighbridge::python
