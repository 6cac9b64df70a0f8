// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

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
