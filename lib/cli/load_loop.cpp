// SPDX-License-Identifier: Apache-2.0
#include "cli/load_loop.hpp"

#include <algorithm>
#include <cmath>

namespace weighbridge::cli {

// The inverse of the distribution, of a number in (0, 1]: std::exponential_distribution differs between libraries.
double Gaps::next_ns() {
    const double share = static_cast<double>((random_() >> 11) + 1) * 0x1p-53;
    return -std::log(share) * mean_ns_;
}

int64_t Arrivals::next_ns() {
    const std::lock_guard lock(mutex_);
    since_ns_ += gaps_.next_ns();
    return from_ns_ + static_cast<int64_t>(since_ns_);
}

void Timing::add(const Timing &other) {
    latencies.add(other.latencies);
    delays.add(other.delays);
    late += other.late;
    behind_ns = std::max(behind_ns, other.behind_ns);
}

void run_loop(Clock &clock, const Pace &pace, int64_t start_ns, int64_t end_ns, Caller &caller, Timing &timing) {
    for (int64_t free_ns = clock.now_ns();;) {
        int64_t due_ns = free_ns;
        if (pace.arrivals) due_ns = pace.arrivals->next_ns();
        if (pace.think) due_ns += static_cast<int64_t>(pace.think->next_ns());
        if (due_ns >= end_ns) return;
        caller.prepare();
        if (!clock.wait_until(due_ns)) return;
        const int64_t begin_ns = clock.now_ns();
        if (begin_ns >= end_ns) {
            if (pace.arrivals) timing.behind_ns = std::max(timing.behind_ns, end_ns - due_ns);
            return;
        }
        caller.call();
        const bool late = due_ns < free_ns;
        free_ns = clock.now_ns();
        if (begin_ns < start_ns) continue;
        timing.latencies.add(free_ns - (pace.arrivals ? due_ns : begin_ns));
        if (pace.arrivals) {
            timing.delays.add(begin_ns - due_ns);
            timing.late += late;
        }
        caller.count();
    }
}

}  // namespace weighbridge::cli
