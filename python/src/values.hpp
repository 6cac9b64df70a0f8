// SPDX-License-Identifier: Apache-2.0
// What a Python value becomes in a row. Only forms are told apart here; which values a feature takes is the C++ row's
// and the C reader's to say (lib/feature/README.md).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "schema.hpp"

namespace weighbridge::python {

// Sets feature `index`. None, NaT and pd.NA are missing; NaN is a number, as in every language, which only floats take,
// and of those the ones whose manifest says so.
void set_value(wb::Row &row, const BoundSchema &bound, uint32_t index, py::handle value);

// Sets what the dict names.
void set_dict(wb::Row &row, const BoundSchema &bound, const py::dict &values);

// Sets the features in their order from a numeric array of one dimension. A NaN is missing, as in a column.
void set_vector(wb::Row &row, const BoundSchema &bound, const py::array &values);

// Whether a NaN in a column is given to the library as missing: numpy and pandas have nothing else to say it with. Not
// where the library has the same answer for both (a required feature: refused), or reads NaN as missing by itself.
inline bool nan_is_missing(const wb_feature_info &info) {
    const bool floats = info.type == WB_TYPE_FLOAT32 || info.type == WB_TYPE_FLOAT64;
    return !floats || (!info.required && !info.nan_is_missing);
}

// Whether an array is of numpy's own type: one of a subclass may be masked.
bool is_plain(py::handle array);

// Whether a value says "missing" by differing from itself: NaN, NaT, pandas.NA. No import of pandas is needed for that.
bool says_missing(py::handle value);

inline bool is_text(const wb_feature_info &info) { return info.type == WB_TYPE_CATEGORY || info.type == WB_TYPE_TEXT; }

// UTF-8 of a str, which keeps it; of one with a lone surrogate, bytes that the library refuses as what they are, which
// `kept` keeps.
std::string_view utf8_of(py::handle text, py::list &kept);

}  // namespace weighbridge::python
