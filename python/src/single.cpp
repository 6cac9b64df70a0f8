// SPDX-License-Identifier: Apache-2.0
#include "single.hpp"

#include <pybind11/numpy.h>

#include <limits>
#include <vector>

#include "call.hpp"
#include "gil.hpp"
#include "score.hpp"
#include "values.hpp"

namespace weighbridge::python {

OneRow::OneRow(const SchemaPtr &bound, py::handle data) {
    if (py::isinstance<PyRow>(data)) {
        PyRow &given = py::cast<PyRow &>(data);
        use_.emplace(given.mark, "row");
        row_ = &given.row;
        return;
    }
    row_ = &own_.emplace(bound->schema);
    if (PyDict_Check(data.ptr()))
        set_dict(*row_, *bound, py::reinterpret_borrow<py::dict>(data));
    else
        set_vector(*row_, *bound, py::reinterpret_borrow<py::array>(data));
}

namespace {

// None where the call is not to wait and would have to.
py::object scored(const Target &target, void *row, int64_t deadline, wb_call *call, py::object arrays = {}) {
    wb_result result = WB_RESULT_INIT;
    wb_error err;  // written where the call fails
    err.struct_size = sizeof err;
    int32_t status = 0;
    {
        const Released released;
        status = target.score(&result, row, deadline, call, &err);
    }
    if (status == WB_WOULD_WAIT && call == inline_call()) return py::none();
    check(status, err);
    return make_score(result, std::move(arrays));
}

}  // namespace

wb_call *inline_call() {
    thread_local const wb::Call call = [] {
        wb::Call made = wb::Call::create().value();
        made.wait(false).value();
        return made;
    }();
    return call.get();
}

py::object score_row(const Target &target, PyRow &row, py::handle timeout, py::handle deadline_ns, wb_call *call) {
    const InUse use(row.mark, "row");
    return scored(target, row.row.data(), deadline_of(timeout, deadline_ns), call);
}

py::object score_one(const Target &target, const std::shared_ptr<BoundSchema> &bound, py::handle data,
                     py::handle timeout, py::handle deadline_ns, wb_call *call) {
    OneRow row(bound, data);
    return scored(target, row.data(), deadline_of(timeout, deadline_ns), call);
}

namespace {

// Arrays that the library writes the outputs to, placed on the call.
py::dict place(const BoundSchema &bound, const std::vector<uint32_t> &outputs, wb::Call &call) {
    py::dict arrays;
    for (uint32_t index : outputs) {
        const wb_tensor_info info = bound.schema.output(index).value();
        py::array_t<float> array(std::vector<py::ssize_t>(info.shape + 1, info.shape + info.rank));
        const auto size = static_cast<size_t>(array.size());
        float *data = array.mutable_data();
        std::fill_n(data, size, std::numeric_limits<float>::quiet_NaN());
        call.output(index, {data, size}).value();
        arrays[info.name] = array;
    }
    return arrays;
}

py::object score_with(const Target &target, const std::shared_ptr<BoundSchema> &bound, py::handle data,
                      py::handle timeout, py::handle deadline_ns, const std::vector<uint32_t> &outputs, bool fallback,
                      bool high) {
    OneRow row(bound, data);
    wb::Call call = Options{fallback, high}.made();
    py::dict arrays = place(*bound, outputs, call);
    return scored(target, row.data(), deadline_of(timeout, deadline_ns), call.get(), std::move(arrays));
}

}  // namespace

void register_single(py::module_ &module) {
    module.def(
        "score_one",
        [](const Target &target, const std::shared_ptr<BoundSchema> &bound, py::handle data, py::handle timeout,
           py::handle deadline_ns) { return score_one(target, bound, data, timeout, deadline_ns, nullptr); },
        py::arg("target"), py::arg("schema"), py::arg("data"), py::arg("timeout"), py::arg("deadline_ns"));
    module.def("score_with", &score_with, py::arg("target"), py::arg("schema"), py::arg("data"), py::arg("timeout"),
               py::arg("deadline_ns"), py::arg("outputs"), py::arg("fallback"), py::arg("high"));
}

}  // namespace weighbridge::python
