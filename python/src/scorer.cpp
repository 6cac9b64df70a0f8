// SPDX-License-Identifier: Apache-2.0
#include "scorer.hpp"

#include <pybind11/numpy.h>

#include "row.hpp"
#include "single.hpp"
#include "target.hpp"

namespace weighbridge::python {
namespace {

struct ScorerObject {
    PyObject_HEAD PyObject *target;  // the native Model or Slot
    PyObject *schema;                // that dicts and arrays are filled for; NULL where Python sees to it (Slot)
    const Target *model;             // inside `target`
    const std::shared_ptr<BoundSchema> *bound;  // as `schema`, owned
};

PyTypeObject *row_type = nullptr;  // with the next three made once, with the module
PyObject *timeout_name = nullptr, *deadline_name = nullptr, *general_name = nullptr;

ScorerObject *of(PyObject *self) { return reinterpret_cast<ScorerObject *>(self); }

// The PyRow of an instance of Row, which is final and holds nothing else.
PyRow &row_of(PyObject *row) {
    return *static_cast<PyRow *>(reinterpret_cast<py::detail::instance *>(row)->get_value_and_holder().value_ptr());
}

bool is_vector(PyObject *data) {
    if (!py::isinstance<py::array>(data)) return false;
    const auto &array = *py::detail::array_proxy(data);
    if (array.nd != 1) return false;
    const char kind = py::reinterpret_borrow<py::dtype>(array.descr).kind();
    return kind == 'f' || kind == 'i' || kind == 'u' || kind == 'b';
}

// A score, or null where the payment is not of a kind that is scored here.
py::object quick(const ScorerObject &self, PyObject *data, py::handle timeout, py::handle deadline_ns, wb_call *call) {
    if (Py_TYPE(data) == row_type) return score_row(*self.model, row_of(data), timeout, deadline_ns, call);
    if (self.bound && (PyDict_CheckExact(data) || is_vector(data)))
        return score_one(*self.model, *self.bound, data, timeout, deadline_ns, call);
    return {};
}

// Whether no more is asked for than a deadline.
bool deadlines(PyObject *const *values, PyObject *names, py::handle &timeout, py::handle &deadline_ns) {
    const Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject *name = PyTuple_GET_ITEM(names, i);  // interned, as every name in a program is
        if (name == timeout_name)
            timeout = values[i];
        else if (name == deadline_name)
            deadline_ns = values[i];
        else
            return false;
    }
    return true;
}

PyObject *score(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    try {
        py::handle timeout = py::none(), deadline_ns = timeout;
        if (count == 1 && of(self)->model && deadlines(args + count, names, timeout, deadline_ns)) {
            py::object made = quick(*of(self), args[0], timeout, deadline_ns, nullptr);
            if (made) return made.release().ptr();
        }
    } catch (...) {
        py::detail::try_translate_exceptions();
        return nullptr;
    }
    // Nothing with a destructor here: where the interpreter ends meanwhile, this thread is unwound without it
    // (gil.hpp).
    PyObject *general = PyObject_GetAttr(self, general_name);
    if (!general) return nullptr;
    PyObject *found = PyObject_Vectorcall(general, args, static_cast<size_t>(count), names);
    Py_DECREF(general);
    return found;
}

// _score_now(data, timeout, deadline_ns): the score where a context is free and the payment is of a quick kind, else
// None.
PyObject *score_now(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    try {
        if (count != 3 || !of(self)->model) fail(WB_INVALID_ARGUMENT, "_score_now: expected data and deadlines");
        py::object made = quick(*of(self), args[0], args[1], args[2], inline_call());
        return made ? made.release().ptr() : Py_NewRef(Py_None);
    } catch (...) {
        py::detail::try_translate_exceptions();
        return nullptr;
    }
}

PyObject *bind(PyObject *self, PyObject *args) {
    ScorerObject &scorer = *of(self);
    PyObject *target = nullptr, *schema = nullptr;
    if (scorer.target || !PyArg_ParseTuple(args, "OO", &target, &schema)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "bound already");
        return nullptr;
    }
    try {
        scorer.model = py::cast<const Target *>(py::handle(target));
        if (schema != Py_None) {
            scorer.bound = new std::shared_ptr(py::cast<std::shared_ptr<BoundSchema>>(py::handle(schema)));
            scorer.schema = Py_NewRef(schema);
        }
    } catch (...) {
        py::detail::try_translate_exceptions();
        return nullptr;
    }
    scorer.target = Py_NewRef(target);
    Py_RETURN_NONE;
}

int traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(of(self)->target);
    Py_VISIT(of(self)->schema);
    return 0;
}

void dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    delete of(self)->bound;
    Py_XDECREF(of(self)->target);
    Py_XDECREF(of(self)->schema);
    type->tp_free(self);
    Py_DECREF(type);
}

// METH_FASTCALL functions have types of their own, which PyMethodDef does not say.
template <class Function>
PyCFunction as_method(Function *function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

constexpr const char *kScore =
    R"(score($self, data, /, *, out=None, outputs=(), timeout=None, deadline_ns=None, fallback=True, priority='normal', progress='auto')
--

Scores payments. Gives a Score for one: a dict, a Row, an array of the features in their order, a record of a
structured array. Gives Scores for many: a list of dicts, a matrix [rows, features], a structured array, a
DataFrame of pandas or polars, or what has __arrow_c_stream__ or __arrow_c_array__.

None, NaT and pandas.NA are missing everywhere, and NaN in columns and arrays of numpy and pandas. In a dict and in
Arrow NaN is a number, as in every language. What a feature cannot hold exactly is refused.

out          of many: an array for the scores, or a dict of arrays by name (Scores has the names)
outputs      names of outputs to be given besides
timeout      seconds from now until the answer is due, after which the bundle's fallback answers; or deadline_ns, of
             time.monotonic_ns(). Neither: the engine's default_deadline_us
fallback     False: an error instead of the bundle's fallback
priority     "high" is served before every "normal" request that waits
progress     of many: "auto" (tqdm where it is there), a bool, or a function that is given numbers of rows

A row of many that cannot be scored has its error code in `status` and NaN as its score.
)";

PyMethodDef methods[] = {
    {"score", as_method(score), METH_FASTCALL | METH_KEYWORDS, kScore},
    {"_score_now", as_method(score_now), METH_FASTCALL, nullptr},
    {"_bind", bind, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"weighbridge._native.Scorer", sizeof(ScorerObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

void register_scorer(py::module_ &module) {
    row_type = reinterpret_cast<PyTypeObject *>(py::type::of<PyRow>().release().ptr());
    timeout_name = PyUnicode_InternFromString("timeout");
    deadline_name = PyUnicode_InternFromString("deadline_ns");
    general_name = PyUnicode_InternFromString("_score_any");
    const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
    if (!type || !timeout_name || !deadline_name || !general_name) throw py::error_already_set();
    module.attr("Scorer") = type;
}

}  // namespace weighbridge::python
