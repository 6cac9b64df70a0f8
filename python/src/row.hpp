// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "in_use.hpp"
#include "schema.hpp"

namespace weighbridge::python {

// A reusable row. Its memory may move while a feature is set, so that the mark covers setters too, which the C row's
// own busy mark does not.
struct PyRow {
    PyRow(SchemaPtr of, uint32_t tail_bytes) : bound(std::move(of)), row(bound->schema, tail_bytes) {}

    SchemaPtr bound;
    wb::Row row;
    Mark mark;
};

void register_row(py::module_ &module);

}  // namespace weighbridge::python
