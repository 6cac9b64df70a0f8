// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>

#include "engine/request.hpp"

namespace weighbridge::lib {

class Queue;

// Incremental answer of a submitted batch whose deadline passed while it waited: what Request::serve() would answer, in
// steps of about 100 us, so that one large batch does not delay other deadlines of the same thread. One thread at a
// time.
class Expiry {
  public:
    // As Request's. Shares `queue`; the others outlive it. The calling thread has the batch (Batch::Use).
    Expiry(Runtime &runtime, Ref<Queue> queue, const Target &target, Target spare, const CallOptions &options,
           Batch &batch, std::optional<wb_batch_result> &out, int64_t submitted_ns);
    ~Expiry();

    // Does one step. True after the last, when all rows' busy marks are given back.
    bool step();
    const Status &outcome() const { return outcome_; }  // of the whole batch, after the last step

  private:
    enum class Stage { opening, locking, answering, unlocking };
    bool do_some();
    bool fail(Status why);
    bool lock_some();
    bool answer_some();
    static Window next(const Window &of, int64_t done, int64_t most);

    const Ref<Queue> queue_;
    const Clock &clock_;
    Batch &batch_;
    BatchRows rows_;
    const Schema &schema_;
    ColumnSink sink_;
    Request request_;
    Stage stage_ = Stage::opening;
    int64_t done_ = 0;  // rows that the current stage has behind it
    std::deque<RowLock> locks_;
    Status outcome_;
};

}  // namespace weighbridge::lib
