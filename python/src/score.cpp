// SPDX-License-Identifier: Apache-2.0
#include "score.hpp"

#include <structmember.h>

#include <cstring>
#include <string_view>

namespace weighbridge::python {
namespace {

struct ScoreObject {
    PyObject_HEAD wb_result result;
    PyObject *outputs;  // NULL where none was asked for
};

PyTypeObject *score_type = nullptr;  // made once, with the module

const wb_result &result_of(PyObject *self) { return reinterpret_cast<ScoreObject *>(self)->result; }

template <auto Member>
PyObject *number(PyObject *self, void *) {
    const auto value = result_of(self).*Member;
    if constexpr (std::is_floating_point_v<decltype(value)>) return PyFloat_FromDouble(value);
    if constexpr (std::is_unsigned_v<decltype(value)>) return PyLong_FromUnsignedLongLong(value);
    return PyLong_FromLongLong(static_cast<long long>(value));
}

template <auto Name, auto Member>
PyObject *name(PyObject *self, void *) {
    return PyUnicode_FromString(Name(result_of(self).*Member));
}

PyObject *version(PyObject *self, void *) { return PyUnicode_FromString(result_of(self).version); }

PyObject *is_fallback(PyObject *self, void *) { return PyBool_FromLong(result_of(self).status == WB_OK_FALLBACK); }

PyObject *outputs(PyObject *self, void *) {
    PyObject *found = reinterpret_cast<ScoreObject *>(self)->outputs;
    return found ? Py_NewRef(found) : PyDict_New();
}

PyObject *as_float(PyObject *self) { return PyFloat_FromDouble(result_of(self).score); }

PyObject *repr(PyObject *self) {
    char text[200];
    const wb_result &found = result_of(self);
    std::snprintf(text, sizeof text, "Score(score=%.9g, probability=%.9g, band=%d, reason='%s', version='%s')",
                  found.score, found.probability, static_cast<int>(found.band), wb_reason_name(found.reason),
                  found.version);
    return PyUnicode_FromString(text);
}

PyObject *reduce(PyObject *self, PyObject *) {
    auto *score = reinterpret_cast<ScoreObject *>(self);
    const py::bytes bytes(reinterpret_cast<const char *>(&score->result), sizeof score->result);
    const py::object restore = py::module_::import("weighbridge._native").attr("score_of_bytes");
    const py::object kept = score->outputs ? py::reinterpret_borrow<py::object>(score->outputs) : py::none();
    return py::make_tuple(restore, py::make_tuple(bytes, kept)).release().ptr();
}

void dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(reinterpret_cast<ScoreObject *>(self)->outputs);
    PyObject_Free(self);
    Py_DECREF(type);
}

PyGetSetDef properties[] = {
    {"score", number<&wb_result::score>, nullptr, "the primary output, or the fallback's score", nullptr},
    {"probability", number<&wb_result::probability>, nullptr, "the score after calibration", nullptr},
    {"band", number<&wb_result::band>, nullptr, "index of the decision band, -1 for none", nullptr},
    {"status", number<&wb_result::status>, nullptr, "0, or 1 where the fallback answered", nullptr},
    {"is_fallback", is_fallback, nullptr, "whether the bundle's fallback answered", nullptr},
    {"reason", name<wb_reason_name, &wb_result::reason>, nullptr, "why the fallback answered, or 'none'", nullptr},
    {"backend", name<wb_backend_name, &wb_result::backend>, nullptr, "what ran it", nullptr},
    {"precision", name<wb_precision_name, &wb_result::precision>, nullptr, "in which precision", nullptr},
    {"numerics", number<&wb_result::numerics>, nullptr, "scores of one id are the same bits", nullptr},
    {"device", number<&wb_result::device>, nullptr, "the device that ran it, 0 for the CPU, -1 for none", nullptr},
    {"defaulted", number<&wb_result::defaulted>, nullptr, "features that took their default", nullptr},
    {"clipped", number<&wb_result::clipped>, nullptr, "features that an encoding's clip changed", nullptr},
    {"bundle", number<&wb_result::bundle>, nullptr, "first eight bytes of the manifest's sha256", nullptr},
    {"version", version, nullptr, "the bundle's version", nullptr},
    {"queue_ns", number<&wb_result::queue_ns>, nullptr, "waited for a context", nullptr},
    {"run_ns", number<&wb_result::run_ns>, nullptr, "encoded and ran", nullptr},
    {"outputs", outputs, nullptr, "outputs that were asked for, by name", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("One payment's score and how it was made.")},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {Py_tp_repr, reinterpret_cast<void *>(repr)},
    {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
    {Py_nb_float, reinterpret_cast<void *>(as_float)},
    {0, nullptr},
};

PyType_Spec spec = {"weighbridge.Score", sizeof(ScoreObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

py::object score_of_bytes(const py::bytes &bytes, py::object arrays) {
    const std::string_view data(bytes);
    wb_result result = WB_RESULT_INIT;
    if (data.size() != sizeof result) fail(WB_INVALID_ARGUMENT, "score: expected one of this version's");
    std::memcpy(&result, data.data(), sizeof result);
    result.version[sizeof result.version - 1] = 0;
    return make_score(result, arrays.is_none() ? py::object() : std::move(arrays));
}

}  // namespace

py::object make_score(const wb_result &result, py::object arrays) {
    auto *made = PyObject_New(ScoreObject, score_type);
    if (!made) throw py::error_already_set();
    made->result = result;
    made->outputs = arrays.release().ptr();
    return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject *>(made));
}

void register_score(py::module_ &module) {
    const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
    if (!type) throw py::error_already_set();
    score_type = reinterpret_cast<PyTypeObject *>(py::object(type).release().ptr());
    module.attr("Score") = type;
    module.def("score_of_bytes", &score_of_bytes, py::arg("bytes"), py::arg("outputs"));
}

}  // namespace weighbridge::python
