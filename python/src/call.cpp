// SPDX-License-Identifier: Apache-2.0
#include "call.hpp"

namespace weighbridge::python {

int64_t deadline_of(py::handle timeout, py::handle deadline_ns) {
    if (timeout.is_none()) {
        if (deadline_ns.is_none()) return WB_DEFAULT_DEADLINE;
        const long long at = PyLong_AsLongLong(deadline_ns.ptr());
        if (at != -1 || !PyErr_Occurred()) return at;
        PyErr_Clear();
        fail(WB_INVALID_ARGUMENT, "deadline_ns: expected an int of time.monotonic_ns(), got " + type_of(deadline_ns));
    }
    if (!deadline_ns.is_none()) fail(WB_INVALID_ARGUMENT, "expected timeout or deadline_ns, got both");
    const double seconds = PyFloat_AsDouble(timeout.ptr());
    if (seconds == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        fail(WB_INVALID_ARGUMENT, "timeout: expected seconds, got " + type_of(timeout));
    }
    if (seconds != seconds) fail(WB_INVALID_ARGUMENT, "timeout: expected seconds, got NaN");
    return wb::Deadline(std::chrono::duration<double>(seconds)).ns();
}

int64_t deadline_of(const py::kwargs &options) {
    py::handle timeout = py::none(), deadline_ns = timeout;
    for (const auto &[name, value] : options) {
        const std::string text = py::str(name);
        if (text == "timeout")
            timeout = value;
        else if (text == "deadline_ns")
            deadline_ns = value;
        else
            fail(WB_INVALID_ARGUMENT, "expected timeout or deadline_ns, got '" + text + "'");
    }
    return deadline_of(timeout, deadline_ns);
}

wb::Call Options::made() const {
    wb::Call call = wb::Call::create().value();
    if (!fallback) call.accept_fallback(false).value();
    if (high) call.priority(wb::Priority::high).value();
    return call;
}

}  // namespace weighbridge::python
