// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include <string_view>

#include "values.hpp"

namespace weighbridge::python {

BoundSchema::BoundSchema(wb::Schema of) : schema(std::move(of)) {
    for (const wb_feature_info &info : schema.features()) {
        index[info.name] = fields.size();
        fields.push_back({info.offset, static_cast<uint8_t>(info.type), info.is_sequence != 0, nan_is_missing(info)});
    }
}

uint32_t BoundSchema::find(py::handle name) const {
    if (PyObject *found = PyDict_GetItemWithError(index.ptr(), name.ptr()))
        return static_cast<uint32_t>(PyLong_AsUnsignedLong(found));
    PyErr_Clear();  // a name without a hash is no name
    if (!py::isinstance<py::str>(name)) fail(WB_NOT_FOUND, "feature: expected a name (str), got " + type_of(name));
    const py::object bytes = py::reinterpret_steal<py::object>(
        PyUnicode_AsEncodedString(name.ptr(), "utf-8", "backslashreplace"));  // a lone surrogate has no UTF-8
    if (!bytes) throw py::error_already_set();
    return schema.find(std::string_view(py::reinterpret_borrow<py::bytes>(bytes))).value();
}

wb::Source source_of(const Files &files) {
    wb::Source source = wb::Source::create().value();
    for (const auto &[name, content] : files) source.add(name, std::string_view(content)).value();
    return source;
}

namespace {

py::dict describe(const BoundSchema &bound, uint32_t index) {
    const wb_feature_info &info = bound.schema.features()[index];
    py::dict out;
    out["name"] = info.name;
    out["type"] = wb_type_name(info.type);
    out["is_sequence"] = info.is_sequence != 0;
    out["required"] = info.required != 0;
    out["is_private"] = info.is_private != 0;
    out["nan_is_missing"] = info.nan_is_missing != 0;
    out["ticks_per_second"] = info.ticks_per_second;
    out["currency"] = info.currency;
    out["money_exponent"] = info.money_exponent;
    out["minimum"] = info.minimum;
    out["maximum"] = info.maximum;
    out["vocabulary_size"] = info.vocabulary_size;
    out["max_tokens"] = info.max_tokens;
    out["privacy"] = info.privacy;
    out["zone"] = info.zone;
    out["default"] = py::none();
    if (!info.required && !info.is_sequence) {
        const bool number = info.type == WB_TYPE_FLOAT32 || info.type == WB_TYPE_FLOAT64 || info.type == WB_TYPE_BOOL;
        if (auto text = bound.schema.default_text(index))
            out["default"] = *text;
        else if (number)
            out["default"] = info.default_number;
        else
            out["default"] = info.default_integer;
    }
    return out;
}

py::dict describe(const wb_tensor_info &info) {
    constexpr const char *kNames[] = {"float32", "float32", "float64", "int64", "int32", "bool"};
    py::dict out;
    out["name"] = info.name;
    out["dtype"] = kNames[info.dtype];
    out["shape"] = py::tuple(py::cast(std::vector<int64_t>(info.shape, info.shape + info.rank)));
    return out;
}

template <class Read>
py::list list_of(uint32_t count, Read read) {
    py::list out;
    for (uint32_t i = 0; i < count; ++i) out.append(read(i));
    return out;
}

}  // namespace

void register_schema(py::module_ &module) {
    py::class_<BoundSchema, std::shared_ptr<BoundSchema>>(module, "Schema")
        .def(py::init(
                 [](const std::string &path) { return std::make_shared<BoundSchema>(wb::Schema::load(path).value()); }),
             py::arg("path"))
        .def(py::init([](const Files &files) {
                 return std::make_shared<BoundSchema>(wb::Schema::load(source_of(files)).value());
             }),
             py::arg("files"))
        .def_property_readonly("digest", [](const BoundSchema &bound) { return bound.schema.digest(); })
        .def_property_readonly("fixed_bytes", [](const BoundSchema &b) { return b.schema.info().fixed_bytes; })
        .def_property_readonly("max_length", [](const BoundSchema &b) { return b.schema.info().max_length; })
        .def("find", &BoundSchema::find, py::arg("name"))
        .def("features",
             [](const BoundSchema &bound) {
                 return list_of(bound.schema.info().feature_count, [&](uint32_t i) { return describe(bound, i); });
             })
        .def("tensors",
             [](const BoundSchema &bound) {
                 return list_of(bound.schema.info().tensor_count,
                                [&](uint32_t i) { return describe(bound.schema.tensor(i).value()); });
             })
        .def("outputs",
             [](const BoundSchema &bound) {
                 return list_of(bound.schema.info().output_count,
                                [&](uint32_t i) { return describe(bound.schema.output(i).value()); });
             })
        .def(
            "find_output",
            [](const BoundSchema &bound, const std::string &name) { return bound.schema.find_output(name).value(); },
            py::arg("name"))
        .def("bands", [](const BoundSchema &bound) {
            return list_of(bound.schema.info().band_count, [&](uint32_t i) {
                const wb_band_info band = bound.schema.band(i).value();
                return py::make_tuple(std::string(band.name), band.below);
            });
        });
}

}  // namespace weighbridge::python
