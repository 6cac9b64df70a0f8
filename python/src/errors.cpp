// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

namespace weighbridge::python {
namespace {

PYBIND11_CONSTINIT py::gil_safe_call_once_and_store<py::object> maker;  // weighbridge._error.make

}  // namespace

py::object error_object(const wb::Error &error) {
    return maker.get_stored()(error.code, error.message, error.feature, error.row);
}

void register_errors() {
    maker.call_once_and_store_result([] { return py::module_::import("weighbridge._error").attr("make"); });
    py::register_local_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const wb::Exception &exception) {
            const py::object error = error_object(exception.error());
            py::set_error(py::type::of(error), error);
        }
    });
}

}  // namespace weighbridge::python
