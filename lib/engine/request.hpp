// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "engine/rows.hpp"
#include "engine/sinks.hpp"
#include "engine/target.hpp"

namespace weighbridge::lib {

// One call on its way, for one row or a batch: the rows' schema is resolved, the rows are locked, the target's model
// scores them, the fallback answers what it may of the rest, and the call is reported. On the caller's thread and
// stack.
class Request {
  public:
    // `spare` is the deployment that the bundle's fallback names; without a model where there is none. All of them
    // outlive the request. `entered_ns`: when the call began, by the runtime's clock; `waited_ns`: how long it waited
    // since for this thread.
    Request(Runtime &runtime, const Target &target, Target spare, const CallOptions &options, RequestRows &rows,
            Sink &sink, int64_t entered_ns, int64_t waited_ns = 0);

    // What the caller is told. See wb_model_score and wb_model_score_batch.
    Status serve();

    // The same in parts, for who may not be kept for long: resolve(); serve_part() for each part of the rows, which the
    // caller has locked; conclude() with the first part's failure, or none.
    Status resolve();
    Status serve_part(std::span<int64_t> rows);
    Status conclude(Status status);

  private:
    Status score();
    CallOptions target_options() const;
    bool spares_short_rows() const;
    void split_short_rows(const RowSource &source);
    void fall_back(Status &status);
    void answer_by_fallback(std::span<int64_t> rows, int32_t reason);
    void fail(std::span<const int64_t> rows, const Status &why);
    void report(const Status &status);
    bool is_cancelled() const { return options_.cancel && options_.cancel->is_set(); }

    Runtime &runtime_;
    const Target &target_;
    Target spare_;  // without a model where it cannot answer for these rows
    const CallOptions &options_;
    RequestRows &rows_;
    Sink &sink_;
    const int64_t entered_ns_, waited_ns_;
    // From resolve() on:
    uint64_t digest_ = 0;
    Target::Layout layout_{};
    // From serve_part() on: indices of the rows that the fallback answers for their length alone, and of the others.
    std::span<int64_t> short_rows_, model_rows_;
    // From score() on:
    Progress progress_;
    Timing timing_;
    int32_t reason_ = WB_REASON_NONE;  // that the call is counted under
    bool spare_would_wait_ = false;    // and the call may not
};

}  // namespace weighbridge::lib
