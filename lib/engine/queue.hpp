// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "engine/backlog.hpp"
#include "weighbridge/c/queue.h"

namespace weighbridge::lib {

// Completion queue with room for `capacity` submissions, waiting, running and completed ones together. Thread-safe. In
// a forked child every call answers WB_FORKED, and the memory is leaked: the parent's threads may have been writing it.
class Queue final : public RefCounted {
  public:
    class Delivery;

    // WB_CLOSED. May throw std::bad_alloc.
    static Expected<Ref<Queue>> make(Ref<Backlog> backlog, uint32_t capacity);
    ~Queue() override;

    const Backlog &backlog() const { return *backlog_; }
    Status usable() const;  // WB_FORKED

    // See wb_model_submit.
    Status submit(uint64_t tag, const SubmitOrder &order);
    // Up to `most` completions, none where the deadline passed without one. See wb_queue_next.
    Expected<Delivery> next(size_t most, int64_t deadline_ns);
    Status cancel(uint64_t tag);
    void cancel(Submission &one);  // of this queue, as if its token were set
    Expected<int> descriptor();
    // shut() refuses and completes without waiting; close() then waits for what runs.
    void shut();
    Status close(int64_t deadline_ns);

  private:
    friend class Backlog;
    using Hold = Backlog::Hold;

    Queue(Ref<Backlog> backlog, uint32_t capacity);
    void retire() override;
    Submission *take_free();
    void give_free(Submission &first, Submission &last);  // a list of cleared ones
    Status accept(uint64_t tag, Submission &one);
    Status shed(const Target &target);
    Delivery deliver(Hold &hold, size_t most);
    void pass_on(Hold &hold);
    // Under the backlog's mutex.
    bool is_over() const { return closed_.load(std::memory_order_relaxed) && under_way_ == 0; }
    void end(Hold &hold, Submission &one);
    void completed(Hold &hold, Submission &one);
    void ended();
    void arm(Hold &hold, int64_t deadline_ns);
    void signal(bool readable);

    const ForkGuard born_;
    const Ref<Backlog> backlog_;
    const uint32_t capacity_;
    std::atomic<bool> closed_{false};  // written under the backlog's mutex
    ForkMutex free_mutex_;
    Submission *free_ WB_GUARDED_BY(free_mutex_) = nullptr;  // a stack: the last freed is warm in the cache
    // All below: guarded by the backlog's mutex.
    SubmissionList done_;
    uint32_t under_way_ = 0;  // waiting or running
    Sleepers drainers_;
    int64_t drainer_ns_ = WB_NO_DEADLINE;  // when a drainer that sleeps wakes by itself
    Condition over_;                       // is_over() holds
    int descriptor_ = -1;
    bool readable_ = false;
    const std::unique_ptr<Submission[]> places_;
};

// Completions handed to the caller. The destructor clears them and frees their places in the queue.
class Queue::Delivery {
  public:
    Delivery() = default;
    Delivery(Queue &of, Submission *first, size_t count) : queue_(&of), first_(first), count_(count) {}
    Delivery(Delivery &&other) noexcept
        : queue_(other.queue_), first_(std::exchange(other.first_, nullptr)), count_(other.count_) {}
    Delivery &operator=(Delivery &&) = delete;
    ~Delivery();

    size_t size() const { return count_; }
    const Submission *first() const { return first_; }  // the others by `next`

  private:
    Queue *queue_ = nullptr;
    Submission *first_ = nullptr;
    size_t count_ = 0;
};

}  // namespace weighbridge::lib
