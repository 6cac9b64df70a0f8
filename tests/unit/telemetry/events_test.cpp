// SPDX-License-Identifier: Apache-2.0
// The ring of events, its drain, its callback, and events that are counted.
#include "telemetry/events.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/manual_clock.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

using Lines = std::vector<std::string>;
constexpr int64_t kSecond = 1'000'000'000;

void tell(EventLog &events, int number) { events.tell({WB_LOG_LOADED, "champion", "1.2"}, "event {}", number); }

Lines taken(EventLog &events) {
    Lines lines;
    for (wb_event event; events.take(event);) lines.push_back(std::to_string(event.event) + " " + event.message);
    return lines;
}

struct Host {
    static void told(int32_t event, const char *message, void *self) {
        static_cast<Host *>(self)->lines.push_back(std::to_string(event) + " " + message);
    }
    Lines lines;
};

void count_fallbacks(Account &account, int64_t rows) {
    CallRecord call;
    call.status = WB_OK_FALLBACK;
    call.fallbacks = rows;
    account.counters.record(call);
}

}  // namespace

TEST_CASE("an event is all there, and is taken once", "[events]") {
    ManualClock clock(77);
    EventLog events(16, clock, nullptr, nullptr);
    events.tell({WB_LOG_REFUSED, "champion", "1.2"}, "refused: {}", "a\nb");
    wb_event event;
    REQUIRE(events.take(event));
    CHECK(event.struct_size == sizeof event);
    CHECK(event.event == WB_LOG_REFUSED);
    CHECK(event.level == WB_LEVEL_ERROR);
    CHECK(event.time_ns == 77);
    CHECK(event.count == 1);
    CHECK(std::string(event.slot) == "champion");
    CHECK(std::string(event.version) == "1.2");
    CHECK(std::string(event.message) == "refused: a\\x0Ab");
    CHECK_FALSE(events.take(event));
    CHECK(events.take_dropped() == 0);
}

TEST_CASE("what does not fit in an event is cut at a whole character", "[events]") {
    ManualClock clock;
    EventLog events(16, clock, nullptr, nullptr);
    std::string accents;
    for (int i = 0; i < 300; ++i) accents += "\u00e9";
    events.tell({WB_LOG_WARNING, std::string(100, 's'), std::string(100, 'v')}, "{}", accents);
    wb_event event;
    REQUIRE(events.take(event));
    CHECK(std::string(event.slot) == std::string(63, 's'));
    CHECK(std::string(event.version) == std::string(31, 'v'));
    CHECK(std::string(event.message) == accents.substr(0, 382));
}

TEST_CASE("a full ring keeps the newest events and counts the others, for each reader", "[events]") {
    ManualClock clock;
    Host host;
    EventLog events(16, clock, Host::told, &host);
    for (int i = 0; i < 20; ++i) tell(events, i);
    events.deliver();
    CHECK(host.lines.size() == 16);
    CHECK(host.lines.front() == "1 event 4");
    tell(events, 20);
    CHECK(taken(events).front() == "1 event 5");
    CHECK(events.take_dropped() == 5);
    CHECK(events.take_dropped() == 0);
    for (int i = 0; i < 17; ++i) tell(events, i);
    CHECK(events.take_dropped() == 1);  // before anything is taken, too
    CHECK(taken(events).size() == 16);
    events.deliver();
    CHECK(host.lines.size() == 32);
}

TEST_CASE("the callback has each event once, and WB_LOG_CLOSED as the last", "[events]") {
    ManualClock clock;
    Host host;
    EventLog events(16, clock, Host::told, &host);
    tell(events, 1);
    CHECK(host.lines.empty());
    events.deliver();
    events.deliver();
    CHECK(host.lines == Lines{"1 event 1"});
    tell(events, 2);
    CHECK(events.end(clock.now_ns()));
    CHECK(host.lines == Lines{"1 event 1", "1 event 2", "9 the engine was closed"});
    tell(events, 3);
    events.deliver();
    CHECK(events.end(clock.now_ns()));
    CHECK(host.lines.size() == 3);
    CHECK(taken(events) == Lines{"1 event 1", "1 event 2", "9 the engine was closed", "1 event 3"});
}

TEST_CASE("a callback that is silenced is not called, for the last event either", "[events]") {
    ManualClock clock;
    Host host;
    EventLog events(16, clock, Host::told, &host);
    tell(events, 1);
    events.silence();
    events.deliver();
    CHECK(events.end(clock.now_ns()));
    CHECK(host.lines.empty());
    CHECK(taken(events) == Lines{"1 event 1"});
}

TEST_CASE("a callback that tells, delivers and throws is not called within itself", "[events]") {
    ManualClock clock;
    struct Reentrant {
        static void told(int32_t, const char *, void *self) {
            auto &host = *static_cast<Reentrant *>(self);
            CHECK(host.depth++ == 0);
            if (++host.calls == 1) {
                tell(*host.events, 2);
                host.events->deliver();
            }
            --host.depth;
            throw 1;
        }
        EventLog *events = nullptr;
        int depth = 0, calls = 0;
    } host;
    EventLog events(16, clock, Reentrant::told, &host);
    host.events = &events;
    tell(events, 1);
    events.deliver();
    CHECK(host.calls == 2);
}

TEST_CASE("closing waits for the callback until the deadline, and then leaves the last event to it", "[events]") {
    ManualClock clock;
    struct Slow {
        static void told(int32_t event, const char *, void *self) {
            auto &host = *static_cast<Slow *>(self);
            host.last = event;
            host.entered = true;
            while (!host.released) std::this_thread::yield();
        }
        std::atomic<int32_t> last{0};
        std::atomic<bool> entered{false}, released{false};
    } host;
    EventLog events(16, clock, Slow::told, &host);
    tell(events, 1);
    std::thread other([&] { events.deliver(); });
    while (!host.entered) std::this_thread::yield();
    CHECK_FALSE(events.end(clock.now_ns()));
    CHECK(host.last == WB_LOG_LOADED);
    host.released = true;
    CHECK(events.end(WB_NO_DEADLINE));
    CHECK(host.last == WB_LOG_CLOSED);
    other.join();
}

TEST_CASE("counted events are told once a second and account, with their count", "[events]") {
    ManualClock clock;
    EventLog events(16, clock, nullptr, nullptr);
    Account champion("champion", "1"), shadow("shadow", "1");
    count_fallbacks(champion, 2);
    events.tell_counted(champion, Counted::fallbacks, 0);
    CHECK(taken(events) == Lines{"4 2 fallback answers"});
    for (int i = 0; i < 5; ++i) {
        count_fallbacks(champion, 1);
        events.tell_counted(champion, Counted::fallbacks, kSecond - 1);
    }
    count_fallbacks(shadow, 1);
    events.tell_counted(shadow, Counted::fallbacks, kSecond - 1);
    wb_event event;
    REQUIRE(events.take(event));
    CHECK(std::string(event.slot) == "shadow");
    CHECK_FALSE(events.take(event));
    events.tell_all_counted(champion, kSecond - 1);
    CHECK_FALSE(events.take(event));
    events.tell_all_counted(champion, kSecond);
    REQUIRE(events.take(event));
    CHECK(event.count == 5);
    CHECK(event.level == WB_LEVEL_WARNING);
    CHECK(std::string(event.version) == "1");
    CHECK(std::string(event.message) == "5 fallback answers");
    events.tell_all_counted(champion, 9 * kSecond);
    CHECK_FALSE(events.take(event));
}

TEST_CASE("a failure's own message stands behind the count", "[events]") {
    ManualClock clock;
    EventLog events(16, clock, nullptr, nullptr);
    Account account;
    CallRecord call;
    call.model_failed = true;
    account.counters.record(call);
    events.tell_counted(account, Counted::model_failures, 0, "boom");
    CHECK(taken(events) == Lines{"7 1 calls on which a model failed: boom"});
}

TEST_CASE("no counted event is lost or told twice when threads race", "[events]") {
    ManualClock clock;
    EventLog events(65536, clock, nullptr, nullptr);
    Account account("champion", "1");
    std::atomic<int64_t> now{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                count_fallbacks(account, 1);
                events.tell_counted(account, Counted::fallbacks, now += kSecond / 3);
            }
        });
    uint64_t total = 0;
    wb_event event;
    for (int i = 0; i < 1000; ++i)
        if (events.take(event)) total += event.count;
    for (auto &thread : threads) thread.join();
    events.tell_all_counted(account, now + kSecond);
    while (events.take(event)) total += event.count;
    CHECK(total == 4000);
    CHECK(events.take_dropped() == 0);
}

TEST_CASE("a forked child has an empty ring of its own, also where the parent was inside", "[events]") {
    ManualClock clock;
    std::atomic<bool> stop{false};
    EventLog events(16, clock, nullptr, nullptr);
    std::thread writer([&] {
        while (!stop) tell(events, 1);
    });
    for (int i = 0; i < 20; ++i)
        CHECK(in_child([&] {
                  wb_event event;
                  if (events.take(event) || events.take_dropped() != 0) return 1;
                  tell(events, 2);
                  return events.take(event) && std::string(event.message) == "event 2" && !events.take(event) ? 0 : 2;
              }) == 0);
    stop = true;
    writer.join();
    wb_event event;
    CHECK(events.take(event));
}
