// SPDX-License-Identifier: Apache-2.0
// Errors on their way to Python: whatever fails throws wb::Exception, which register_errors() makes the subclass of
// weighbridge.Error that _error.py has for its code.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>  // here, so that every file converts alike

#include <cstdint>
#include <string>

#include "weighbridge.hpp"

namespace weighbridge::python {

namespace py = pybind11;
namespace wb = weighbridge;

[[noreturn]] inline void fail(int32_t code, const std::string &message, int32_t feature = -1, int64_t row = -1) {
    throw wb::Exception(wb::Error{code, message, feature, row});
}

inline void check(int32_t status, const wb_error &err) {
    if (status < 0) fail(status, err.message, err.feature, err.row);
}

// An error that is handed over instead of raised, as of an asynchronous call.
py::object error_object(const wb::Error &error);

void register_errors();

// "int", "numpy.ndarray": what was found, for messages.
inline std::string type_of(py::handle value) {
    PyTypeObject *type = Py_TYPE(value.ptr());
    return type->tp_name;
}

}  // namespace weighbridge::python
