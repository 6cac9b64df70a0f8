// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>

#include "engine/request.hpp"

namespace weighbridge::lib {

class Queue;

// The answer of a batch that was submitted and whose deadline came before its turn: that of a request for it, in parts
// of some 100 us, so that the thread that keeps many deadlines is late for none. One thread at a time.
class Expiry {
  public:
    // As Request's; all but `queue`, which is kept, outlive it. The batch is this thread's.
    Expiry(Runtime &runtime, Ref<Queue> queue, const Target &target, Target spare, const CallOptions &options,
           Batch &batch, std::optional<wb_batch_result> &out, int64_t submitted_ns);
    ~Expiry();

    // Does a part. True once all is done, and no row's busy mark is held any more.
    bool go_on();
    const Status &outcome() const { return outcome_; }  // of all of it

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
    int64_t done_ = 0;  // rows of the stage
    std::deque<RowLock> locks_;
    Status outcome_;
};

}  // namespace weighbridge::lib
