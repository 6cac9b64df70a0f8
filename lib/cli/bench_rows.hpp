// SPDX-License-Identifier: Apache-2.0
// The rows that a bench scores in turn, and one thread's calls of the model with them.
#pragma once

#include <vector>

#include "cli/input.hpp"
#include "cli/load_loop.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

// Each with the score that it has when nothing else runs. Constant while threads score them.
struct BenchRows {
    std::vector<Row> rows;  // at least one
    std::vector<double> expected;
    std::vector<uint64_t> tokens;  // elements of a row's sequences, which all have one length; 1 without any
    Result first;                  // of the first row

    // Of the file, its first 4096, or, where it has no path, the bundle's golden rows. A Failure names the line of a
    // row that cannot be read.
    BenchRows(const Model &model, const Input &input, const std::string &directory);
};

// What counted calls scored.
struct Scored {
    uint64_t rows = 0, tokens = 0, fallbacks = 0;
    uint64_t expired = 0, overloaded = 0;  // of the fallbacks, those for these reasons
    uint64_t on_gpus = 0;                  // rows
    uint64_t differing = 0;                // the model's scores that are not bit for bit those expected

    void add(const Scored &other);
};

// How calls are made.
struct BenchCalls {
    uint32_t batch = 1;        // rows in one
    uint32_t deadline_us = 0;  // from a call's start; 0: none
    Priority priority = Priority::normal;
};

// Scores the rows in turn.
class BenchCaller final : public Caller {
  public:
    // @param from  the row to begin with
    BenchCaller(const Model &model, const BenchRows &rows, const BenchCalls &calls, size_t from);
    void prepare() override;
    void call() override;
    void count() override;
    const Scored &scored() const { return scored_; }

  private:
    const Model &model_;
    int64_t deadline_ns() const;
    void count_row(size_t row, double score, int32_t reason, int32_t device);

    const BenchRows &rows_;
    const int64_t budget_ns_;  // 0: none
    Call call_;
    size_t size_, next_;
    size_t from_ = 0;  // of the call that is prepared
    Rows block_;
    Batch batch_;
    Result result_;  // of one row
    Scored scored_;
};

}  // namespace weighbridge::cli
