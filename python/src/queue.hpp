// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "engine.hpp"

namespace weighbridge::python {

// A completion queue whose tags are its owner's. What its submits write to must outlive it: it goes when nothing runs.
class Completions {
  public:
    Completions(const PyEngine &engine, uint32_t capacity);
    ~Completions();
    Completions(const Completions &) = delete;
    Completions &operator=(const Completions &) = delete;

    wb_queue *get() const { return handle_.get(); }

    // What is complete, at most `capacity`; waits until the deadline for the first. Releases the GIL where it may wait.
    size_t take(wb_completion *out, size_t capacity, int64_t deadline_ns);

  private:
    wb::detail::Handle<wb_queue, wb_queue_free> handle_;
};

void register_queue(py::module_ &module);

}  // namespace weighbridge::python
