// SPDX-License-Identifier: Apache-2.0
// Memory of contexts: what grows when, and who waits for it (nobody).
#include <atomic>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "pool/pool.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/manual_clock.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

Pool::Lease lease_of(Pool &pool) { return *pool.acquire(Priority::normal, WB_NO_DEADLINE, nullptr); }

size_t bytes_of(const Pool::Lease &lease) {
    const AlignedBuffer *block = lease.arena().block();
    return block ? block->size() : 0;
}

// Throws at the allocation that is as many ahead as it says.
std::atomic<int> allocations_left{0};
AlignedBuffer allocate_some(size_t bytes) {
    if (allocations_left-- == 0) throw std::bad_alloc();
    return AlignedBuffer(bytes);
}

}  // namespace

TEST_CASE("every context has what was reserved, and reserving as much again adds nothing", "[arena]") {
    Pool pool(3, 4, steady_clock());
    CHECK(pool.arena_bytes() == 0);
    CHECK(bytes_of(lease_of(pool)) == 0);
    REQUIRE(pool.reserve(1000).ok());
    CHECK(pool.arena_bytes() == 3000);
    std::vector<Pool::Lease> all;
    for (int i = 0; i < 3; ++i) {
        all.push_back(lease_of(pool));
        CHECK(bytes_of(all.back()) == 1000);
    }
    all.clear();
    REQUIRE(pool.reserve(1000).ok());
    REQUIRE(pool.reserve(10).ok());
    CHECK(pool.arena_bytes() == 3000);
}

TEST_CASE("a free context grows at once, a busy one when it comes back; nobody waits", "[arena]") {
    Pool pool(2, 4, steady_clock());
    REQUIRE(pool.reserve(1000).ok());
    Pool::Lease busy = lease_of(pool);
    std::byte *used = busy.arena().block()->data();
    std::memset(used, 7, 1000);

    REQUIRE(pool.reserve(2000).ok());
    CHECK(pool.arena_bytes() == 2 * 2000 + 1000);
    CHECK(bytes_of(lease_of(pool)) == 2000);
    REQUIRE(pool.reserve(3000).ok());
    CHECK(pool.arena_bytes() == 2 * 3000 + 2000 + 1000);
    for (int i = 0; i < 1000; ++i) REQUIRE(used[i] == std::byte{7});

    const int index = busy.context().index;
    busy.reset();
    std::vector<Pool::Lease> both;
    for (int i = 0; i < 2; ++i) both.push_back(lease_of(pool));
    for (const Pool::Lease &lease : both) CHECK(bytes_of(lease) == 3000);
    pool.trim();  // both are busy
    CHECK(pool.arena_bytes() == 2 * 3000 + 2000 + 1000);
    CHECK((both[0].context().index == index || both[1].context().index == index));
    both.clear();
    pool.trim();
    CHECK(pool.arena_bytes() == 2 * 3000);
}

TEST_CASE("where growth fails, at whichever context, all of them have what they had", "[arena]") {
    for (int ahead = 0; ahead < 3; ++ahead) {
        CAPTURE(ahead);
        Pool pool({3, Device{}, 1, allocate_some}, 4, steady_clock());
        allocations_left = 100;
        REQUIRE(pool.reserve(1000).ok());
        allocations_left = ahead;
        const Status failed = pool.reserve(2000);
        CHECK(failed.code == WB_OUT_OF_MEMORY);
        CHECK(std::string(failed.message) == "out of memory: expected 2000 bytes for each of 3 contexts");
        CHECK(pool.arena_bytes() == 3000);
        std::vector<Pool::Lease> all;
        for (int i = 0; i < 3; ++i) all.push_back(lease_of(pool));
        for (const Pool::Lease &lease : all) CHECK(bytes_of(lease) == 1000);
        allocations_left = 100;
        REQUIRE(pool.reserve(2000).ok());
    }
}

TEST_CASE("a closed pool grows without a wait, and drains", "[arena]") {
    Pool pool(2, 4, steady_clock());
    Pool::Lease busy = lease_of(pool);
    pool.refuse();
    REQUIRE(pool.reserve(1000).ok());
    CHECK(pool.drain(0).code == WB_DEADLINE_EXCEEDED);
    busy.reset();
    CHECK(pool.drain(0).ok());
}

TEST_CASE("a forked child grows contexts that were busy in its parent", "[arena]") {
    Pool pool(2, 4, steady_clock());
    REQUIRE(pool.reserve(1000).ok());
    Pool::Lease busy = lease_of(pool);
    const int code = in_child([&] {
        if (!pool.reserve(2000).ok()) return 1;
        const Pool::Lease first = lease_of(pool), second = lease_of(pool);
        if (bytes_of(first) != 2000 || bytes_of(second) != 2000) return 2;
        return pool.arena_bytes() == 4000 ? 0 : 3;
    });
    CHECK(code == 0);
    CHECK(bytes_of(busy) == 1000);
}

TEST_CASE("contexts that grow while they are taken and given back lose no memory and run in none that is freed",
          "[arena]") {
    Pool pool(2, 64, steady_clock());
    REQUIRE(pool.reserve(64).ok());
    std::atomic<bool> stop{false};
    std::atomic<int64_t> least{64};  // that runs which begin now have
    std::atomic<int> small{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            while (!stop) {
                const int64_t wanted = least;
                const Pool::Lease lease = lease_of(pool);
                AlignedBuffer *block = lease.arena().block();
                if (static_cast<int64_t>(block->size()) < wanted) ++small;
                std::memset(block->data(), 1, block->size());
            }
        });
    for (int64_t bytes = 128; bytes <= 64 * 200; bytes += 64) {
        REQUIRE(pool.reserve(bytes).ok());
        least = bytes;
        pool.trim();
    }
    stop = true;
    for (auto &thread : threads) thread.join();
    CHECK(small == 0);
    pool.trim();
    CHECK(pool.arena_bytes() == 2 * 64 * 200);
}
