// SPDX-License-Identifier: Apache-2.0
// Many payments in windows: each window is a call of its own, so that all contexts work and signals are heard between.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "block.hpp"

namespace weighbridge::python {

using Blocks = std::vector<Block *>;
// Columns of results or outputs by number: the memory of all rows of all blocks.
using Places = std::vector<std::pair<int32_t, py::array>>;

// Says where the blocks' results go.
void place(const Blocks &blocks, const Places &results, const Places &outputs);

// A window of one of the blocks; `base` is the number of the block's first row among all rows.
struct Window {
    const Block *block;
    int64_t first;
    int64_t rows;
    int64_t base;
};

std::vector<Window> windows_of(const Blocks &blocks, uint32_t contexts);

// What became of the windows' rows, all together.
class Tally {
  public:
    // @param err  of WB_OK_PARTIAL
    void add(const Window &window, const wb_batch_result &result, const wb_error &err);
    py::dict dict() const;

  private:
    wb_batch_result total_ = WB_BATCH_RESULT_INIT;
    wb_error first_ = WB_ERROR_INIT;
};

// The window's failure as a whole.
[[noreturn]] void fail_window(const Window &window, int32_t status, const wb_error &err);

void register_run(py::module_ &module);

}  // namespace weighbridge::python
