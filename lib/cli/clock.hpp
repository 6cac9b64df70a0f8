// SPDX-License-Identifier: Apache-2.0
// Waiting for a time without keeping a core busy.
#pragma once

#include <cstdint>

namespace weighbridge::cli {

// Times are wb_now_ns(): CLOCK_MONOTONIC in nanoseconds.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual int64_t now_ns() = 0;
    // Returns at `due_ns` or soon after; at once where that is past. False once interrupted() says so.
    virtual bool wait_until(int64_t due_ns) = 0;
};

// Sleeps, and spins for the last 5 us at most. Made by the thread that uses it, whose timer slack it takes away: Linux
// wakes others 50 us late.
class SystemClock final : public Clock {
  public:
    SystemClock();
    int64_t now_ns() override;
    bool wait_until(int64_t due_ns) override;
};

}  // namespace weighbridge::cli
