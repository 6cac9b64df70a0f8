// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/fork.hpp"

namespace weighbridge::lib {

// A flag that ends calls early. Waiters that sleep register a Waker, so that set() reaches them without polling.
class CancelToken {
  public:
    class Waker {
      public:
        virtual void wake() = 0;  // called with the token's mutex held: must only notify

      protected:
        ~Waker() = default;

      private:
        friend class CancelToken;
        Waker *next_ = nullptr;
        Waker *previous_ = nullptr;
    };

    bool is_set() const { return flag_.load(std::memory_order_acquire); }
    void set(bool value);  // thread-safe
    void attach(Waker &waker);
    void detach(Waker &waker);

  private:
    std::atomic<bool> flag_{false};
    ForkMutex mutex_;
    Waker *first_ = nullptr;  // guarded by mutex_
};

// When a call has to stop: what a backend polls between tiles. Cheap to copy, owns nothing.
struct StopSource {
    const Clock *clock = nullptr;           // not null
    const CancelToken *cancel = nullptr;    // null for none
    int64_t deadline_ns = WB_NO_DEADLINE;

    // WB_OK, WB_CANCELLED or WB_DEADLINE_EXCEEDED. The clock is read only where there is a deadline.
    int32_t poll() const {
        if (cancel && cancel->is_set()) return WB_CANCELLED;
        if (deadline_ns != WB_NO_DEADLINE && clock->now_ns() >= deadline_ns) return WB_DEADLINE_EXCEEDED;
        return WB_OK;
    }
};

}  // namespace weighbridge::lib
