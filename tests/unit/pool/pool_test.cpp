// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "unit/pool/pool_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

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
