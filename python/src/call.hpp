// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "schema.hpp"

namespace weighbridge::python {

// When an answer is due, from `timeout` (seconds from now) or `deadline_ns` (of time.monotonic_ns()); the engine's own
// where both are None.
int64_t deadline_of(py::handle timeout, py::handle deadline_ns);
int64_t deadline_of(const py::kwargs &options);

// What a call asks for beyond its deadline.
struct Options {
    bool fallback = true;
    bool high = false;

    wb::Call made() const;
};

}  // namespace weighbridge::python
