// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/fork.hpp"

namespace weighbridge::lib {

// A condition variable that counts: threads asleep, and those of them that a wake-up is on its way to. A wake-up is a
// system call, so none is sent to a thread that has one coming, and it may be sent after the mutex is released. All but
// wake_one() are called under the mutex.
class Sleepers {
  public:
    void sleep(const Clock &clock, ForkMutex &mutex, int64_t until_ns) {
        ++asleep_;
        clock.wait_until(condition_, mutex, until_ns);
        --asleep_;
        if (told_ > 0) --told_;
    }

    // Reserves a wake-up; true where a thread sleeps without one, and then wake_one() has to follow.
    bool tell_one() {
        if (asleep_ == told_) return false;
        ++told_;
        return true;
    }
    int told() const { return told_; }

    void wake_one() { condition_.notify_one(); }
    void wake_all() {
        told_ = asleep_;
        condition_.notify_all();
    }

  private:
    Condition condition_;
    int asleep_ = 0;
    int told_ = 0;  // of those asleep, the ones with a wake-up on its way
};

}  // namespace weighbridge::lib
