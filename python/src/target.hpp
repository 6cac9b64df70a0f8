// SPDX-License-Identifier: Apache-2.0
// What scores: a model, or a slot with the model that it serves.
#pragma once

#include <memory>
#include <string>

#include "schema.hpp"

namespace weighbridge::python {

// Thread-safe, as what is behind it.
class Target {
  public:
    virtual ~Target() = default;
    virtual int32_t score(wb_result *out, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) const = 0;
    virtual int32_t score_batch(wb_batch_result *out, wb_batch *batch, int64_t deadline_ns, wb_call *call,
                                wb_error *err) const = 0;
    virtual int32_t submit(wb_queue *queue, uint64_t tag, void *row, int64_t deadline_ns, wb_call *call,
                           wb_error *err) const = 0;
    virtual int32_t submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_batch *batch,
                                 int64_t deadline_ns, wb_call *call, wb_error *err) const = 0;
};

void register_targets(py::module_ &module);

}  // namespace weighbridge::python
