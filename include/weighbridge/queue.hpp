// SPDX-License-Identifier: Apache-2.0
/// @file
/// Asynchronous calls: futures, coroutines, and functions that whoever drains the queue runs.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "weighbridge/c/queue.h"
#include "weighbridge/slot.hpp"

namespace weighbridge {
inline namespace v0 {

namespace detail {

/// Who is told of a completion; its address is the submit's tag.
class Receiver {
  public:
    virtual void receive(Expected<Result> result) noexcept = 0;

  protected:
    ~Receiver() = default;
};

/// Owns itself from an accepted submit until it is told.
template <class Handler>
class OwnedReceiver final : public Receiver {
  public:
    explicit OwnedReceiver(Handler handler) : handler_(std::move(handler)) {}
    void receive(Expected<Result> result) noexcept override {
        const std::unique_ptr<OwnedReceiver> self(this);
        handler_(std::move(result));
    }

  private:
    Handler handler_;
};

inline Expected<Result> result_of(const wb_completion &done) {
    if (done.status < 0) return error_of(done.status, done.error);
    Result result;
    static_cast<wb_result &>(result) = done.result;
    return result;
}

inline Expected<void> submit(wb_queue *queue, Receiver &receiver, const Model &model, Row &row, Deadline deadline,
                             const Call *call) {
    return done([&](wb_error *err) {
        return wb_model_submit(queue, reinterpret_cast<uintptr_t>(&receiver), model.get(), row.data(), deadline.ns(),
                               call ? call->get() : nullptr, err);
    });
}

inline Expected<void> submit(wb_queue *queue, Receiver &receiver, const Slot &slot, Row &row, Deadline deadline,
                             const Call *call) {
    return done([&](wb_error *err) {
        return wb_slot_submit(queue, reinterpret_cast<uintptr_t>(&receiver), slot.get(), row.data(), deadline.ns(),
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
    Queue(Queue &&) noexcept = default;
    Queue &operator=(Queue &&other) noexcept {
        if (this != &other) finish();
        handle_ = std::move(other.handle_);
        return *this;
    }

    /// Tells those whose submits are complete, up to 16 of them, on this thread; waits for the first where there is
    /// none. @return how many, 0 where the deadline passed; WB_CLOSED where the queue is closed and nothing is left
    Expected<size_t> drain(Deadline deadline = {}) {
        std::array<wb_completion, 16> done;
        size_t count = 0;
        auto drained = detail::done([&](wb_error *err) {
            return wb_queue_next(done.data(), sizeof(wb_completion), done.size(), &count, get(), deadline.ns(), err);
        });
        if (!drained) return std::move(drained).error();
        for (size_t i = 0; i < count; ++i)
            reinterpret_cast<detail::Receiver *>(static_cast<uintptr_t>(done[i].tag))
                ->receive(detail::result_of(done[i]));
        return count;
    }

    /// Submits a row to a Model or Slot. `handler(Expected<Result>)` is called once, by who drains; it must not throw,
    /// and may submit again. It is destroyed uncalled where the submit fails.
    template <class Target, class Handler>
    Expected<void> submit(const Target &target, Row &row, Handler handler, Deadline deadline = {},
                          const Call *call = nullptr) {
        auto receiver = std::make_unique<detail::OwnedReceiver<Handler>>(std::move(handler));
        auto submitted = detail::submit(get(), *receiver, target, row, deadline, call);
        if (submitted) (void)receiver.release();
        return submitted;
    }

    /// The same as a future, which becomes ready when another thread drains.
    template <class Target>
    Expected<std::future<Expected<Result>>> async(const Target &target, Row &row, Deadline deadline = {},
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
    /// fails. Queue, target, row and call must live until the coroutine is suspended.
    template <class Target>
    Scoring<Target> score(const Target &target, Row &row, Deadline deadline = {}, const Call *call = nullptr) {
        return Scoring<Target>(get(), target, row, deadline, call);
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
    void finish() noexcept {
        if (!handle_) return;
        wb_queue_close(get(), WB_NO_DEADLINE, nullptr);
        while (drain()) {
        }
    }
    Handle handle_;
};

/// What Queue::score gives: for one co_await, at once.
template <class Target>
class [[nodiscard]] Queue::Scoring final : detail::Receiver {
  public:
    Scoring(const Scoring &) = delete;
    Scoring &operator=(const Scoring &) = delete;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        // Once it is accepted, another thread may go on with the coroutine: nothing of this is touched then.
        auto submitted = detail::submit(queue_, *this, target_, row_, deadline_, call_);
        if (submitted) return true;
        result_.emplace(std::move(submitted).error());
        return false;
    }
    Expected<Result> await_resume() { return *std::move(result_); }

  private:
    friend class Queue;
    Scoring(wb_queue *queue, const Target &target, Row &row, Deadline deadline, const Call *call)
        : queue_(queue), target_(target), row_(row), deadline_(deadline), call_(call) {}
    void receive(Expected<Result> result) noexcept override {
        result_.emplace(std::move(result));
        waiting_.resume();
    }

    wb_queue *queue_;
    const Target &target_;
    Row &row_;
    Deadline deadline_;
    const Call *call_;
    std::coroutine_handle<> waiting_;
    std::optional<Expected<Result>> result_;
};

}  // namespace v0
}  // namespace weighbridge
