// SPDX-License-Identifier: Apache-2.0
#include "cli/load_loop.hpp"

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace weighbridge::cli;

namespace {

// Waits by moving its hand.
class ManualClock final : public Clock {
  public:
    int64_t now_ns() override { return now; }
    bool wait_until(int64_t due_ns) override {
        now = std::max(now, due_ns);
        return !stopped;
    }
    int64_t now = 0;
    bool stopped = false;
};

// Calls that take `took_ns`, in turn.
class Stopwatch final : public Caller {
  public:
    Stopwatch(ManualClock &clock, std::vector<int64_t> took_ns) : clock_(clock), took_ns_(std::move(took_ns)) {}
    void prepare() override {}
    void call() override {
        begins.push_back(clock_.now);
        clock_.now += took_ns_[(begins.size() - 1) % took_ns_.size()];
    }
    void count() override { ++counted; }
    std::vector<int64_t> begins;
    uint64_t counted = 0;

  private:
    ManualClock &clock_;
    std::vector<int64_t> took_ns_;
};

std::vector<int64_t> first(Arrivals &&arrivals, size_t count) {
    std::vector<int64_t> times(count);
    for (int64_t &time : times) time = arrivals.next_ns();
    return times;
}

}  // namespace

TEST_CASE("gaps are exponential: mean, spread and the share of short ones") {
    Gaps gaps(1000.0, 1);
    constexpr int count = 200000;
    double sum = 0.0, squares = 0.0;
    int shorter = 0;
    double least = 0.0;
    for (int i = 0; i < count; ++i) {
        const double gap = gaps.next_ns();
        sum += gap;
        squares += gap * gap;
        shorter += gap < 100.0;
        least = std::min(least, gap);
    }
    const double mean = sum / count;
    CHECK(least == 0.0);  // none is negative
    CHECK(mean == Approx(1000.0).epsilon(0.01));
    CHECK(squares / count - mean * mean == Approx(1000.0 * 1000.0).epsilon(0.03));
    CHECK(shorter / double{count} == Approx(1.0 - std::exp(-0.1)).epsilon(0.03));
}

TEST_CASE("a seed gives the same arrivals, another one others, in order and at the rate") {
    const auto times = first(Arrivals(1e6, 7, 500), 100000);
    CHECK(times == first(Arrivals(1e6, 7, 500), 100000));
    CHECK(times != first(Arrivals(1e6, 8, 500), 100000));
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(times.front() >= 500);
    CHECK(static_cast<double>(times.back() - 500) == Approx(1e8).epsilon(0.02));
}

TEST_CASE("threads that share arrivals take each one once") {
    Arrivals arrivals(1e6, 3, 0);
    std::vector<int64_t> taken[4];
    {
        std::vector<std::jthread> threads;
        for (auto &mine : taken)
            threads.emplace_back([&] {
                for (int i = 0; i < 1000; ++i) mine.push_back(arrivals.next_ns());
            });
    }
    std::vector<int64_t> all;
    for (const auto &mine : taken) all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    CHECK(all == first(Arrivals(1e6, 3, 0), 4000));
}

TEST_CASE("a closed loop calls again at once, and times the call") {
    ManualClock clock;
    Stopwatch calls(clock, {10, 30});
    Timing timing;
    run_loop(clock, {}, 0, 100, calls, timing);
    CHECK(calls.begins == std::vector<int64_t>{0, 10, 40, 50, 80, 90});
    CHECK(timing.latencies.count() == 6);
    CHECK(timing.latencies.max_ns() == 30);
    CHECK(timing.delays.count() == 0);
    CHECK(timing.late == 0);
    CHECK(timing.behind_ns == 0);
}

TEST_CASE("what began before the start is not counted") {
    ManualClock clock;
    Stopwatch calls(clock, {10});
    Timing timing;
    run_loop(clock, {}, 35, 100, calls, timing);
    CHECK(calls.begins.size() == 10);
    CHECK(timing.latencies.count() == 6);
    CHECK(calls.counted == 6);
}

TEST_CASE("a pause lies between answer and call, and is in no latency") {
    ManualClock clock;
    Stopwatch calls(clock, {10});
    Gaps think(1000.0, 5), same(1000.0, 5);
    Timing timing;
    run_loop(clock, {nullptr, &think}, 0, 100000, calls, timing);
    REQUIRE(calls.begins.size() > 50);
    int64_t answered = 0;
    for (const int64_t begin : calls.begins) {
        REQUIRE(begin == answered + static_cast<int64_t>(same.next_ns()));
        answered = begin + 10;
    }
    CHECK(timing.latencies.max_ns() == 10);
    CHECK(timing.delays.count() == 0);
}

TEST_CASE("a latency of an open loop begins when the call was due, not when a thread was free") {
    constexpr int64_t end = 1'000'000, stall = 400'000;
    const auto due = first(Arrivals(1e5, 11, 0), 200);  // one in 10 us
    ManualClock clock;
    std::vector<int64_t> took(1000, 100);
    took[0] = stall;  // the others then come into a backlog
    Stopwatch calls(clock, took);
    Arrivals arrivals(1e5, 11, 0);
    Timing timing, expected;
    run_loop(clock, {&arrivals, nullptr}, 0, end, calls, timing);

    int64_t free = 0;
    for (size_t i = 0; due[i] < end; ++i) {
        const int64_t begin = std::max(free, due[i]);
        expected.late += due[i] < free;
        free = begin + took[i];
        expected.latencies.add(free - due[i]);
        expected.delays.add(begin - due[i]);
    }
    CHECK(timing.late == expected.late);
    CHECK(timing.late > 30);  // those of the stall
    CHECK(timing.late < timing.latencies.count());
    CHECK(timing.latencies.count() == expected.latencies.count());
    for (const double share : {0.1, 0.3, 0.5, 0.9, 0.99, 1.0}) {
        CHECK(timing.latencies.quantile_ns(share) == expected.latencies.quantile_ns(share));
        CHECK(timing.delays.quantile_ns(share) == expected.delays.quantile_ns(share));
    }
    CHECK(timing.latencies.quantile_ns(0.3) <= 101);     // calls that found the thread free
    CHECK(timing.latencies.quantile_ns(0.8) > 100'000);  // all but one took 100, yet many waited
    CHECK(timing.latencies.max_ns() >= stall);
    CHECK(timing.behind_ns == 0);
}

TEST_CASE("an open loop that cannot keep up ends in time, and says how far behind it is") {
    ManualClock clock;
    Stopwatch calls(clock, {2000});  // twice what the rate leaves
    Arrivals arrivals(1e6, 2, 0);
    Timing timing;
    run_loop(clock, {&arrivals, nullptr}, 0, 1'000'000, calls, timing);
    CHECK(calls.begins.size() <= 501);
    CHECK(clock.now <= 1'000'000 + 2000);
    CHECK(timing.behind_ns > 400'000);
    CHECK(timing.behind_ns < 600'000);
    CHECK(timing.late >= 495);
}

TEST_CASE("a thread with nothing due before the end does not wait for it") {
    ManualClock clock;
    Stopwatch calls(clock, {10});
    Arrivals arrivals(1e-3, 1, 0);  // one in 1000 s
    Timing timing;
    run_loop(clock, {&arrivals, nullptr}, 0, 1000, calls, timing);
    CHECK(calls.begins.empty());
    CHECK(clock.now == 0);
    CHECK(timing.behind_ns == 0);
}

TEST_CASE("an interrupt ends the loop before the next call") {
    ManualClock clock;
    clock.stopped = true;
    Stopwatch calls(clock, {10});
    Timing timing;
    run_loop(clock, {}, 0, 1000, calls, timing);
    CHECK(calls.begins.empty());
}

TEST_CASE("timings add up") {
    Timing one, two;
    one.latencies.add(5);
    one.late = 2;
    one.behind_ns = 7;
    two.latencies.add(9);
    two.delays.add(3);
    two.late = 1;
    two.behind_ns = 4;
    one.add(two);
    CHECK(one.latencies.count() == 2);
    CHECK(one.latencies.max_ns() == 9);
    CHECK(one.delays.count() == 1);
    CHECK(one.late == 3);
    CHECK(one.behind_ns == 7);
}
