// SPDX-License-Identifier: Apache-2.0
// What a slot has done, by version, over swaps.
#include "slot/ledger.hpp"

#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "telemetry/events.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

void count(const Ref<Account> &account, int64_t rows) {
    CallRecord call;
    call.rows = rows;
    account->counters.record(call);
}

// A slot that serves one version after the other.
struct Served {
    Ref<Account> swap(const std::string &version) { return swap(version, std::stoull(version)); }
    Ref<Account> swap(const std::string &version, uint64_t bundle) {
        auto account = ledger.account(bundle, version);
        ledger.serve({account, bundle}, before, now_ns += 10);
        before = {account, bundle};
        return account;
    }

    Ledger ledger{"champion"};
    Ledger::Entry before;
    int64_t now_ns = 0;
};

}  // namespace

TEST_CASE("an empty slot has done nothing", "[ledger]") {
    const auto reading = Ledger("champion").read();
    CHECK(reading->slot == "champion");
    CHECK(reading->version.empty());
    CHECK(reading->generation == 0);
    CHECK(reading->current.requests() == 0);
}

TEST_CASE("each version has its own figures, and all that was done is in the total", "[ledger]") {
    Served served;
    const char *versions[] = {"1", "2", "3", "4"};
    for (int64_t i = 0; i < 4; ++i) count(served.swap(versions[i]), int64_t{1} << i);
    const auto reading = served.ledger.read();
    CHECK(reading->version == "4");
    CHECK(reading->previous_version == "3");
    CHECK(reading->bundle == 4);
    CHECK(reading->previous_bundle == 3);
    CHECK(reading->since_ns == 40);
    CHECK(reading->generation == 4);
    CHECK(reading->current.rows == 8);
    CHECK(reading->previous.rows == 4);
    CHECK(reading->total.rows == 15);
    CHECK(reading->total.requests() == 4);
}

TEST_CASE("a version that comes back while it is one of the two goes on counting", "[ledger]") {
    Served served;
    count(served.swap("1"), 1);
    count(served.swap("2"), 2);
    count(served.swap("1"), 4);
    auto reading = served.ledger.read();
    CHECK(reading->current.rows == 5);
    CHECK(reading->previous.rows == 2);
    count(served.swap("1"), 8);  // both of one version: counted once
    reading = served.ledger.read();
    CHECK(reading->current.rows == 13);
    CHECK(reading->previous.rows == 0);
    CHECK(reading->previous_version == "1");
    CHECK(reading->total.rows == 15);
}

TEST_CASE("two bundles of one version each have their own figures", "[ledger]") {
    Served served;
    CHECK(!served.ledger.has_served());
    count(served.swap("1", 0xa), 1);
    count(served.swap("1", 0xb), 2);
    const auto reading = served.ledger.read();
    CHECK(served.ledger.has_served());
    CHECK(reading->version == "1");
    CHECK(reading->previous_version == "1");
    CHECK(reading->current.rows == 2);
    CHECK(reading->previous.rows == 1);
    CHECK(reading->total.rows == 3);
}

TEST_CASE("calls that end behind two swaps are counted, and no figure goes back", "[ledger]") {
    Served served;
    auto slow = served.swap("1");
    served.swap("2");
    served.swap("3");
    count(slow, 1);
    CHECK(served.ledger.read()->total.rows == 1);
    count(slow, 2);
    slow = {};
    CHECK(served.ledger.read()->total.rows == 3);
    CHECK(served.ledger.read()->total.rows == 3);
}

TEST_CASE("a version that is forgotten, and all of a slot that is cleared, stay in the total", "[ledger]") {
    Served served;
    count(served.swap("1"), 1);
    count(served.swap("2"), 2);
    served.ledger.forget_previous();
    auto reading = served.ledger.read();
    CHECK(reading->previous_version.empty());
    CHECK(reading->previous_bundle == 0);
    CHECK(reading->generation == 2);
    CHECK(reading->since_ns == 20);
    CHECK(reading->total.rows == 3);
    served.ledger.clear();
    reading = served.ledger.read();
    CHECK(reading->version.empty());
    CHECK(reading->bundle == 0);
    CHECK(reading->since_ns == 0);
    CHECK(reading->total.rows == 3);
}

TEST_CASE("no call is lost while threads count, swap and read", "[ledger]") {
    constexpr uint64_t kThreads = 3, kCalls = 3000;
    Served served;
    std::mutex mutex;
    Ref<Account> serving = served.swap("0");
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (uint64_t i = 0; i < kCalls; ++i) {
                std::unique_lock lock(mutex);
                const Ref<Account> mine = serving;
                lock.unlock();
                count(mine, 1);
            }
        });
    const auto requests = [&] { return served.ledger.read()->total.requests(); };
    uint64_t seen = 0;
    for (int i = 1; i < 50; ++i) {
        const uint64_t now = requests();
        CHECK(now >= seen);
        seen = now;
        auto next = served.swap(std::to_string(i % 5));
        std::lock_guard lock(mutex);
        serving = std::move(next);
    }
    for (auto &thread : threads) thread.join();
    CHECK(requests() == kThreads * kCalls);
}

TEST_CASE("both versions tell what they counted", "[ledger]") {
    ManualClock clock;
    EventLog events(16, clock, nullptr, nullptr);
    Served served;
    for (const char *version : {"1", "2"}) {
        CallRecord call;
        call.fallbacks = 1;
        served.swap(version)->counters.record(call);
    }
    served.ledger.tell_counted(events, 0);
    wb_event event;
    REQUIRE(events.take(event));
    CHECK(std::string(event.version) == "2");
    CHECK(std::string(event.slot) == "champion");
    REQUIRE(events.take(event));
    CHECK(std::string(event.version) == "1");
}
