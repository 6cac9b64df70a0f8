// SPDX-License-Identifier: Apache-2.0
/// @file
/// Asynchronous calls: futures, coroutines, and functions that whoever drains the queue runs.
#pragma once

#include <unistd.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "weighbridge/batch.hpp"
#include "weighbridge/c/queue.h"
#include "weighbridge/slot.hpp"

namespace weighbridge {
inline namespace v0 {

namespace detail {

/// Who is told of a completion.
class Receiver {
  public:
    virtual void receive(const wb_completion &done) noexcept = 0;

  protected:
    ~Receiver() = default;
};

/// Those of one queue who are still to be told, by the tags of their submits. Thread-safe. In a forked child the mutex
/// may be the parent's for ever: where it cannot be had there, nobody is found, and the queue answers WB_FORKED.
class Receivers {
  public:
    /// @return a tag that no other submit of the queue has
    uint64_t enter(Receiver &receiver) {
        const auto lock = locked();
        if (!lock) return kOwn;
        const uint64_t tag = kOwn | ++last_;
        by_tag_.emplace(tag, &receiver);
        return tag;
    }
    /// Whose tag this is, who is then forgotten; nullptr where it is nobody's.
    Receiver *take(uint64_t tag) noexcept {
        if ((tag & kOwn) == 0) return nullptr;
        const auto lock = locked();
        const auto found = lock ? by_tag_.find(tag) : by_tag_.end();
        if (found == by_tag_.end()) return nullptr;
        Receiver *receiver = found->second;
        by_tag_.erase(found);
        return receiver;
    }

  private:
    static constexpr uint64_t kOwn = uint64_t{1} << 63;
    std::unique_lock<std::mutex> locked() noexcept {
        std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock && getpid() == process_) lock.lock();
        return lock;
    }

    const pid_t process_ = getpid();
    std::mutex mutex_;
    uint64_t last_ = 0;
    std::unordered_map<uint64_t, Receiver *> by_tag_;
};

inline Expected<Result> result_of(const wb_completion &done) {
    if (done.status < 0) return error_of(done.status, done.error);
    Result result;
    static_cast<wb_result &>(result) = done.result;
    return result;
}

/// Owns itself from an accepted submit until it is told.
template <class Handler>
class RowReceiver final : public Receiver {
  public:
    explicit RowReceiver(Handler handler) : handler_(std::move(handler)) {}
    void receive(const wb_completion &done) noexcept override {
        const std::unique_ptr<RowReceiver> self(this);
        handler_(result_of(done));
    }

  private:
    Handler handler_;
};

template <class Handler>
class BatchReceiver final : public Receiver {
  public:
    explicit BatchReceiver(Handler handler) : handler_(std::move(handler)) {}
    void receive(const wb_completion &done) noexcept override {
        const std::unique_ptr<BatchReceiver> self(this);
        if (done.status < 0)
            handler_(Expected<BatchResult>(error_of(done.status, done.error)));
        else
            handler_(Expected<BatchResult>(result));
    }

    BatchResult result;

  private:
    Handler handler_;
};

inline Expected<void> submit(wb_queue *queue, uint64_t tag, const Model &model, Row &row, Deadline deadline,
                             const Call *call) {
    return done([&](wb_error *err) {
        return wb_model_submit(queue, tag, model.get(), row.data(), deadline.ns(), call ? call->get() : nullptr, err);
    });
}

inline Expected<void> submit(wb_queue *queue, uint64_t tag, const Slot &slot, Row &row, Deadline deadline,
                             const Call *call) {
    return done([&](wb_error *err) {
        return wb_slot_submit(queue, tag, slot.get(), row.data(), deadline.ns(), call ? call->get() : nullptr, err);
    });
}

inline Expected<void> submit(BatchResult &out, wb_queue *queue, uint64_t tag, const Model &model, Batch &batch,
                             Deadline deadline, const Call *call) {
    return done([&](wb_error *err) {
        return wb_model_submit_batch(&out, queue, tag, model.get(), batch.get(), deadline.ns(),
                                     call ? call->get() : nullptr, err);
    });
}

inline Expected<void> submit(BatchResult &out, wb_queue *queue, uint64_t tag, const Slot &slot, Batch &batch,
                             Deadline deadline, const Call *call) {
    return done([&](wb_error *err) {
        return wb_slot_submit_batch(&out, queue, tag, slot.get(), batch.get(), deadline.ns(),
                                    call ? call->get() : nullptr, err);
    });
}

}  // namespace detail

/// A completion queue. Move-only; every member but moving and destroying is thread-safe. Submits go to a Model or a
/// Slot of its engine. The row is copied, and the call's options too; the call's output buffers stay the library's
/// until the completion, and its cancel token ends the submit. A submit that fails (WB_OVERLOADED: the queue is full)
/// tells nobody else; c/queue.h lists the errors.
///
/// Where a context is free, a call that waits is sooner done: score with Call::wait(false) first, and submit on
/// WB_WOULD_WAIT.
///
/// Destroying closes the queue, waits for what runs, and tells everybody who is still to be told, on that thread, of
/// WB_CLOSED or of the answer. In a forked child the parent's queue answers WB_FORKED, and destroying it tells nobody.
///
/// get() serves for submits in C too, with tags below 2^63: those above are the Queue's own. Their completions go to
/// the function that drain() is given, and are dropped where it is given none.
class Queue {
  public:
    /// @param capacity  the most that may be under way or undelivered at a time, in [1, WB_QUEUE_CAPACITY_LIMIT]
    static Expected<Queue> create(const Engine &engine, uint32_t capacity = 1024) {
        auto handle = detail::made<wb_queue, wb_queue_free>(
            [&](wb_queue **out, wb_error *err) { return wb_queue_create(out, engine.get(), capacity, err); });
        if (!handle) return std::move(handle).error();
        return Queue(*std::move(handle));
    }
    ~Queue() { finish(); }
    Queue(Queue &&other) noexcept : handle_(std::move(other.handle_)), receivers_(other.receivers_) {}
    Queue &operator=(Queue &&other) noexcept {
        if (this != &other) finish();
        handle_ = std::move(other.handle_);
        receivers_ = other.receivers_;
        return *this;
    }

    /// Tells those whose submits are complete, up to 16 of them, on this thread; waits for the first where there is
    /// none. @return how many came, 0 where the deadline passed; WB_CLOSED where the queue is closed and nothing is
    /// left
    Expected<size_t> drain(Deadline deadline = {}) {
        return drain(deadline, [](const wb_completion &) {});
    }

    /// The same; `other(const wb_completion &)` has those that are nobody's here: of submits in C, and of coroutines
    /// that were destroyed. It must not throw.
    template <class Other>
    Expected<size_t> drain(Deadline deadline, Other &&other) {
        std::array<wb_completion, 16> done;
        size_t count = 0;
        auto drained = detail::done([&](wb_error *err) {
            return wb_queue_next(done.data(), sizeof(wb_completion), done.size(), &count, get(), deadline.ns(), err);
        });
        if (!drained) return std::move(drained).error();
        const auto receivers = receivers_;  // one who is told may move the queue
        for (size_t i = 0; i < count; ++i) {
            if (detail::Receiver *receiver = receivers->take(done[i].tag))
                receiver->receive(done[i]);
            else
                other(std::as_const(done[i]));
        }
        return count;
    }

    /// Submits a row to a Model or Slot. `handler(Expected<Result>)` is called once, by who drains; it must not throw,
    /// and may submit again. It is destroyed uncalled where the submit fails. @return the tag, for cancel()
    template <class Target, class Handler>
    Expected<uint64_t> submit(const Target &target, Row &row, Handler handler,
                              Deadline deadline = Deadline::by_engine(), const Call *call = nullptr) {
        return enter(std::make_unique<detail::RowReceiver<Handler>>(std::move(handler)),
                     [&](auto &, uint64_t tag) { return detail::submit(get(), tag, target, row, deadline, call); });
    }

    /// Submits a batch's window, for `handler(Expected<BatchResult>)`. The batch may go on to its next window; what it
    /// describes, and the results by row, which are its own, must stay as they are until then.
    template <class Target, class Handler>
    Expected<uint64_t> submit(const Target &target, Batch &batch, Handler handler,
                              Deadline deadline = Deadline::by_engine(), const Call *call = nullptr) {
        return enter(std::make_unique<detail::BatchReceiver<Handler>>(std::move(handler)),
                     [&](auto &receiver, uint64_t tag) {
                         return detail::submit(receiver.result, get(), tag, target, batch, deadline, call);
                     });
    }

    /// Ends what is under way with this tag, submit()'s or one's own of a submit in C: its completion says
    /// WB_CANCELLED, or has the answer where that comes first. @return WB_NOT_FOUND (complete, or never submitted)
    Expected<void> cancel(uint64_t tag) {
        return detail::done([&](wb_error *err) { return wb_queue_cancel(get(), tag, err); });
    }

    /// The same as a future, which becomes ready when another thread drains.
    template <class Target>
    Expected<std::future<Expected<Result>>> async(const Target &target, Row &row,
                                                  Deadline deadline = Deadline::by_engine(),
                                                  const Call *call = nullptr) {
        std::promise<Expected<Result>> promise;
        auto future = promise.get_future();
        auto tell = [promise = std::move(promise)](Expected<Result> result) mutable {
            promise.set_value(std::move(result));
        };
        auto submitted = submit(target, row, std::move(tell), deadline, call);
        if (!submitted) return std::move(submitted).error();
        return future;
    }

    template <class Target>
    class Scoring;

    /// For co_await, which gives an Expected Result: submits, and goes on in who drains; at once where the submit
    /// fails. Queue, target, row and call must live until the coroutine is suspended. A coroutine that is destroyed
    /// while it waits, not while another thread drains, is told of nothing; its submit goes on, and the call's output
    /// buffers stay the library's until it ends: the call's cancel token ends it soon.
    template <class Target>
    Scoring<Target> score(const Target &target, Row &row, Deadline deadline = Deadline::by_engine(),
                          const Call *call = nullptr) {
        return Scoring<Target>(*this, target, row, deadline, call);
    }

    /// Refuses submits, completes what waits with WB_CLOSED, and waits until nothing runs. Draining goes on until it
    /// answers WB_CLOSED. WB_DEADLINE_EXCEEDED: something runs still.
    Expected<void> close(Deadline deadline = {}) {
        return detail::done([&](wb_error *err) { return wb_queue_close(get(), deadline.ns(), err); });
    }

    /// For event loops: readable exactly while drain() has something to tell. The queue's own: only to be polled.
    Expected<int> descriptor() {
        int32_t out = -1;
        auto made = detail::done([&](wb_error *err) { return wb_queue_fd(&out, get(), err); });
        if (!made) return std::move(made).error();
        return static_cast<int>(out);
    }

    wb_queue *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_queue, wb_queue_free>;
    explicit Queue(Handle handle) : handle_(std::move(handle)) {}
    template <class Receiver, class Submit>
    Expected<uint64_t> enter(std::unique_ptr<Receiver> receiver, Submit submit) {
        const auto receivers = receivers_;  // another thread may tell, and destroy the queue, before submit() is back
        const uint64_t tag = receivers->enter(*receiver);
        auto submitted = submit(*receiver, tag);
        if (!submitted) {
            receivers->take(tag);
            return std::move(submitted).error();
        }
        (void)receiver.release();
        return tag;
    }
    void finish() noexcept {
        if (!handle_) return;
        wb_queue_close(get(), WB_NO_DEADLINE, nullptr);
        while (drain()) {
        }
    }
    Handle handle_;
    std::shared_ptr<detail::Receivers> receivers_ = std::make_shared<detail::Receivers>();  // never null
};

/// What Queue::score gives: for one co_await, at once.
template <class Target>
class [[nodiscard]] Queue::Scoring final : detail::Receiver {
  public:
    Scoring(const Scoring &) = delete;
    Scoring &operator=(const Scoring &) = delete;
    ~Scoring() { forget(); }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        tag_ = receivers_->enter(*this);
        // Once it is accepted, another thread may go on with the coroutine: nothing of this is touched then.
        auto submitted = detail::submit(queue_, tag_, target_, row_, deadline_, call_);
        if (submitted) return true;
        forget();
        result_.emplace(std::move(submitted).error());
        return false;
    }
    Expected<Result> await_resume() { return *std::move(result_); }

  private:
    friend class Queue;
    Scoring(const Queue &queue, const Target &target, Row &row, Deadline deadline, const Call *call)
        : queue_(queue.get()),
          receivers_(queue.receivers_),
          target_(target),
          row_(row),
          deadline_(deadline),
          call_(call) {}
    void receive(const wb_completion &done) noexcept override {
        tag_ = 0;
        result_.emplace(detail::result_of(done));
        waiting_.resume();
    }
    void forget() noexcept { receivers_->take(std::exchange(tag_, 0)); }

    wb_queue *queue_;
    std::shared_ptr<detail::Receivers> receivers_;
    uint64_t tag_ = 0;  // 0 where it waits for nothing
    const Target &target_;
    Row &row_;
    Deadline deadline_;
    const Call *call_;
    std::coroutine_handle<> waiting_;
    std::optional<Expected<Result>> result_;
};

}  // namespace v0
}  // namespace weighbridge
