// SPDX-License-Identifier: Apache-2.0
// weighbridge._native: the C ABI for Python. Only what needs the ABI is here; checks of Python values are in
// weighbridge/__init__.py. Every call that may wait releases the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "weighbridge.hpp"

namespace py = pybind11;
namespace wb = weighbridge;

namespace {

// The column of one feature, as weighbridge/__init__.py hands it over, which sees to the types. `data` is an array of
// numbers or bools for scalars, read where it is; a list for texts and sequences: each element a contiguous array of
// the stored type, a str, a list of str, or None where it is missing.
struct PythonColumn {
    uint32_t feature;
    py::object data;
    std::optional<py::array_t<uint8_t>> validity;  // bit i%8 of byte i/8; of scalars
};

// What a batch reads for texts and sequences: views of memory that Python objects keep alive.
struct Views {
    std::vector<wb_view> rows;
    std::vector<uint8_t> validity;
    std::deque<std::vector<wb_view>> elements;  // of sequences of texts
};

wb_view text_view(py::handle text) {
    Py_ssize_t size = 0;
    const char *data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (data == nullptr) throw py::error_already_set();
    return {data, size};
}

wb_view number_view(py::handle value) {
    auto array = py::reinterpret_borrow<py::array>(value);
    return {array.data(), array.size()};
}

wb_view texts_view(py::handle list, Views &views) {
    auto &elements = views.elements.emplace_back();
    for (py::handle text : py::reinterpret_borrow<py::list>(list)) elements.push_back(text_view(text));
    return {elements.data(), static_cast<int64_t>(elements.size())};
}

void set_views(wb::Batch &batch, const PythonColumn &column, Views &views) {
    py::list list = py::reinterpret_borrow<py::list>(column.data);
    const wb_feature_info &feature = batch.schema().features()[column.feature];
    bool texts = feature.type == WB_TYPE_CATEGORY || feature.type == WB_TYPE_TEXT;
    views.rows.reserve(list.size());
    views.validity.assign(list.size() / 8 + 1, 0);
    for (size_t i = 0; i < list.size(); ++i) {
        py::handle value = list[i];
        wb_view view = {nullptr, 0};
        if (!value.is_none()) {
            view = !texts ? number_view(value) : feature.is_sequence ? texts_view(value, views) : text_view(value);
            views.validity[i / 8] = static_cast<uint8_t>(views.validity[i / 8] | 1u << (i % 8));
        }
        views.rows.push_back(view);
    }
    batch.column(column.feature, views.rows.data(), sizeof(wb_view), views.validity.data()).value();
}

int32_t element_type(const py::dtype &dtype) {
    const auto size = dtype.itemsize();
    const int width = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    constexpr int32_t kSigned[] = {WB_ELEMENT_INT8, WB_ELEMENT_INT16, WB_ELEMENT_INT32, WB_ELEMENT_INT64};
    constexpr int32_t kUnsigned[] = {WB_ELEMENT_UINT8, WB_ELEMENT_UINT16, WB_ELEMENT_UINT32, WB_ELEMENT_UINT64};
    constexpr int32_t kFloats[] = {-1, WB_ELEMENT_FLOAT16, WB_ELEMENT_FLOAT32, WB_ELEMENT_FLOAT64};
    switch (dtype.kind()) {
        case 'b':
            return WB_ELEMENT_BOOL;
        case 'i':
            return kSigned[width];
        case 'u':
            return kUnsigned[width];
        default:
            return kFloats[width];
    }
}

void set_column(wb::Batch &batch, const PythonColumn &column, std::deque<Views> &kept) {
    if (py::isinstance<py::list>(column.data)) return set_views(batch, column, kept.emplace_back());
    auto array = py::reinterpret_borrow<py::array>(column.data);
    int64_t stride = array.ndim() == 0 ? 0 : array.strides(0);
    const uint8_t *validity = column.validity ? column.validity->data() : nullptr;
    batch.column_as(column.feature, element_type(array.dtype()), array.data(), stride, validity).value();
}

template <class T>
py::array_t<T> array_of(std::span<const T> values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

std::vector<py::ssize_t> dims(const wb_tensor_info &info) { return {info.shape, info.shape + info.rank}; }

const char *numpy_dtype(int32_t dtype) {
    switch (dtype) {
        case WB_DTYPE_FLOAT64:
            return "float64";
        case WB_DTYPE_INT64:
            return "int64";
        case WB_DTYPE_INT32:
            return "int32";
        case WB_DTYPE_BOOL:
            return "bool";
        default:
            return "float32";
    }
}

wb::Deadline deadline_of(std::optional<int64_t> deadline_ns) {
    return deadline_ns ? wb::Deadline::at_ns(*deadline_ns) : wb::Deadline::by_engine();
}

wb::LoadOptions load_options(const std::string &engines, const std::string &precision, bool verify,
                             std::optional<int64_t> deadline_ns) {
    return {.engines = engines,
            .precision = precision,
            .verify = verify,
            .deadline = deadline_ns ? wb::Deadline::at_ns(*deadline_ns) : wb::Deadline::never()};
}

wb::Source source_of(const std::map<std::string, py::bytes> &files) {
    wb::Source source = wb::Source::create().value();
    for (const auto &[name, content] : files) source.add(name, std::string_view(content)).value();
    return source;
}

py::dict result_of(const wb::BatchResult &result) {
    py::dict out;
    out["status"] = result.status;
    out["rows"] = result.rows;
    out["scored"] = result.scored;
    out["fallbacks"] = result.fallbacks;
    out["invalid"] = result.invalid;
    out["failed"] = result.failed;
    out["first_error"] = result.first_error;
    out["reason"] = result.reason;
    out["backend"] = wb::backend_name(result.backend);
    out["version"] = std::string(result.version);
    out["queue_ns"] = result.queue_ns;
    out["run_ns"] = result.run_ns;
    return out;
}

// The columns of the rows, and what became of them.
py::tuple score_batch(const wb::Model &model, size_t rows, const std::vector<PythonColumn> &columns,
                      const std::vector<uint32_t> &outputs, std::optional<int64_t> deadline_ns) {
    wb::Batch batch = wb::Batch::create(model.schema()).value();
    batch.reset(rows).value();
    std::deque<Views> kept;
    for (const PythonColumn &column : columns) set_column(batch, column, kept);
    py::dict out;
    for (uint32_t index : outputs) {
        wb_tensor_info info = model.schema().output(index).value();
        std::vector<py::ssize_t> shape = dims(info);
        shape[0] = static_cast<py::ssize_t>(rows);
        py::array_t<float> values(shape);
        int64_t stride = sizeof(float);
        for (size_t i = 1; i < shape.size(); ++i) stride *= shape[i];
        if (rows > 0) batch.output(index, values.mutable_data(), stride).value();
        out[info.name] = values;
    }
    wb::BatchResult result;
    {
        py::gil_scoped_release unlocked;
        result = model.score(batch, deadline_of(deadline_ns)).value();
    }
    out["score"] = array_of(batch.scores());
    out["probability"] = array_of(batch.probabilities());
    out["band"] = array_of(batch.bands());
    out["status"] = array_of(batch.statuses());
    out["reason"] = array_of(batch.reasons());
    out["blamed"] = array_of(batch.blamed());
    return py::make_tuple(out, result_of(result));
}

py::dict score_row(const wb::Model &model, const std::string &json, std::optional<int64_t> deadline_ns) {
    wb::Row row(model.schema());
    wb_result result = WB_RESULT_INIT;
    {
        py::gil_scoped_release unlocked;
        row.set_json(json).value();
        result = model.score(row, deadline_of(deadline_ns)).value();
    }
    py::dict out;
    out["score"] = result.score;
    out["probability"] = result.probability;
    out["band"] = result.band;
    out["status"] = result.status;
    out["reason"] = result.reason;
    out["defaulted"] = result.defaulted;
    out["clipped"] = result.clipped;
    out["version"] = std::string(result.version);
    out["queue_ns"] = result.queue_ns;
    out["run_ns"] = result.run_ns;
    return out;
}

// The rows' tensors, in the order of `forward`, padded to the longest row. Fails for the first row that has no tensors.
py::list encode_rows(const wb::Model &model, const std::vector<std::string> &rows) {
    wb::Rows block(model.schema());
    wb::Row row(model.schema());
    for (size_t i = 0; i < rows.size(); ++i) {
        row.clear();
        if (auto set = row.set_json(rows[i]); !set) {
            wb::Error error = set.error();
            error.row = static_cast<int64_t>(i);
            throw wb::Exception(error);
        }
        block.push_back(row);
    }
    wb::Batch batch = wb::Batch::create(model.schema()).value();
    batch.rows(block).value();
    const wb::BatchEncoding longest = batch.encode().value();
    if (longest.first_error >= 0) batch.check(static_cast<size_t>(longest.first_error)).value();
    py::list out;
    for (uint32_t i = 0; i < model.schema().info().tensor_count; ++i) {
        const wb_tensor_info info = model.schema().tensor(i).value();
        std::vector<py::ssize_t> shape = dims(info);
        for (py::ssize_t &size : shape)
            size = size == -1 ? longest.rows : size == -2 ? longest.length : size == -3 ? longest.tokens : size;
        py::array array(py::dtype(numpy_dtype(info.dtype)), shape);
        batch.tensor(i, array.mutable_data(), static_cast<size_t>(array.nbytes())).value();
        out.append(array);
    }
    {
        py::gil_scoped_release unlocked;
        batch.encode(static_cast<size_t>(longest.length), static_cast<size_t>(longest.tokens)).value();
    }
    return out;
}

py::list describe_features(const wb::Model &model) {
    py::list out;
    for (const wb_feature_info &feature : model.schema().features()) {
        py::dict one;
        one["name"] = feature.name;
        one["type"] = wb::type_name(feature.type);
        one["is_sequence"] = feature.is_sequence != 0;
        one["ticks_per_second"] = feature.ticks_per_second;
        out.append(one);
    }
    return out;
}

std::vector<std::string> output_names(const wb::Model &model) {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < model.schema().info().output_count; ++i)
        names.emplace_back(model.schema().output(i).value().name);
    return names;
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    if (!wb::abi_matches())
        throw py::import_error("weighbridge: built for C ABI " + std::to_string(WB_ABI_VERSION) + "." +
                               std::to_string(WB_ABI_MINOR) + " or a later minor, the library has " +
                               std::to_string(wb_abi_version()) + "." + std::to_string(wb_abi_minor()));
    module.attr("__version__") = wb_version();

    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> error_type;
    error_type.call_once_and_store_result([] { return py::module_::import("weighbridge._error").attr("Error"); });
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const wb::Exception &exception) {
            const wb::Error &error = exception.error();
            const py::object &type = error_type.get_stored();
            py::set_error(type, py::make_tuple(error.message, error.code, error.name(), error.feature, error.row));
        }
    });

    py::class_<wb::Engine>(module, "Engine")
        .def(py::init([](std::vector<std::pair<std::string, std::string>> named) {
            return wb::Engine::create({.named = std::move(named)}).value();
        }))
        .def(
            "close",
            [](wb::Engine &engine, std::optional<int64_t> deadline_ns) {
                engine.close(deadline_of(deadline_ns)).value();
            },
            py::call_guard<py::gil_scoped_release>())
        .def("metrics", [](const wb::Engine &engine) { return engine.metrics().value(); });

    py::class_<PythonColumn>(module, "Column")
        .def(py::init([](uint32_t feature, py::object data, std::optional<py::array_t<uint8_t>> validity) {
            return PythonColumn{feature, std::move(data), std::move(validity)};
        }));

    py::class_<wb::Model>(module, "Model")
        .def(py::init([](const wb::Engine &engine, const std::string &path, const std::string &engines,
                         const std::string &precision, bool verify, std::optional<int64_t> deadline_ns) {
                 return wb::Model::load(engine, path, load_options(engines, precision, verify, deadline_ns)).value();
             }),
             py::call_guard<py::gil_scoped_release>())
        .def(py::init([](const wb::Engine &engine, const std::map<std::string, py::bytes> &files,
                         const std::string &engines, const std::string &precision, bool verify,
                         std::optional<int64_t> deadline_ns) {
            const wb::Source source = source_of(files);
            const py::gil_scoped_release released;
            return wb::Model::load(engine, source, load_options(engines, precision, verify, deadline_ns)).value();
        }))
        .def("score_batch", &score_batch)
        .def("score_row", &score_row)
        .def("encode_rows", &encode_rows)
        .def("features", &describe_features)
        .def("outputs", &output_names)
        .def("info", [](const wb::Model &model) { return model.info().value(); });

    using weighbridge::python::Arrays;
    py::class_<Arrays>(module, "Arrays")
        .def(py::init<const wb::Model &, const std::vector<std::vector<uint32_t>> &>(), py::keep_alive<1, 2>())
        .def("score_one", &Arrays::score_one, py::kw_only(), py::arg("deadline_ns") = py::none())
        .def("score", &Arrays::score, py::kw_only(), py::arg("deadline_ns") = py::none());

    module.def("now_ns", &wb_now_ns);
    module.def("system_info", [] { return wb::system_info().value(); });
}
