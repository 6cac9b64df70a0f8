// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "base/ref.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/rows.hpp"
#include "engine/sinks.hpp"
#include "engine/target.hpp"

namespace weighbridge::lib {

class Expiry;
class Queue;

// What a submit asks for: a row or the window of a batch. Copied, but for the memory that a batch describes and that
// `outputs` and `batch_out` name.
struct SubmitOrder {
    const Target &target;
    void *row = nullptr;  // the caller's, for the length of the submit; null for a batch
    const CallOptions &options;
    Ref<RefCounted> cancel_owner = {};  // keeps options.cancel
    std::span<const OutputBuffer> outputs = {};
    Batch *batch = nullptr;
    wb_batch_result *batch_out = nullptr;  // only kept, for who delivers the completion
    Target spare = {};                     // the engine's to find, as Request takes it
};

// A slot of a completion queue, for a row or a batch and then its answer. One owner at a time, as a ring of states:
// the submitter fills a free one, the backlog holds it while it waits, one thread runs it, and the thread that drains
// the completion frees it.
class Submission final : public CancelToken::Waker {
  public:
    class Ride;
    enum class State : uint8_t { resting, waiting, running };  // resting: free, being filled, or complete

    Submission();
    ~Submission();

    // Copies the order; for the submitter. What wb_model_submit answers for the row and the buffers; then nothing is
    // kept.
    Status fill(const SubmitOrder &order, int64_t now_ns);
    // Scores, and stores outcome and result as the blocking call would have them. For the thread that runs it; the
    // caller's token ends it early. `company`: who else waits, or null.
    void run(Runtime &runtime, Company *company = nullptr);
    // Answers after the deadline, one bounded step at a time; true after the last. Holds its queue until then.
    bool expire(Runtime &runtime);
    // Stores `why` as the answer, without running. Does not release the model, as the backlog's mutex is held.
    void refuse(Runtime &runtime, const Status &why);
    // Releases what the order referred to; for the submitter or the drainer.
    void clear();

    void wake() override;  // called when the caller's token is set

    bool is_cancelled() const { return callers_token_ && callers_token_->is_set(); }
    Priority priority() const { return options_.priority; }
    int64_t deadline_ns() const { return options_.deadline_ns; }
    // Whether it may be run by who runs another row of this model, and when that has to be through.
    bool may_ride(const Model &model) const { return !batch_ && !alone && target_.model.get() == &model; }
    bool rides_with(const Submission &other) const { return may_ride(*other.target_.model); }
    int64_t ride_deadline_ns() const;
    // How long it would run with others, of which there are so many; 0 for by itself.
    int64_t ride_ns(int64_t others) const;
    void let_go_of_target() { target_ = spare_ = Target(); }  // a completion that nobody drains holds no model

    // The answer, once done.
    Status outcome;
    wb_result result = WB_RESULT_INIT;            // of a row
    std::optional<wb_batch_result> batch_result;  // of a batch that ran
    wb_batch_result *batch_out = nullptr;         // the order's

    CancelToken stop;

    Queue *queue = nullptr;  // constant
    // Guarded by the backlog's mutex; `next` of a free one by its queue's.
    State state = State::resting;
    bool alone = false;  // a run that it shared failed
    uint64_t tag = 0;
    Submission *next = nullptr;
    Submission *previous = nullptr;
    size_t heap_place = DeadlineHeap<Submission>::kNowhere;

  private:
    Status copy_row(const SubmitOrder &order);
    Status copy_batch(const SubmitOrder &order);
    Status answer(Runtime &runtime);
    Status serve(Runtime &runtime, RequestRows &rows, Sink &sink);

    Target target_;
    Target spare_;
    CallOptions options_;  // with `stop` as its token
    std::vector<OutputBuffer> outputs_;
    std::vector<uint64_t> row_;
    Ref<Batch> batch_;                // null for a row
    std::unique_ptr<Expiry> expiry_;  // between two parts of expire()
    int64_t submitted_ns_ = 0;
    CancelToken *callers_token_ = nullptr;
    Ref<RefCounted> cancel_owner_;
};

}  // namespace weighbridge::lib
