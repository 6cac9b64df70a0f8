// SPDX-License-Identifier: Apache-2.0
#include "pool/pool.hpp"

#include <sched.h>

#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

using namespace weighbridge::lib;
using weighbridge::test::ManualClock;

namespace {

void wait_for_waiters(const Pool &pool, uint32_t count) {
    while (pool.waiting() != count) std::this_thread::yield();
}

// A thread that acquires; what it got is read after join().
struct Request {
    Request(Pool &pool, Priority priority, int64_t deadline_ns = WB_NO_DEADLINE, CancelToken *cancel = nullptr,
            Patience patience = Patience::queue)
        : thread([this, &pool, priority, deadline_ns, cancel, patience] {
              auto got = pool.acquire(priority, deadline_ns, cancel, patience);
              status = got.status();
              if (got) lease = *std::move(got);
          }) {}
    Status join() {
        thread.join();
        return status;
    }
    Pool::Lease lease;
    Status status;
    std::thread thread;
};

}  // namespace

TEST_CASE("a pool hands out each context once, and again when it is back") {
    Pool pool(3, 0, steady_clock());
    std::set<int> seen;
    {
        std::vector<Pool::Lease> leases;
        for (int i = 0; i < 3; ++i) {
            auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
            REQUIRE(lease);
            REQUIRE(lease->context().index >= 0);
            REQUIRE(lease->context().index < 3);
            seen.insert(lease->context().index);
            leases.push_back(*std::move(lease));
        }
        auto refused = pool.acquire(Priority::high, WB_NO_DEADLINE, nullptr);
        REQUIRE(refused.status().code == WB_OVERLOADED);
        REQUIRE(std::string(refused.status().message) ==
                "expected a free context or room in the queue, found 3 busy and 0 waiting");
    }
    REQUIRE(seen.size() == 3);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr));
}

TEST_CASE("a call that may not wait is told so, and does not overtake") {
    Pool pool(1, 8, steady_clock());
    auto impatient = [&] { return pool.acquire(Priority::high, WB_NO_DEADLINE, nullptr, Patience::none); };
    auto lease = impatient();
    REQUIRE(lease);
    auto told = impatient();
    REQUIRE(told.status().code == WB_WOULD_WAIT);
    REQUIRE(std::string(told.status().message) ==
            "expected a free context and nobody before, found 1 contexts and 0 waiting");
    REQUIRE(pool.waiting() == 0);

    Request waiting(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    REQUIRE(impatient().status().code == WB_WOULD_WAIT);
    lease->reset();
    REQUIRE(waiting.join().ok());
    REQUIRE(impatient().status().code == WB_WOULD_WAIT);
    waiting.lease.reset();
    REQUIRE(impatient());
    pool.refuse();
    REQUIRE(impatient().status().code == WB_CLOSED);
}

TEST_CASE("the context used last is handed out first") {
    Pool pool(4, 0, steady_clock());
    int first = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr)->context().index;
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr)->context().index == first);
}

TEST_CASE("a lease moves, and gives back once") {
    Pool pool(1, 0, steady_clock());
    auto got = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Pool::Lease first = *std::move(got);
    Pool::Lease second = std::move(first);
    REQUIRE_FALSE(first);
    REQUIRE(second);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED);
    second.reset();
    second.reset();
    auto again = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    REQUIRE(again);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED);
}

TEST_CASE("a past deadline and a set token are refused even where a context is free") {
    ManualClock clock(1000);
    Pool pool(1, 8, clock);
    REQUIRE(pool.acquire(Priority::normal, 1000, nullptr).status().code == WB_DEADLINE_EXCEEDED);
    REQUIRE(pool.acquire(Priority::normal, -1, nullptr).status().code == WB_DEADLINE_EXCEEDED);
    REQUIRE(pool.acquire(Priority::normal, 1001, nullptr));
    CancelToken token;
    token.set(true);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, &token).status().code == WB_CANCELLED);
}

TEST_CASE("waiters are served in order, high priority before normal") {
    Pool pool(1, 16, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    std::mutex mutex;
    std::vector<int> order;
    std::vector<std::thread> threads;
    auto wait = [&](int name, Priority priority) {
        uint32_t before = pool.waiting();
        threads.emplace_back([&, name, priority] {
            auto lease = pool.acquire(priority, WB_NO_DEADLINE, nullptr);
            std::lock_guard lock(mutex);
            order.push_back(lease ? name : -1);
        });
        wait_for_waiters(pool, before + 1);
    };
    wait(1, Priority::normal);
    wait(2, Priority::normal);
    wait(11, Priority::high);
    wait(3, Priority::normal);
    wait(12, Priority::high);
    *held = Pool::Lease();
    for (auto &thread : threads) thread.join();
    REQUIRE(order == std::vector<int>{11, 12, 1, 2, 3});
    REQUIRE(pool.waiting() == 0);
}

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

TEST_CASE("the queue's bound counts both classes") {
    Pool pool(1, 2, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request first(pool, Priority::normal);
    wait_for_waiters(pool, 1);
    Request second(pool, Priority::high);
    wait_for_waiters(pool, 2);
    CancelToken token;
    REQUIRE(pool.acquire(Priority::high, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, &token).status().code == WB_OVERLOADED);
    held->reset();
    REQUIRE(second.join().ok());
    REQUIRE(second.lease);
    second.lease.reset();
    REQUIRE(first.join().ok());
}

TEST_CASE("what a completion queue has accepted is not shed by the limit, and takes nothing from it") {
    Pool pool(1, 1, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request accepted(pool, Priority::normal, WB_NO_DEADLINE, nullptr, Patience::accepted);
    wait_for_waiters(pool, 1);
    Request caller(pool, Priority::normal);
    wait_for_waiters(pool, 2);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED);
    Request also_accepted(pool, Priority::normal, WB_NO_DEADLINE, nullptr, Patience::accepted);
    wait_for_waiters(pool, 3);
    held->reset();
    for (Request *request : {&accepted, &caller, &also_accepted}) {
        REQUIRE(request->join().ok());
        request->lease.reset();
    }
}

TEST_CASE("a waiter leaves at its deadline by the pool's clock, and those behind it stay") {
    ManualClock clock(0);
    Pool pool(1, 16, clock);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request early(pool, Priority::normal, 1000);
    wait_for_waiters(pool, 1);
    Request patient(pool, Priority::normal, 2000);
    wait_for_waiters(pool, 2);
    Request endless(pool, Priority::normal);
    wait_for_waiters(pool, 3);
    clock.advance(999);
    REQUIRE(pool.waiting() == 3);
    clock.advance(1);
    Status late = early.join();
    REQUIRE(late.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(std::string(late.message).find("the deadline passed before one of 1 contexts was free") == 0);
    REQUIRE(pool.waiting() == 2);
    held->reset();
    REQUIRE(patient.join().ok());
    patient.lease.reset();
    REQUIRE(endless.join().ok());
}

TEST_CASE("a waiter leaves when its token is set, and only then") {
    Pool pool(1, 16, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    CancelToken token, other;
    Request first(pool, Priority::normal, WB_NO_DEADLINE, &token);
    wait_for_waiters(pool, 1);
    Request second(pool, Priority::high, WB_NO_DEADLINE, &other);
    wait_for_waiters(pool, 2);
    token.set(true);
    REQUIRE(first.join().code == WB_CANCELLED);
    REQUIRE(pool.waiting() == 1);
    held->reset();
    REQUIRE(second.join().ok());
}

TEST_CASE("a token that is set and cleared at once still ends those who waited") {
    Pool pool(1, 16, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    CancelToken token;
    Request waiter(pool, Priority::normal, WB_NO_DEADLINE, &token);
    wait_for_waiters(pool, 1);
    token.set(true);
    token.set(false);
    REQUIRE(waiter.join().code == WB_CANCELLED);
}

TEST_CASE("one token ends many waiters of several pools") {
    Pool pool(1, 16, steady_clock()), second_pool(1, 16, steady_clock());
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    auto second_held = second_pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    CancelToken token;
    Request a(pool, Priority::normal, WB_NO_DEADLINE, &token), b(pool, Priority::high, WB_NO_DEADLINE, &token),
        c(second_pool, Priority::normal, WB_NO_DEADLINE, &token);
    wait_for_waiters(pool, 2);
    wait_for_waiters(second_pool, 1);
    token.set(true);
    REQUIRE(a.join().code == WB_CANCELLED);
    REQUIRE(b.join().code == WB_CANCELLED);
    REQUIRE(c.join().code == WB_CANCELLED);
}

TEST_CASE("refuse turns waiters and newcomers away; drain waits for those who have a context") {
    ManualClock clock(0);
    Pool pool(2, 16, clock);
    auto first = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    auto second = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    Request waiter(pool, Priority::normal), urgent(pool, Priority::high, 500);
    wait_for_waiters(pool, 2);
    pool.refuse();
    REQUIRE(waiter.join().code == WB_CLOSED);
    REQUIRE(urgent.join().code == WB_CLOSED);
    REQUIRE(pool.acquire(Priority::high, WB_NO_DEADLINE, nullptr).status().code == WB_CLOSED);

    Status late = pool.drain(0);
    REQUIRE(late.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(std::string(late.message) == "expected every context back before the deadline, 2 of 2 are busy");
    first->reset();
    REQUIRE(pool.drain(0).code == WB_DEADLINE_EXCEEDED);

    Status drained;
    std::thread drainer([&] { drained = pool.drain(1000); });
    second->reset();
    drainer.join();
    REQUIRE(drained.ok());
    REQUIRE(pool.drain(0).ok());
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_CLOSED);
}

TEST_CASE("drain gives up at its deadline by the pool's clock") {
    ManualClock clock(0);
    Pool pool(1, 16, clock);
    auto held = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    pool.refuse();
    Status drained;
    std::thread drainer([&] { drained = pool.drain(1000); });
    clock.advance(1000);
    drainer.join();
    REQUIRE(drained.code == WB_DEADLINE_EXCEEDED);
}

TEST_CASE("hand-offs, deadlines and cancels that race lose no context and give none twice") {
    constexpr int kContexts = 2;
    Pool pool(kContexts, 4, steady_clock());
    std::atomic<int> users[kContexts] = {};
    std::atomic<int> clashes{0}, served{0};
    CancelToken token;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 1500; ++i) {
                int64_t deadline_ns = (i + t) % 3 == 0 ? steady_clock().now_ns() + 20'000 : WB_NO_DEADLINE;
                auto lease = pool.acquire(i % 5 == 0 ? Priority::high : Priority::normal, deadline_ns,
                                          t % 2 == 0 ? &token : nullptr);
                if (!lease) continue;
                auto &user = users[lease->context().index];
                if (user.fetch_add(1) != 0) ++clashes;
                ++served;
                if (i % 4 == 0) std::this_thread::yield();
                user.fetch_sub(1);
            }
        });
    std::thread canceller([&] {
        while (!stop) {
            token.set(true);
            token.set(false);
            std::this_thread::yield();
        }
    });
    for (auto &thread : threads) thread.join();
    stop = true;
    canceller.join();
    REQUIRE(clashes == 0);
    REQUIRE(served > 0);
    REQUIRE(pool.waiting() == 0);
    REQUIRE(pool.drain(0).ok());
}

TEST_CASE("a thread gets the context again that it had, whatever others take between") {
    Pool pool(3, 0, steady_clock());
    auto first = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    std::atomic<int> turn{0};
    std::vector<int> seen;
    std::thread other([&] {
        for (int i = 0; i < 3; ++i) {
            while (turn != 2 * i + 1) std::this_thread::yield();
            seen.push_back(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr)->context().index);
            turn = 2 * i + 2;
        }
    });
    for (int i = 0; i < 3; ++i) {
        turn = 2 * i + 1;
        while (turn != 2 * i + 2) std::this_thread::yield();
        first->reset();  // from the second turn on both contexts are free in between
    }
    other.join();
    REQUIRE(seen.size() == 3);
    REQUIRE(seen[0] == seen[1]);
    REQUIRE(seen[1] == seen[2]);
}

TEST_CASE("the clock is read again where a request had to wait, and only there") {
    ManualClock clock(500);
    Pool pool(1, 4, clock);
    int64_t now_ns = 17;
    {
        auto lease = pool.acquire(Priority::normal, 1000, nullptr, now_ns);
        REQUIRE(lease);
        REQUIRE(now_ns == 17);
        int64_t late_ns = 1000;
        REQUIRE(pool.acquire(Priority::normal, 1000, nullptr, late_ns).status().code == WB_DEADLINE_EXCEEDED);
        int64_t waited_ns = 500;
        std::thread waiter([&] { (void)pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr, waited_ns); });
        wait_for_waiters(pool, 1);
        clock.advance(250);
        lease->reset();
        waiter.join();
        REQUIRE(waited_ns == 750);
    }
}

// Threads come and go faster than anybody can wait for long, so that flags, gate and queue race all the time.
TEST_CASE("contexts that are taken without a lock are taken once, and nobody who waits is forgotten") {
    for (int contexts : {1, 2, 3}) {
        Pool pool(contexts, 64, steady_clock());
        std::vector<std::atomic<int>> users(static_cast<size_t>(contexts));
        std::atomic<int> clashes{0}, served{0}, refused{0};
        std::vector<std::thread> threads;
        constexpr int kThreads = 4, kRounds = 20'000;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < kRounds; ++i) {
                    auto lease =
                        pool.acquire((i + t) % 7 == 0 ? Priority::high : Priority::normal, WB_NO_DEADLINE, nullptr);
                    if (!lease) {
                        ++refused;
                        continue;
                    }
                    auto &user = users[static_cast<size_t>(lease->context().index)];
                    if (user.fetch_add(1) != 0) ++clashes;
                    ++served;
                    if (i % 64 == 0) std::this_thread::yield();
                    user.fetch_sub(1);
                }
            });
        for (auto &thread : threads) thread.join();
        REQUIRE(clashes == 0);
        REQUIRE(refused == 0);
        REQUIRE(served == kThreads * kRounds);
        REQUIRE(pool.waiting() == 0);
        REQUIRE(pool.drain(0).ok());
    }
}

TEST_CASE("who waits is served, however busy newcomers are") {
    Pool pool(1, 64, steady_clock());
    std::atomic<bool> stop{false};
    std::atomic<int64_t> rounds{0};
    std::vector<std::thread> busy;
    for (int t = 0; t < 2; ++t)
        busy.emplace_back([&] {
            while (!stop) {
                auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
                ++rounds;
            }
        });
    while (rounds == 0) std::this_thread::yield();  // until newcomers are there
    for (int i = 0; i < 200; ++i) {
        auto lease = pool.acquire(Priority::normal, steady_clock().now_ns() + 10'000'000'000, nullptr);
        REQUIRE(lease);
    }
    stop = true;
    for (auto &thread : busy) thread.join();
}

TEST_CASE("once drain is through, nobody has a context of a closed pool, however he raced for it") {
    for (int i = 0; i < 100; ++i) {
        Pool pool(2, 16, steady_clock());
        std::atomic<bool> drained{false};
        std::atomic<int> late{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                for (;;) {
                    auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
                    if (!lease) return;
                    if (drained) ++late;
                }
            });
        pool.refuse();
        Status status = pool.drain(WB_NO_DEADLINE);
        drained = true;
        for (auto &thread : threads) thread.join();
        REQUIRE(status.ok());
        REQUIRE(late == 0);
    }
}
