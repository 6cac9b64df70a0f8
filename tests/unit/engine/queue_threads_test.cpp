// SPDX-License-Identifier: Apache-2.0
// A completion queue on threads of the engine's own: they start late, run what waits, keep deadlines, and end.
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

bool is_readable(int descriptor, int timeout_ms = 0) {
    pollfd polled{descriptor, POLLIN, 0};
    return poll(&polled, 1, timeout_ms) == 1;
}

}  // namespace

TEST_CASE("the engine's own thread runs a submit, and wakes who sleeps in next()") {
    QueueHall hall(8, 1);
    for (uint64_t tag = 1; tag < 100; ++tag) {
        REQUIRE(hall.submit(tag).ok());
        const auto done = hall.drained(1, WB_NO_DEADLINE);
        REQUIRE(done.size() == 1);
        CHECK(done[0].tag == tag);
        CHECK(done[0].status.code == WB_OK);
    }
    CHECK(hall.hall.engine->close(WB_NO_DEADLINE).ok());
}

TEST_CASE("while every thread runs, the timer completes what passes its deadline") {
    QueueHall hall(8, 1);
    hall.control.block();
    REQUIRE(hall.submit(1).ok());
    hall.control.wait_for_running(1);
    CallOptions late, soon;
    late.deadline_ns = hall.in_us(50);
    soon.deadline_ns = hall.in_us(10);
    REQUIRE(hall.submit(2, late).ok());
    REQUIRE(hall.submit(3, soon).ok());
    hall.hall.clock.advance(10'000);
    auto done = hall.drained(64, WB_NO_DEADLINE);
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 3);
    CHECK(done[0].result.reason == WB_REASON_DEADLINE);
    hall.hall.clock.advance(40'000);
    done = hall.drained(64, WB_NO_DEADLINE);
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 2);
    hall.control.release();
    done = hall.drained(64, WB_NO_DEADLINE);
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 1);
    CHECK(done[0].status.code == WB_OK);
}

TEST_CASE("what runs ends at its deadline, by its tag, and by the caller's token") {
    QueueHall hall(8, 1);
    hall.control.block();
    CallOptions options;
    CancelToken token;
    for (int how = 0; how < 3; ++how) {
        CAPTURE(how);
        options.deadline_ns = how == 0 ? hall.in_us(10) : WB_NO_DEADLINE;
        options.cancel = how == 2 ? &token : nullptr;
        REQUIRE(hall.submit(5, options).ok());
        hall.control.wait_for_running(1);
        if (how == 0) hall.hall.clock.advance(10'000);
        if (how == 1) REQUIRE(hall.queue->cancel(5).ok());
        if (how == 2) token.set(true);
        const auto done = hall.drained(1, WB_NO_DEADLINE);
        REQUIRE(done.size() == 1);
        CHECK(done[0].status.code == (how == 0 ? WB_OK_FALLBACK : WB_CANCELLED));
    }
}

TEST_CASE("closing a queue waits for what runs, and for no longer than it may") {
    QueueHall hall(8, 1);
    hall.control.block();
    REQUIRE(hall.submit(1).ok());
    hall.control.wait_for_running(1);
    REQUIRE(hall.submit(2).ok());
    CHECK(hall.queue->close(0).code == WB_DEADLINE_EXCEEDED);
    const auto refused = hall.drained();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].status.code == WB_CLOSED);
    CHECK(hall.drained().empty());  // not closed for its drainer yet
    Status closed;
    std::thread closer([&] { closed = hall.queue->close(WB_NO_DEADLINE); });
    hall.control.release();
    closer.join();
    CHECK(closed.ok());
    CHECK(hall.drained().size() == 1);
    CHECK(hall.queue->next(1, WB_NO_DEADLINE).status().code == WB_CLOSED);
}

TEST_CASE("an engine and a queue may go while one of its threads runs") {
    FakeControl control;
    {
        FakeEngine hall(1, 16, allocate_on_cpu, 1);
        auto bundle = queue_bundle("one");
        Target target;
        target.model = hall.model(control, bundle);
        auto queue = *hall.engine->make_queue(2);
        auto row = row_of(*bundle->schema(), R"({"x": 1})");
        control.block();
        REQUIRE(hall.engine->submit(*queue, 1, {target, row.data(), {}, {}, {}}).ok());
        control.wait_for_running(1);
        queue->shut();
        queue = {};
        CHECK(hall.engine->close(0).code == WB_DEADLINE_EXCEEDED);
        control.release();
        CHECK(hall.engine->close(WB_NO_DEADLINE).ok());
    }
}

TEST_CASE("a descriptor is readable exactly while completions wait, whoever keeps the time") {
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        QueueHall hall(8, threads);
        const int descriptor = *hall.hall.engine->descriptor(*hall.queue);
        CHECK(*hall.hall.engine->descriptor(*hall.queue) == descriptor);
        CHECK(!is_readable(descriptor));
        hall.control.block();
        REQUIRE(hall.submit(1).ok());
        if (threads == 1) hall.control.wait_for_running(1);
        CHECK(!is_readable(descriptor));
        CallOptions options;
        options.deadline_ns = hall.in_us(10);
        REQUIRE(hall.submit(2, options).ok());
        REQUIRE(hall.submit(3, options).ok());
        hall.hall.clock.advance(10'000);
        CHECK(is_readable(descriptor, 60'000));
        CHECK(hall.drained(1).size() == 1);
        while (hall.hall.counters().requests < 2) std::this_thread::yield();
        CHECK(is_readable(descriptor, 60'000));
        CHECK(hall.drained(1).size() == 1);
        CHECK(!is_readable(descriptor));
        CHECK(hall.queue->cancel(1).ok());
        CHECK(is_readable(descriptor, 60'000));
        CHECK(hall.drained().size() == 1);
        CHECK(!is_readable(descriptor));
    }
}

TEST_CASE("a descriptor that is asked for late knows of what waits") {
    QueueHall hall;
    REQUIRE(hall.submit(1).ok());
    CHECK(hall.work() == 1);
    CHECK(is_readable(*hall.hall.engine->descriptor(*hall.queue)));
}

namespace {

uint32_t dice_of(std::mt19937 &random) { return static_cast<uint32_t>(random()); }

// Submits, cancellations, a close, swaps, lent threads and a clock that jumps, all at once; every accepted submit must
// complete once. One round: a queue of its own.
class Storm {
  public:
    Storm(QueueHall &hall, Slot &slot, uint32_t seed)
        : hall_(hall), slot_(slot), random_(seed), accepted_(kSubmits), completed_(kSubmits) {
        queue_ = *hall.hall.engine->make_queue(1 + dice_of(random_) % 48);
        for (auto &row : rows_) row = row_of(*hall.bundle->schema(), R"({"x": 1})");
    }

    static constexpr uint64_t kSubmits = 500;

    void rage(const Ref<Model> &one, const Ref<Model> &two) {
        const uint32_t seed = dice_of(random_);
        const bool early = seed % 4 == 0;
        std::vector<std::thread> threads, submitters;
        threads.emplace_back([&] { drain(); });
        threads.emplace_back([&, seed] { disturb(seed + 3, one, two); });
        for (uint32_t i = 0; i < 2; ++i) submitters.emplace_back([&, seed, i] { submit(seed + i, i); });
        while (early && submitted_ < kSubmits / 2) std::this_thread::yield();
        if (early) queue_->shut();
        for (auto &thread : submitters) thread.join();
        done_ = true;
        // A thread that was called to a context in vain looks again by the clock.
        while (queue_->close(hall_.in_us(0)).code == WB_DEADLINE_EXCEEDED) hall_.hall.clock.advance(100'000);
        for (auto &thread : threads) thread.join();
        for (uint64_t tag = 0; tag < kSubmits; ++tag)
            if (completed_[tag] != accepted_[tag]) ++wrong_;
        queue_->shut();
    }
    int wrong() const { return wrong_; }

  private:
    void submit(uint32_t seed, uint64_t first) {
        std::mt19937 random(seed);
        std::vector<uint64_t> &row = rows_[first];
        for (uint64_t tag = first; tag < kSubmits; tag += 2, ++submitted_) {
            CallOptions options;
            const uint32_t dice = dice_of(random);
            if (dice & 1) options.priority = Priority::high;
            if (dice & 2) options.deadline_ns = hall_.in_us(static_cast<int64_t>(dice >> 8 & 7));
            if (dice & 4) options.accept_fallback = false;
            if (dice & 8) options.cancel = &token_;
            auto target = hall_.hall.engine->target(slot_);
            const Status status = hall_.hall.engine->submit(*queue_, tag, {*target, row.data(), options, {}, {}});
            if (status.ok()) ++accepted_[tag];
            if (!status.ok() && status.code != WB_OVERLOADED && status.code != WB_CLOSED) ++wrong_;
            if (status.code == WB_OVERLOADED) std::this_thread::yield();
        }
    }
    void drain() {
        for (uint32_t most = 1;; most = most % 7 + 1) {
            auto done = queue_->next(most, WB_NO_DEADLINE);
            if (!done) break;
            for (const Submission *one = done->first(); one; one = one->next) ++completed_[one->tag];
        }
    }
    void disturb(uint32_t seed, const Ref<Model> &one, const Ref<Model> &two) {
        std::mt19937 random(seed);
        while (!done_) {
            const uint32_t dice = dice_of(random);
            if (dice % 3 == 0) (void)queue_->cancel(dice / 3 % kSubmits);
            if (dice % 11 == 0) (void)hall_.hall.engine->swap(slot_, dice & 64 ? one : two);
            if (dice % 5 == 0) (void)hall_.hall.engine->work(hall_.in_us(2));
            if (dice % 13 == 0) token_.set(dice & 64);
            if (dice % 2 == 0) hall_.hall.clock.advance(dice % 3000);
        }
        token_.set(false);
    }

    QueueHall &hall_;
    Slot &slot_;
    std::mt19937 random_;
    CancelToken token_;
    std::vector<uint64_t> rows_[2];  // by submitter
    std::vector<std::atomic<int>> accepted_, completed_;
    std::atomic<uint64_t> submitted_{0};
    std::atomic<int> wrong_{0};
    std::atomic<bool> done_{false};
    Ref<Queue> queue_;
};

}  // namespace

TEST_CASE("every accepted submit completes once, whatever happens at the same time", "[queue-storm]") {
    const char *full = std::getenv("WB_FULL");
    const uint64_t submits = full && std::string(full) == "1" ? 1'000'000 : 20'000;
    QueueHall hall(1, 2, 2);
    auto two = hall.hall.model(hall.control, queue_bundle("two"));
    auto slot = hall.hall.serve("champion", hall.target.model);
    for (uint64_t round = 0; round < submits / Storm::kSubmits; ++round) {
        Storm storm(hall, *slot, static_cast<uint32_t>(round));
        storm.rage(hall.target.model, two);
        CAPTURE(round);
        REQUIRE(storm.wrong() == 0);
    }
    CHECK(hall.hall.counters().waiting == 0);
}
