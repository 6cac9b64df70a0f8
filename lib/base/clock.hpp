// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

class Condition;
class ForkMutex;

// Time as everything above reads it: nanoseconds of CLOCK_MONOTONIC. A test hands in its own. Never owned through this
// class, whose objects have no destructor to run.
class Clock {
  public:
    virtual int64_t now_ns() const = 0;

    // Sleeps on a condition whose mutex the caller holds, until it is notified, spuriously, or until this clock reaches
    // deadline_ns (WB_NO_DEADLINE: never). The default waits by CLOCK_MONOTONIC.
    virtual void wait_until(Condition &condition, ForkMutex &mutex, int64_t deadline_ns) const;

  protected:
    ~Clock() = default;
};

// The machine's clock. Thread-safe, stateless.
const Clock &steady_clock();

}  // namespace weighbridge::lib
