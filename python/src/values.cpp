// SPDX-License-Identifier: Apache-2.0
#include "values.hpp"

#include <pybind11/critical_section.h>

#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weighbridge::python {
namespace {

constexpr int64_t kExact = int64_t{1} << 53;  // integers up to here are doubles too
constexpr int kMostForms = 8;                 // an array of a subclass, the plain one, its element, what that means

}  // namespace

bool is_plain(py::handle array) { return Py_TYPE(array.ptr()) == py::detail::npy_api::get().PyArray_Type_; }

bool says_missing(py::handle value) {
    if (PyFloat_Check(value.ptr())) return std::isnan(PyFloat_AS_DOUBLE(value.ptr()));
    if (PyBool_Check(value.ptr())) return false;  // False != False is False, itself
    const auto differs = py::reinterpret_steal<py::object>(PyObject_RichCompare(value.ptr(), value.ptr(), Py_NE));
    if (!differs) PyErr_Clear();  // a signalling NaN of decimal: no number
    if (!differs || differs.is(value)) return static_cast<bool>(differs);
    const int truth = PyObject_IsTrue(differs.ptr());
    if (truth < 0) PyErr_Clear();
    return truth == 1;
}

namespace {

class Setter {
  public:
    Setter(wb::Row &row, const BoundSchema &bound, uint32_t index)
        : row_(row), index_(index), info_(bound.schema.features()[index]) {}

    void set(py::handle value) {
        if (++forms_ > kMostForms)  // an array without dimension that holds itself
            fail(WB_INVALID_INPUT,
                 "feature '" + std::string(info_.name) + "': expected a value, got one that holds itself",
                 static_cast<int32_t>(index_), 0);
        PyObject *o = value.ptr();
        if (o == Py_None) return put(std::nullopt);
        if (PyFloat_Check(o)) return put(PyFloat_AS_DOUBLE(o));
        if (PyBool_Check(o)) return put(o == Py_True);
        if (PyLong_Check(o)) return integer(value);
        if (PyUnicode_Check(o) && is_text(info_)) return text(value);
        if (PyBytes_Check(o) && is_text(info_)) return put(std::string_view(py::reinterpret_borrow<py::bytes>(value)));
        if (PyTuple_Check(o)) return sequence(py::reinterpret_borrow<py::tuple>(value));
        if (PyList_Check(o)) return sequence(py::reinterpret_steal<py::tuple>(PyList_AsTuple(o)));
        if (py::isinstance<py::array>(value)) return array(py::reinterpret_borrow<py::array>(value));
        const bool number = PyNumber_Check(o) && !PyObject_HasAttrString(o, "isoformat");  // NaT has both
        if (!number && says_missing(value)) return put(std::nullopt);
        reduced(value);
    }

  private:
    template <class V>
    void put(const V &value) {
        row_.set(index_, value).value();
    }

    void integer(py::handle value) {
        int overflow = 0;
        const int64_t number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
        if (overflow == 0) return put(number);
        reduced(value);
    }

    void text(py::handle value) {
        py::list kept;
        put(utf8_of(value, kept));
    }

    // By way of weighbridge._values, which gives a plain value for an odd one, or its JSON for the C reader, as bytes.
    void reduced(py::handle value) {
        const py::object plain = plain_of(value);
        if (py::isinstance<py::bytes>(plain))
            row_.set_json(std::string_view(py::reinterpret_borrow<py::bytes>(plain))).value();
        else
            set(plain);
    }

    py::object plain_of(py::handle value) const {
        try {
            return py::module_::import("weighbridge._values").attr("reduce")(info_.name, value);
        } catch (py::error_already_set &raised) {
            if (!raised.matches(py::module_::import("weighbridge._error").attr("InvalidInput"))) throw;
            fail(WB_INVALID_INPUT, py::str(raised.value().attr("message")), static_cast<int32_t>(index_), 0);
        }
    }

    // Elements of one form at once; of several, and odd ones, by way of JSON.
    void sequence(const py::tuple &values) {
        const std::span<PyObject *const> all(&PyTuple_GET_ITEM(values.ptr(), 0), values.size());
        if (is_text(info_)) {
            py::list kept;
            std::vector<std::string_view> texts;
            for (PyObject *item : all) {
                if (PyUnicode_Check(item))
                    texts.push_back(utf8_of(item, kept));
                else if (PyBytes_Check(item))
                    texts.push_back(std::string_view(py::reinterpret_borrow<py::bytes>(item)));
                else
                    return reduced(values);
            }
            return put(texts);
        }
        if (integers(all) || floats(all) || flags(all)) return;
        reduced(values);
    }

    bool integers(std::span<PyObject *const> all) {
        std::vector<int64_t> numbers;
        for (PyObject *item : all) {
            int overflow = 0;
            if (!PyLong_CheckExact(item)) return false;
            numbers.push_back(PyLong_AsLongLongAndOverflow(item, &overflow));
            if (overflow != 0) return false;
        }
        return put(numbers), true;
    }

    bool floats(std::span<PyObject *const> all) {
        std::vector<double> numbers;
        for (PyObject *item : all) {
            int overflow = 0;
            if (PyFloat_Check(item)) {
                numbers.push_back(PyFloat_AS_DOUBLE(item));
            } else if (PyLong_CheckExact(item)) {
                const int64_t number = PyLong_AsLongLongAndOverflow(item, &overflow);
                if (overflow != 0 || number > kExact || number < -kExact) return false;
                numbers.push_back(static_cast<double>(number));
            } else {
                return false;
            }
        }
        return put(numbers), true;
    }

    bool flags(std::span<PyObject *const> all) {
        std::vector<bool> flags;
        for (PyObject *item : all) {
            if (!PyBool_Check(item)) return false;
            flags.push_back(item == Py_True);
        }
        return put(flags), true;
    }

    template <class T>
    void elements(const py::array &values) {
        std::vector<T> copied(static_cast<size_t>(values.size()));
        const auto *from = static_cast<const char *>(values.data());
        for (size_t i = 0; i < copied.size(); ++i)
            std::memcpy(&copied[i], from + static_cast<py::ssize_t>(i) * values.strides(0), sizeof(T));
        put(copied);
    }

    void array(const py::array &values) {
        if (!is_plain(values)) return reduced(values);
        if (values.ndim() == 0) return set(values[py::tuple()]);
        if (values.ndim() != 1)
            fail(WB_INVALID_INPUT,
                 "feature '" + std::string(info_.name) + "': expected one dimension, got " +
                     std::to_string(values.ndim()),
                 static_cast<int32_t>(index_), 0);
        const py::dtype type = values.dtype();
        const char kind = type.byteorder() == '>' ? 'x' : type.kind();
        const auto width = type.itemsize();
        if (kind == 'i' && width == 8) return elements<int64_t>(values);
        if (kind == 'i' && width == 4) return elements<int32_t>(values);
        if (kind == 'i' && width == 2) return elements<int16_t>(values);
        if (kind == 'i' && width == 1) return elements<int8_t>(values);
        if (kind == 'u' && width == 8) return elements<uint64_t>(values);
        if (kind == 'u' && width == 4) return elements<uint32_t>(values);
        if (kind == 'u' && width == 2) return elements<uint16_t>(values);
        if (kind == 'u' && width == 1) return elements<uint8_t>(values);
        if (kind == 'f' && width == 8) return elements<double>(values);
        if (kind == 'f' && width == 4) return elements<float>(values);
        if (kind == 'b') return flags_of(values);
        if (kind == 'U' || kind == 'S' || kind == 'O' || kind == 'T') return set(values.attr("tolist")());
        reduced(values);
    }

    void flags_of(const py::array &values) {
        std::vector<bool> flags(static_cast<size_t>(values.size()));
        const auto *from = static_cast<const char *>(values.data());
        for (size_t i = 0; i < flags.size(); ++i) flags[i] = from[static_cast<py::ssize_t>(i) * values.strides(0)] != 0;
        put(flags);
    }

    wb::Row &row_;
    uint32_t index_;
    const wb_feature_info &info_;
    int forms_ = 0;  // that the value had
};

// Of each type what wb::detail::store looks at.
const wb_feature_info &plain_info(uint8_t type) {
    static const auto infos = [] {
        std::array<wb_feature_info, WB_TYPE_TEXT + 1> made{};
        for (int32_t i = 0; i <= WB_TYPE_TEXT; ++i) made[static_cast<size_t>(i)].type = i;
        return made;
    }();
    return infos[type];
}

template <class T>
void set_numbers(wb::Row &row, const BoundSchema &bound, const py::array &values) {
    const auto *from = static_cast<const char *>(values.data());
    const py::ssize_t step = values.strides(0);
    const uint32_t missing = bound.schema.info().missing_offset;
    for (uint32_t i = 0; i < bound.fields.size(); ++i) {
        const BoundSchema::Field &field = bound.fields[i];
        T value;
        std::memcpy(&value, from + static_cast<py::ssize_t>(i) * step, sizeof value);
        if constexpr (std::is_floating_point_v<T>) {
            if (value != value && field.nan_is_missing) continue;
        }
        if (field.is_sequence || wb::detail::store(row.data() + field.offset, plain_info(field.type), value) == 0)
            row.set(i, value).value();  // says what is wrong
        wb_row_mark(row.data(), missing, i, 0);
    }
}

}  // namespace

std::string_view utf8_of(py::handle text, py::list &kept) {
    Py_ssize_t size = 0;
    if (const char *data = PyUnicode_AsUTF8AndSize(text.ptr(), &size)) return {data, static_cast<size_t>(size)};
    PyErr_Clear();
    const auto bytes =
        py::reinterpret_steal<py::bytes>(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
    if (!bytes) throw py::error_already_set();
    kept.append(bytes);
    return std::string_view(bytes);
}

void set_value(wb::Row &row, const BoundSchema &bound, uint32_t index, py::handle value) {
    Setter(row, bound, index).set(value);
}

void set_dict(wb::Row &row, const BoundSchema &bound, const py::dict &values) {
    // What a value does when it is looked at may change the dict: both are held meanwhile.
    const py::scoped_critical_section locked(values);
    for (const auto &[name, value] : values) {
        const auto held_name = py::reinterpret_borrow<py::object>(name);
        const auto held = py::reinterpret_borrow<py::object>(value);
        set_value(row, bound, bound.find(held_name), held);
    }
}

void set_vector(wb::Row &row, const BoundSchema &bound, const py::array &values) {
    const auto features = static_cast<py::ssize_t>(bound.schema.features().size());
    if (values.ndim() != 1 || values.shape(0) != features)
        fail(WB_INVALID_INPUT, "row: expected an array of the " + std::to_string(features) + " features, got " +
                                   (values.ndim() == 1 ? std::to_string(values.shape(0)) + " values"
                                                       : std::to_string(values.ndim()) + " dimensions"));
    const py::dtype type = values.dtype();
    const char kind = type.byteorder() == '>' || !is_plain(values) ? 'x' : type.kind();
    if (kind == 'f' && type.itemsize() == 4) return set_numbers<float>(row, bound, values);
    if (kind == 'f' && type.itemsize() == 8) return set_numbers<double>(row, bound, values);
    if (kind == 'i' && type.itemsize() == 8) return set_numbers<int64_t>(row, bound, values);
    const py::list items = values.attr("tolist")();
    for (uint32_t i = 0; i < items.size(); ++i)
        if (!bound.fields[i].nan_is_missing || !says_missing(items[i])) set_value(row, bound, i, items[i]);
}

}  // namespace weighbridge::python
