// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

#include <new>
#include <stdexcept>

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
        auto raise = [](const wb::Error &told) {
            const py::object error = error_object(told);
            py::set_error(py::type::of(error), error);
        };
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const wb::Exception &exception) {
            raise(exception.error());
        } catch (const std::bad_alloc &) {
            raise({WB_OUT_OF_MEMORY, "memory could not be had", -1, -1});
        } catch (const std::length_error &) {  // of a container that would be larger than memory
            raise({WB_OUT_OF_MEMORY, "memory could not be had", -1, -1});
        }
    });
}

}  // namespace weighbridge::python
