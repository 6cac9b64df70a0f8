// SPDX-License-Identifier: Apache-2.0
// One payment: its row, and the call that makes a score of it.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "row.hpp"
#include "target.hpp"

namespace weighbridge::python {

// The row of one payment: a Row of the caller, marked as in use, or one filled from a dict or an array.
class OneRow {
  public:
    OneRow(const SchemaPtr &bound, py::handle data);
    void *data() { return row_->data(); }

  private:
    std::optional<InUse> use_;
    std::optional<wb::Row> own_;
    wb::Row *row_;
};

// A filled row, and one that is filled first. None where `call` is not to wait and would have to.
py::object score_row(const Target &target, PyRow &row, py::handle timeout, py::handle deadline_ns, wb_call *call);
py::object score_one(const Target &target, const std::shared_ptr<BoundSchema> &bound, py::handle data,
                     py::handle timeout, py::handle deadline_ns, wb_call *call);

// A call that does not wait, one for each thread: it is in use by one call at a time.
wb_call *inline_call();

void register_single(py::module_ &module);

}  // namespace weighbridge::python
