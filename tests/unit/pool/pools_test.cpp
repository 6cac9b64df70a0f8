// SPDX-License-Identifier: Apache-2.0
// Pools by device, one of them a fake whose contexts hold two runs at once.
#include "pool/pools.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr Device kFake{Device::Kind::cpu, 7};

Expected<Pool::Lease> acquired(Pool &pool) {
    return pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr, Patience::none);
}

}  // namespace

TEST_CASE("a context that holds two runs hands out both, each with memory of its own", "[devices]") {
    Pool pool({1, kFake, 2}, 4, steady_clock());
    CHECK(pool.device() == kFake);
    CHECK(pool.contexts() == 1);
    CHECK(pool.runs() == 2);
    REQUIRE(pool.reserve(1000).ok());
    CHECK(pool.arena_bytes() == 2 * 1000);
    auto first = *acquired(pool), second = *acquired(pool);
    CHECK(&first.context() == &second.context());
    CHECK(first.run() != second.run());
    CHECK(&first.arena() != &second.arena());
    CHECK(first.arena().block()->data() != second.arena().block()->data());
    CHECK(acquired(pool).status().code == WB_WOULD_WAIT);

    const std::byte *kept = second.arena().block()->data();
    REQUIRE(pool.reserve(3000).ok());
    CHECK(pool.arena_bytes() == 2 * (1000 + 3000));
    CHECK(first.arena().block()->size() == 3000);
    first.reset();
    pool.trim();  // of the run that is free, not of the other one in the same context
    CHECK(pool.arena_bytes() == 2 * 3000 + 1000);
    CHECK(kept[999] == std::byte{0});
    const auto again = *acquired(pool);
    CHECK(again.arena().block()->size() == 3000);
    second.reset();
    pool.trim();
    CHECK(pool.arena_bytes() == 2 * 3000);
}

TEST_CASE("who waits gets whichever run comes back, and idle contexts are taken before second runs", "[devices]") {
    Pool pool({2, kFake, 2}, 4, steady_clock());
    std::vector<Pool::Lease> all;
    for (int i = 0; i < 4; ++i) all.push_back(*acquired(pool));
    CHECK(all[0].context().index != all[1].context().index);
    CHECK(all[2].context().index != all[3].context().index);
    std::set<int> runs;
    std::set<const Arena *> arenas;
    for (const Pool::Lease &lease : all) {
        runs.insert(lease.run());
        arenas.insert(&lease.arena());
    }
    CHECK(runs == std::set<int>{0, 1, 2, 3});
    CHECK(arenas.size() == 4);

    const int freed = all[3].run();
    int got = -1;
    std::thread waits([&] { got = (*pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr)).run(); });
    while (pool.waiting() == 0) std::this_thread::yield();
    all[3].reset();
    waits.join();
    CHECK(got == freed);

    pool.refuse();
    const Status busy = pool.drain(0);
    CHECK(busy.code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string(busy.message) == "expected every context back before the deadline, 3 of 4 are busy");
    all.clear();
    CHECK(pool.drain(0).ok());
}

TEST_CASE("a forked child has every run of every context free", "[devices]") {
    Pool pool({2, kFake, 2}, 4, steady_clock());
    REQUIRE(pool.reserve(100).ok());
    std::vector<Pool::Lease> all;
    for (int i = 0; i < 4; ++i) all.push_back(*acquired(pool));
    const int code = in_child([&] {
        std::set<const Arena *> arenas;
        std::vector<Pool::Lease> own;
        for (int i = 0; i < 4; ++i) {
            auto lease = acquired(pool);
            if (!lease) return 1;
            own.push_back(*std::move(lease));
            arenas.insert(&own.back().arena());
        }
        return arenas.size() == 4 && !acquired(pool) ? 0 : 2;
    });
    CHECK(code == 0);
}

TEST_CASE("an engine's pools are a list by device", "[devices]") {
    const std::vector<DeviceContexts> devices = {2, {1, kFake, 2}};
    Pools pools(devices, 1, steady_clock());
    CHECK(pools.find(Device{}) == 0);
    CHECK(pools.find(kFake) == 1);
    CHECK(pools.find({Device::Kind::cpu, 1}) == -1);
    CHECK(pools.cpu().device() == Device{});
    CHECK(&pools[1] != &pools.cpu());
    CHECK(pools.contexts() == 3);

    REQUIRE(pools.cpu().reserve(100).ok());
    REQUIRE(pools[1].reserve(1000).ok());
    CHECK(pools.arena_bytes() == 2 * 100 + 2 * 1000);
    REQUIRE(pools[1].reserve(2000).ok());
    CHECK(pools.arena_bytes() == 2 * 100 + 2 * 2000);  // free ones were trimmed

    std::vector<Pool::Lease> fakes;
    for (int i = 0; i < 2; ++i) fakes.push_back(*acquired(pools[1]));
    REQUIRE(pools[1].reserve(3000).ok());
    CHECK(pools.arena_bytes() == 2 * 100 + 2 * (2000 + 3000));
    CHECK(acquired(pools.cpu()));  // a device that is full keeps nobody from another
    Status waited;
    std::thread waits([&] { waited = pools[1].acquire(Priority::normal, WB_NO_DEADLINE, nullptr).status(); });
    while (pools.waiting() == 0) std::this_thread::yield();
    pools.refuse();
    waits.join();
    CHECK(waited.code == WB_CLOSED);
    CHECK(acquired(pools.cpu()).status().code == WB_CLOSED);
    CHECK(pools.drain(0).code == WB_DEADLINE_EXCEEDED);
    fakes.clear();
    CHECK(pools.drain(0).ok());
}
