// SPDX-License-Identifier: Apache-2.0
#include "row.hpp"

#include "values.hpp"

namespace weighbridge::python {
namespace {

constexpr const char *kRow = "row";

void set_all(PyRow &self, py::handle values) {
    if (!PyDict_Check(values.ptr())) fail(WB_INVALID_INPUT, "expected a dict of features, got " + type_of(values));
    const InUse use(self.mark, kRow);
    set_dict(self.row, *self.bound, py::reinterpret_borrow<py::dict>(values));
}

void set_json(PyRow &self, py::handle text) {
    py::list kept;
    std::string_view json;
    if (PyUnicode_Check(text.ptr()))
        json = utf8_of(text, kept);
    else if (PyBytes_Check(text.ptr()))
        json = std::string_view(py::reinterpret_borrow<py::bytes>(text));
    else
        fail(WB_INVALID_INPUT, "expected JSON as str or bytes, got " + type_of(text));
    const InUse use(self.mark, kRow);
    self.row.set_json(json).value();
}

std::string json_of(PyRow &self) {
    const InUse use(self.mark, kRow);
    return self.row.json().value();
}

}  // namespace

void register_row(py::module_ &module) {
    py::class_<PyRow>(module, "Row", py::is_final(), "A reusable row of a model's features, for one thread at a time.")
        .def(py::init([](const std::shared_ptr<BoundSchema> &schema, uint32_t tail_bytes) {
                 return std::make_unique<PyRow>(schema, tail_bytes);
             }),
             py::arg("schema"), py::arg("tail_bytes") = 512)
        .def(
            "__setitem__",
            [](PyRow &self, py::handle name, py::handle value) {
                const InUse use(self.mark, kRow);
                set_value(self.row, *self.bound, self.bound->find(name), value);
            },
            py::arg("name"), py::arg("value"))
        .def(
            "__delitem__",
            [](PyRow &self, py::handle name) {
                const InUse use(self.mark, kRow);
                self.row.set(self.bound->find(name), std::nullopt).value();
            },
            py::arg("name"), "Makes the feature missing.")
        .def("update", &set_all, py::arg("values"), "Sets what the dict names; the other features stay.")
        .def("set_json", &set_json, py::arg("text"), "Sets features from a JSON object; wb_row_set_json has the rules.")
        .def(
            "clear",
            [](PyRow &self) {
                const InUse use(self.mark, kRow);
                self.row.clear();
            },
            "Makes every feature missing.")
        .def_property_readonly(
            "address", [](PyRow &self) { return reinterpret_cast<uintptr_t>(self.row.data()); },
            "Where the row lies, until a feature is set.")
        .def("json", &json_of, "The features as JSON; those with a privacy class are redacted.")
        .def("__repr__", [](PyRow &self) { return "Row(" + json_of(self) + ")"; })
        .def(
            "__bytes__",
            [](PyRow &self) {
                const InUse use(self.mark, kRow);
                return py::bytes(reinterpret_cast<const char *>(self.row.data()), self.row.header().used);
            },
            "The row's bytes in the published layout, up to `used`.");
}

}  // namespace weighbridge::python
