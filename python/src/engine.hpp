// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema.hpp"

namespace weighbridge::python {

struct PyEngine {
    wb::Engine engine;
    bool has_threads;  // for what is submitted; without them the host lends its own
};

void register_engine(py::module_ &module);

}  // namespace weighbridge::python
