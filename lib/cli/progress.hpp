// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace weighbridge::cli {

// One line on stderr, rewritten at most four times a second; nothing where stderr is not a terminal.
class Progress {
  public:
    // @param seconds  that the work takes, for show_time()
    explicit Progress(double seconds = 0.0);
    ~Progress();  // wipes the line
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    void show(uint64_t rows, uint64_t rejected);
    void show_time();  // that went by, of all

  private:
    bool is_due();
    void print(const std::string &line);
    double gone_seconds() const;

    double seconds_;
    bool terminal_;
    bool shown_ = false;
    int64_t begin_ns_, next_ns_;
};

}  // namespace weighbridge::cli
