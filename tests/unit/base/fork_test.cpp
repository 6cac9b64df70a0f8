// SPDX-License-Identifier: Apache-2.0
#include "base/fork.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace weighbridge::lib;
using weighbridge::test::in_child;

TEST_CASE("the fork epoch is one number for all threads of a process") {
    uint64_t here = fork_epoch();
    REQUIRE(here != 0);
    std::vector<std::thread> threads;
    std::atomic<int> others{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            if (fork_epoch() != here) ++others;
        });
    for (auto &thread : threads) thread.join();
    REQUIRE(others == 0);
    REQUIRE(fork_epoch() == here);
}

TEST_CASE("the fork epoch differs in a child and in a grandchild, and stays in the parent") {
    uint64_t parent = fork_epoch();
    int result = in_child([&] {
        uint64_t child = fork_epoch();
        if (child == 0 || child == parent || child != fork_epoch()) return 1;
        return in_child([&] {
            uint64_t grandchild = fork_epoch();
            return grandchild != 0 && grandchild != child && grandchild != parent ? 0 : 2;
        });
    });
    REQUIRE(result == 0);
    REQUIRE(fork_epoch() == parent);
}

TEST_CASE("a grandchild's epoch is new where the child never asked for its own") {
    uint64_t parent = fork_epoch();
    REQUIRE(in_child([&] { return in_child([&] { return fork_epoch() != parent ? 0 : 1; }); }) == 0);
}

TEST_CASE("a ForkMutex excludes") {
    ForkMutex mutex;
    int64_t count = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 2000; ++j) {
                std::lock_guard lock(mutex);
                ++count;
            }
        });
    for (auto &thread : threads) thread.join();
    REQUIRE(count == 8000);
    REQUIRE(mutex.try_lock());
    std::thread([&] { count = mutex.try_lock() ? 1 : 0; }).join();
    REQUIRE(count == 0);
    mutex.unlock();
}

TEST_CASE("a ForkMutex that another thread of the parent held can be locked in the child") {
    ForkMutex mutex;
    std::atomic<bool> held{false}, leave{false};
    std::thread holder([&] {
        std::lock_guard lock(mutex);
        held = true;
        while (!leave) std::this_thread::yield();
    });
    while (!held) std::this_thread::yield();
    int result = in_child([&] {
        if (!mutex.try_lock()) return 1;
        if (mutex.try_lock()) return 2;
        mutex.unlock();
        mutex.lock();
        mutex.unlock();
        return 0;
    });
    leave = true;
    holder.join();
    REQUIRE(result == 0);
}

TEST_CASE("racing threads of a child renew a held ForkMutex once") {
    if (!weighbridge::test::kChildrenHaveThreads) return;
    ForkMutex mutex;
    mutex.lock();
    int result = in_child([&] {
        int64_t count = 0;
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int j = 0; j < 500; ++j) {
                    std::lock_guard lock(mutex);
                    ++count;
                }
            });
        for (auto &thread : threads) thread.join();
        return count == 2000 ? 0 : 1;
    });
    mutex.unlock();
    REQUIRE(result == 0);
}

TEST_CASE("a Condition returns at a deadline, past ones and negative ones at once") {
    ForkMutex mutex;
    Condition condition;
    std::lock_guard lock(mutex);
    int64_t begun = steady_clock().now_ns();
    condition.wait_until(mutex, begun - 1);
    condition.wait_until(mutex, -5);
    condition.wait_until(mutex, 0);
    int64_t until = steady_clock().now_ns() + 2'000'000;
    while (steady_clock().now_ns() < until) condition.wait_until(mutex, until);
    REQUIRE(steady_clock().now_ns() - begun < 10'000'000'000);
}

TEST_CASE("a Condition with a parent's waiter works and is destroyed in the child") {
    ForkMutex mutex;
    auto *condition = new Condition;
    bool waiting = false, leave = false;
    std::thread waiter([&] {
        std::lock_guard lock(mutex);
        waiting = true;
        while (!leave) condition->wait_until(mutex, WB_NO_DEADLINE);
    });
    auto sleeps = [&] {
        std::lock_guard lock(mutex);
        return waiting;
    };
    while (!sleeps()) std::this_thread::yield();
    int used = in_child([&] {
        std::lock_guard lock(mutex);
        condition->notify_all();
        condition->wait_until(mutex, steady_clock().now_ns() + 1'000'000);
        condition->notify_one();
        delete condition;
        return 0;
    });
    int unused = in_child([&] {
        delete condition;
        return 0;
    });
    {
        std::lock_guard lock(mutex);
        leave = true;
        condition->notify_all();
    }
    waiter.join();
    delete condition;
    REQUIRE(used == 0);
    REQUIRE(unused == 0);
}
