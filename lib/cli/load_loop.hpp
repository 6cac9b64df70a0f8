// SPDX-License-Identifier: Apache-2.0
// Calls under load: a closed loop, whose thread waits for its answer (and thinks) before it calls again, and an open
// loop, whose calls come when they come, as those of a service's clients do.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>

#include "cli/clock.hpp"
#include "cli/metrics.hpp"

namespace weighbridge::cli {

// Durations of exponential distribution; one seed gives the same ones each time.
class Gaps {
  public:
    Gaps(double mean_ns, uint64_t seed) : mean_ns_(mean_ns), random_(seed) {}
    double next_ns();

  private:
    double mean_ns_;
    std::mt19937_64 random_;
};

// A Poisson process of calls; a thread that is free takes the next one, be it past. How many threads take them changes
// none of their times. Thread-safe.
class Arrivals {
  public:
    Arrivals(double calls_per_second, uint64_t seed, int64_t from_ns)
        : gaps_(1e9 / calls_per_second, seed), from_ns_(from_ns) {}
    int64_t next_ns();

  private:
    std::mutex mutex_;
    Gaps gaps_;            // guarded by mutex_, as since_ns_
    double since_ns_ = 0;  // of the last arrival, from from_ns_; a double loses no part of a gap
    int64_t from_ns_;
};

// When the calls of a thread are due: those of `arrivals` in an open loop; else in a closed loop, after a pause of
// `think` where that is there. Either is owned by the caller.
struct Pace {
    Arrivals *arrivals = nullptr;
    Gaps *think = nullptr;
};

// What one thread calls again and again.
class Caller {
  public:
    virtual ~Caller() = default;
    virtual void prepare() = 0;  // what a call is given; before it is due, where there is time
    virtual void call() = 0;     // is timed
    virtual void count() = 0;    // looks at the answer of a call that counts
};

// What the calls of a thread, or of several, took.
struct Timing {
    Latencies latencies;    // to the answer: from the call in a closed loop, from when it was due in an open one
    Latencies delays;       // of an open loop: from when a call was due to the call
    uint64_t late = 0;      // of an open loop: calls that were due before a thread was free
    int64_t behind_ns = 0;  // of an open loop: how long the oldest call that was not made was due at the end

    void add(const Timing &other);
};

// Calls until `end_ns`, or until the clock is interrupted; what began before `start_ns` is not counted.
void run_loop(Clock &clock, const Pace &pace, int64_t start_ns, int64_t end_ns, Caller &caller, Timing &timing);

}  // namespace weighbridge::cli
