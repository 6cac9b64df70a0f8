// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/fork.hpp"
#include "base/status.hpp"

namespace weighbridge::lib {

// A flag that ends calls early. Waiters that sleep register a Waker, so that set() reaches them without polling.
class CancelToken {
  public:
    class Waker {
      public:
        // Called with the token's mutex held: may lock what its waiter waits under, to end its wait, and nothing else.
        virtual void wake() = 0;

      protected:
        ~Waker() = default;

      private:
        friend class CancelToken;
        Waker *next_ = nullptr;
        Waker *previous_ = nullptr;
    };

    bool is_set() const { return flag_.load(std::memory_order_acquire); }
    void set(bool value);  // thread-safe; set(true) calls every attached waker

    // The waker stays the caller's. After attach() a set(true) either shows in is_set() or calls wake(); after detach()
    // no wake() is running or will. Not to be called under a mutex that wake() locks.
    void attach(Waker &waker);
    void detach(Waker &waker);

  private:
    void drop_ancestors() WB_REQUIRES(mutex_);

    std::atomic<bool> flag_{false};
    ForkMutex mutex_;
    Waker *first_ WB_GUARDED_BY(mutex_) = nullptr;
    uint64_t epoch_ WB_GUARDED_BY(mutex_) = fork_epoch();  // of the process whose threads are in the list
};

// While it lives, a token that is set ends sleeps on a condition. Not to be made under the mutex.
class WakeOnCancel final : CancelToken::Waker {
  public:
    WakeOnCancel(CancelToken *token, ForkMutex &mutex, Condition &condition);  // token: null for none
    ~WakeOnCancel();
    WakeOnCancel(const WakeOnCancel &) = delete;
    WakeOnCancel &operator=(const WakeOnCancel &) = delete;

  private:
    void wake() override;

    CancelToken *const token_;
    ForkMutex &mutex_;
    Condition &condition_;
};

// The failure of a call that its StopSource ended: "cancelled while hashing it", "the deadline passed while hashing
// it".
Status ended_while(int32_t code, std::string_view doing);

inline bool is_stop(int32_t code) { return code == WB_CANCELLED || code == WB_DEADLINE_EXCEEDED; }

// When a call has to stop: what a backend polls between tiles, and a load between its steps. Cheap to copy, owns
// nothing. The default never stops.
struct StopSource {
    const Clock *clock = nullptr;   // not null where there is a deadline
    CancelToken *cancel = nullptr;  // null for none; sleepers attach to it
    int64_t deadline_ns = WB_NO_DEADLINE;

    // WB_OK, WB_CANCELLED or WB_DEADLINE_EXCEEDED. The clock is read only where there is a deadline.
    int32_t poll() const {
        if (cancel && cancel->is_set()) return WB_CANCELLED;
        if (deadline_ns != WB_NO_DEADLINE && clock->now_ns() >= deadline_ns) return WB_DEADLINE_EXCEEDED;
        return WB_OK;
    }

    // The same as a failure that says what was being done.
    template <class... Values>
    Status check(TextFormat<Values...> doing, const Values &...values) const {
        const int32_t code = poll();
        return code == WB_OK ? Status() : ended_while(code, formatted(doing, values...));
    }

    // Sleeps until `until_ns` by its clock, or until it says stop: then what poll() says.
    int32_t sleep_until(int64_t until_ns) const;
};

}  // namespace weighbridge::lib
