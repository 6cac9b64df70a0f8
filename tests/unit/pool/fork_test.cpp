// SPDX-License-Identifier: Apache-2.0
// The symptom that these keep away: the first score in a forked worker hangs, because a thread that does not exist
// there holds the pool's mutex or its contexts.
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace weighbridge::lib;
using weighbridge::test::in_child;

namespace {

// Threads of the parent hammer the pool while others hold all its contexts and wait: a fork catches it anywhere.
struct BusyParent {
    explicit BusyParent(Pool &pool) {
        for (int i = 0; i < pool.contexts(); ++i)
            held.push_back(*pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr));
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([this, &pool] { (void)pool.acquire(Priority::normal, WB_NO_DEADLINE, &token); });
        while (pool.waiting() < 2) std::this_thread::yield();
        threads.emplace_back([this, &pool] {
            while (!stop) (void)pool.acquire(Priority::high, steady_clock().now_ns() + 1000, nullptr);
        });
    }
    ~BusyParent() {
        stop = true;
        token.set(true);
        for (auto &thread : threads) thread.join();
    }
    std::vector<Pool::Lease> held;
    CancelToken token;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
};

}  // namespace

TEST_CASE("a child finds every context free while the parent's threads hold them all") {
    Pool pool(2, 16, steady_clock());
    BusyParent parent(pool);
    for (int i = 0; i < 20; ++i) {
        int result = in_child([&] {
            if (pool.waiting() != 0) return 1;
            auto first = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
            auto second = pool.acquire(Priority::normal, WB_NO_DEADLINE, &parent.token);
            if (!first || !second || first->context().index == second->context().index) return 2;
            int64_t soon = steady_clock().now_ns() + 1'000'000;
            if (pool.acquire(Priority::normal, soon, nullptr).status().code != WB_DEADLINE_EXCEEDED) return 3;
            first->reset();
            if (!pool.acquire(Priority::high, WB_NO_DEADLINE, nullptr)) return 4;
            second->reset();
            pool.refuse();
            return pool.drain(0).ok() ? 0 : 5;
        });
        REQUIRE(result == 0);
    }
}

TEST_CASE("a lease that was taken before the fork gives nothing back in the child") {
    Pool pool(1, 0, steady_clock());
    auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
    int result = in_child([&] {
        auto mine = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
        lease->reset();
        return mine && pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED ? 0 : 1;
    });
    REQUIRE(result == 0);
    REQUIRE(pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_OVERLOADED);
}

TEST_CASE("a pool that was closed before the fork is closed in the child") {
    Pool pool(1, 0, steady_clock());
    pool.refuse();
    REQUIRE(in_child([&] {
                return pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status().code == WB_CLOSED ? 0 : 1;
            }) == 0);
}

TEST_CASE("a child may destroy its parent's pool, used or not") {
    auto pool = std::make_optional<Pool>(1, 16, steady_clock());
    BusyParent parent(*pool);
    REQUIRE(in_child([&] {
                pool.reset();
                return 0;
            }) == 0);
    REQUIRE(in_child([&] {
                (void)pool->acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
                pool.reset();
                return 0;
            }) == 0);
}

TEST_CASE("racing threads of a child share one fresh pool") {
    if (!weighbridge::test::kChildrenHaveThreads) return;
    Pool pool(2, 64, steady_clock());
    BusyParent parent(pool);
    int result = in_child([&] {
        std::atomic<int> users[2] = {}, clashes{0}, served{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 300; ++i) {
                    auto lease = pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr);
                    if (!lease) continue;
                    if (users[lease->context().index].fetch_add(1) != 0) ++clashes;
                    ++served;
                    users[lease->context().index].fetch_sub(1);
                }
            });
        for (auto &thread : threads) thread.join();
        return clashes == 0 && served == 1200 ? 0 : 1;
    });
    REQUIRE(result == 0);
}
