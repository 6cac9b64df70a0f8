// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/fork.hpp"

namespace weighbridge::lib {

// Threads that sleep until there is something for one of them. Waking one is a system call, so nobody is woken who was
// told already, and it may be left until the mutex is free. All but wake_one() under the mutex that they sleep with.
class Sleepers {
  public:
    void sleep(const Clock &clock, ForkMutex &mutex, int64_t until_ns) {
        ++asleep_;
        clock.wait_until(condition_, mutex, until_ns);
        --asleep_;
        if (told_ > 0) --told_;
    }

    // Whether one sleeps that was not told yet: wake_one() has to follow.
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
    int told_ = 0;  // of those, who have been told and are not up yet
};

}  // namespace weighbridge::lib
