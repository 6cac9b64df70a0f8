// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <time.h>

#include "base/fork.hpp"

namespace weighbridge::lib {
namespace {

class SteadyClock final : public Clock {
  public:
    int64_t now_ns() const override {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    }
};

constinit const SteadyClock steady;

}  // namespace

void Clock::wait_until(Condition &condition, ForkMutex &mutex, int64_t deadline_ns) const {
    condition.wait_until(mutex, deadline_ns);
}

const Clock &steady_clock() { return steady; }

}  // namespace weighbridge::lib
