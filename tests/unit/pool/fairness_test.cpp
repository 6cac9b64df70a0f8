// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"
#include "unit/pool/pool_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

TEST_CASE("without a bound a freed context is its next holder's at once: nobody passes him") {
    Pool pool(1, 16, steady_clock(), 0);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request waiter(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    held->reset();
    REQUIRE(pool.waiting() == 0);
    auto barging = pool.acquire(Priority::high, steady_clock().now_ns(), nullptr);
    REQUIRE(barging.status().code == WB_DEADLINE_EXCEEDED);
    REQUIRE(waiter.join().ok());
    REQUIRE(waiter.lease);
}

namespace {

// Whether a request that may not wait gets a context; it gives it back at once.
bool passes(Pool &pool, Priority priority) {
    return pool.acquire(priority, WB_NO_DEADLINE, nullptr, Patience::none).status().ok();
}

// This thread and those that it starts run on one CPU.
class OneCpu {
  public:
    OneCpu() {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~OneCpu() { sched_setaffinity(0, sizeof before_, &before_); }

  private:
    cpu_set_t before_{};
};

thread_local int64_t last_reading = 0, began_ns = 0;  // of this thread's call

// A clock that stands until a test moves it, by which a waiter that is woken is on his way until the test lets him
// come.
struct SlowWaiters final : Clock {
    int64_t now_ns() const override { return now; }
    void wait_until(Condition &condition, ForkMutex &mutex, int64_t) const override {
        condition.wait_until(mutex, WB_NO_DEADLINE);
        while (!may_come) {
            mutex.unlock();
            std::this_thread::yield();
            mutex.lock();
        }
    }
    std::atomic<int64_t> now{0};
    std::atomic<bool> may_come{false};
};

}  // namespace

TEST_CASE("a newcomer passes those of his class until their first has waited for his bound") {
    SlowWaiters clock;
    Pool pool(1, 16, clock, 1000);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request waiter(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    held->reset();
    REQUIRE(passes(pool, Priority::normal));
    clock.now = 499;
    REQUIRE(passes(pool, Priority::normal));
    clock.now = 1000;
    REQUIRE_FALSE(passes(pool, Priority::normal));  // though the context is free
    REQUIRE(passes(pool, Priority::high));
    REQUIRE_FALSE(passes(pool, Priority::normal));
    clock.may_come = true;
    REQUIRE(waiter.join().ok());
}

TEST_CASE("a normal newcomer never passes a high waiter") {
    SlowWaiters clock;
    Pool pool(1, 16, clock, 1000);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request waiter(pool, Priority::high);
    wait_for_waiters(pool, 1);
    held->reset();
    REQUIRE_FALSE(passes(pool, Priority::normal));
    REQUIRE(passes(pool, Priority::high));
    clock.now = 1000;
    REQUIRE_FALSE(passes(pool, Priority::high));
    clock.may_come = true;
    REQUIRE(waiter.join().ok());
}

TEST_CASE("after the bound a context that comes back is the first's before he wakes; the next has a bound of his own") {
    SlowWaiters clock;
    Pool pool(2, 16, clock, 1000);
    auto one = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    auto two = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request first(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    Request second(pool, Priority::normal);
    wait_for_waiters(pool, 2);
    clock.now = 2000;
    one->reset();
    REQUIRE(pool.waiting() == 1);
    REQUIRE_FALSE(passes(pool, Priority::high));  // the context is not free
    two->reset();
    REQUIRE(pool.waiting() == 1);
    clock.now = 2124;
    REQUIRE(passes(pool, Priority::normal));
    clock.now = 2625;
    REQUIRE_FALSE(passes(pool, Priority::normal));
    clock.may_come = true;
    REQUIRE(first.join().ok());
    REQUIRE(second.join().ok());
}

TEST_CASE("in the second half of a short bound a thread hands over where it runs on the waiter's CPU") {
    const OneCpu here;
    SlowWaiters clock;
    Pool pool(1, 16, clock, 1000);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request waiter(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    clock.now = 499;
    held->reset();
    REQUIRE(passes(pool, Priority::normal));
    REQUIRE(pool.waiting() == 1);
    clock.now = 500;
    REQUIRE(passes(pool, Priority::normal));  // and hands over
    REQUIRE(pool.waiting() == 0);
    clock.may_come = true;
    REQUIRE(waiter.join().ok());
}

TEST_CASE("a waiter that leaves while he is called has the next one called") {
    SlowWaiters clock;
    Pool pool(1, 16, clock, 1000);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    CancelToken token;
    Request first(pool, Priority::normal, WB_NO_DEADLINE, &token);
    wait_for_waiters(pool, 1);
    Request second(pool, Priority::normal);
    wait_for_waiters(pool, 2);
    held->reset();
    token.set(true);
    clock.may_come = true;
    REQUIRE(first.join().code == WB_CANCELLED);
    REQUIRE(second.join().ok());
}

// With two threads at most one waits. His bound counts from the last time that his call reads the clock before it
// sleeps.
TEST_CASE("nobody who asks after a waiter's bound is served before him") {
    struct NotingClock final : Clock {
        int64_t now_ns() const override { return last_reading = steady_clock().now_ns(); }
        void wait_until(Condition &condition, ForkMutex &mutex, int64_t deadline_ns) const override {
            if (began_ns == 0) began_ns = last_reading;
            Clock::wait_until(condition, mutex, deadline_ns);
        }
    };
    struct Served {
        int64_t asked, began;
    };
    constexpr int64_t kBoundNs = 20'000;
    constexpr size_t kCalls = 100'000;
    const NotingClock clock;
    Pool pool(1, 4, clock, kBoundNs);
    std::vector<Served> served;  // who holds the context writes, so in the order of service
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (bool more = true; more;) {
                began_ns = 0;
                const int64_t asked_ns = steady_clock().now_ns();
                auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
                served.push_back({asked_ns, began_ns});
                more = served.size() < kCalls;
            }
        });
    for (auto &thread : threads) thread.join();
    size_t overtaken = 0;
    for (size_t i = 1; i < served.size(); ++i)
        overtaken += served[i].began != 0 && served[i - 1].asked >= served[i].began + kBoundNs;
    REQUIRE(overtaken == 0);
}
