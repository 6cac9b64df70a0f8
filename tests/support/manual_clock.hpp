// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/fork.hpp"

namespace weighbridge::test {

// A clock that stands until a test moves it; moving it wakes those whose deadline it reaches. Thread-safe.
class ManualClock final : public lib::Clock {
  public:
    explicit ManualClock(int64_t start_ns = 1'000'000'000) : now_ns_(start_ns) {}

    int64_t now_ns() const override { return now_ns_.load(std::memory_order_acquire); }

    void wait_until(lib::Condition &condition, lib::ForkMutex &mutex, int64_t deadline_ns) const override {
        Sleeper self{&condition, &mutex, deadline_ns};
        {
            std::lock_guard lock(mutex_);
            if (deadline_ns != WB_NO_DEADLINE && now_ns() >= deadline_ns) return;
            sleepers_.push_back(&self);
        }
        condition.wait_until(mutex, WB_NO_DEADLINE);
        std::lock_guard lock(mutex_);
        sleepers_.erase(std::find(sleepers_.begin(), sleepers_.end(), &self));
    }

    void advance(int64_t by_ns) {
        {
            std::lock_guard lock(mutex_);
            now_ns_.fetch_add(by_ns, std::memory_order_acq_rel);
        }
        while (wake_one_due()) std::this_thread::yield();
    }

  private:
    struct Sleeper {
        lib::Condition *condition;
        lib::ForkMutex *mutex;
        int64_t deadline_ns;
        bool woken = false;
    };

    // A sleeper locks mutex_ under its own, so that its own is only tried here: it is free once the sleeper sleeps.
    bool wake_one_due() {
        std::lock_guard lock(mutex_);
        for (Sleeper *sleeper : sleepers_) {
            if (sleeper->woken || sleeper->deadline_ns == WB_NO_DEADLINE || sleeper->deadline_ns > now_ns()) continue;
            if (sleeper->mutex->try_lock()) {
                sleeper->woken = true;
                sleeper->condition->notify_all();
                sleeper->mutex->unlock();
            }
            return true;
        }
        return false;
    }

    mutable std::mutex mutex_;
    std::atomic<int64_t> now_ns_;              // written under mutex_
    mutable std::vector<Sleeper *> sleepers_;  // guarded by mutex_
};

}  // namespace weighbridge::test
