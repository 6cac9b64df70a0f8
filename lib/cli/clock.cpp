// SPDX-License-Identifier: Apache-2.0
#include "cli/clock.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

#include "cli/interrupt.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::cli {

namespace {

constexpr int64_t spin_ns = 5'000;                // about what a wake-up takes on an idle core
constexpr int64_t longest_sleep_ns = 50'000'000;  // another thread may take the signal that interrupts

}  // namespace

SystemClock::SystemClock() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

int64_t SystemClock::now_ns() { return wb_now_ns(); }

bool SystemClock::wait_until(int64_t due_ns) {
    while (!interrupted()) {
        const int64_t now = wb_now_ns(), left = due_ns - now;
        if (left <= 0) return true;
        if (left <= spin_ns) continue;
        const int64_t until = now + std::min(left - spin_ns, longest_sleep_ns);
        const timespec time = {until / 1'000'000'000, until % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
    }
    return false;
}

}  // namespace weighbridge::cli
