// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::cli {

// One line on stderr, rewritten at most four times a second; nothing where stderr is not a terminal.
class Progress {
  public:
    Progress();
    ~Progress();  // wipes the line
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    void show(uint64_t rows, uint64_t rejected);

  private:
    bool terminal_;
    bool shown_ = false;
    int64_t begin_ns_, next_ns_;
};

}  // namespace weighbridge::cli
