// SPDX-License-Identifier: Apache-2.0
// Batches whose deadline passes before their turn: what one gets is what a call that waits gets, and the thread that
// gives it is late for nobody else.
#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kRows = 20'000;  // several parts of 4,096

// A batch of rows in the published layout, with two of its result columns.
struct Rows {
    explicit Rows(QueueHall &of, int64_t rows = kRows)
        : hall(of),
          stride(of.bundle->schema()->fixed_bytes()),
          memory(static_cast<size_t>(rows * stride)),
          batch(of.bundle),
          status(static_cast<size_t>(rows), 77),
          reason(status) {
        for (int64_t i = 0; i < rows; ++i)
            REQUIRE(init_row(*of.bundle->schema(), row(i), static_cast<size_t>(stride)).ok());
        REQUIRE(batch.reset(rows).ok());
        REQUIRE(batch.set_rows(memory.data(), stride).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, status.data(), sizeof(int32_t)).ok());
        REQUIRE(batch.set_result(WB_COLUMN_REASON, reason.data(), sizeof(int32_t)).ok());
    }
    std::byte *row(int64_t i) { return memory.data() + i * stride; }

    Status submit(uint64_t tag, const CallOptions &options) {
        SubmitOrder order{hall.target, nullptr, options};
        order.batch = &batch;
        return hall.hall.engine->submit(*hall.queue, tag, order);
    }
    bool all_are(int32_t wanted, int32_t why) const {
        return std::all_of(status.begin(), status.end(), [=](int32_t code) { return code == wanted; }) &&
               std::all_of(reason.begin(), reason.end(), [=](int32_t code) { return code == why; });
    }
    bool is_free() {
        RowLock lock;
        return lock.take(*hall.bundle->schema(), memory.data(), stride, static_cast<int64_t>(status.size())).ok();
    }

    QueueHall &hall;
    const int64_t stride;
    std::vector<std::byte> memory;
    Batch batch;
    std::vector<int32_t> status, reason;
};

CallOptions due_at(int64_t deadline_ns, bool accept_fallback = true) {
    CallOptions options;
    options.deadline_ns = deadline_ns;
    options.accept_fallback = accept_fallback;
    return options;
}

// The one completion that is there, with a batch's result.
struct Ended {
    explicit Ended(QueueHall &hall) {
        const auto done = hall.queue->next(1, WB_NO_DEADLINE);
        REQUIRE(done);
        REQUIRE(done->size() == 1);
        tag = done->first()->tag;
        status = done->first()->outcome;
        result = done->first()->batch_result;
    }
    uint64_t tag = 0;
    Status status;
    std::optional<wb_batch_result> result;
};

}  // namespace

TEST_CASE("a batch that expires in its queue is answered as a call's is, and counted once") {
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        QueueHall hall(8, threads);
        Rows rows(hall);
        hall.control.block();
        if (threads > 0) {
            REQUIRE(hall.submit(1).ok());
            hall.control.wait_for_running(1);
        }
        REQUIRE(rows.submit(2, due_at(hall.in_us(10))).ok());
        hall.hall.clock.advance(10'000);
        const Ended answer(hall);
        CHECK(answer.tag == 2);
        CHECK(answer.status.code == WB_OK_FALLBACK);
        REQUIRE(answer.result);
        CHECK(answer.result->rows == kRows);
        CHECK(answer.result->fallbacks == kRows);
        CHECK(answer.result->reason == WB_REASON_DEADLINE);
        CHECK(answer.result->queue_ns == 10'000);
        CHECK(rows.all_are(WB_OK_FALLBACK, WB_REASON_DEADLINE));
        CHECK(rows.is_free());
        CHECK(hall.hall.counters().requests == 1);
        CHECK(hall.hall.counters().expired == 1);
        CHECK(hall.hall.counters().fallbacks == kRows);
    }
}

TEST_CASE("a batch that expires without a fallback fails by rows, with the first of them told") {
    QueueHall hall;
    Rows rows(hall);
    REQUIRE(rows.batch.set_window(3, kRows - 5).ok());
    REQUIRE(rows.submit(1, due_at(hall.in_us(10), false)).ok());
    hall.hall.clock.advance(10'000);
    const Ended answer(hall);
    CHECK(answer.status.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(answer.result);
    CHECK(answer.result->failed == kRows - 5);
    CHECK(answer.result->first_error == 3);
    CHECK(std::count(rows.status.begin(), rows.status.end(), 77) == 5);
    CHECK(std::count(rows.status.begin(), rows.status.end(), WB_DEADLINE_EXCEEDED) == kRows - 5);
    CHECK(rows.status[2] == 77);
    CHECK(rows.is_free());
}

TEST_CASE("a batch of which another call has a row is told so when it expires, and gives its other rows back") {
    QueueHall hall;
    Rows rows(hall);
    REQUIRE(rows.submit(1, due_at(hall.in_us(10))).ok());
    hall.hall.clock.advance(10'000);
    {
        RowLock other;
        REQUIRE(other.take(*hall.bundle->schema(), rows.row(kRows - 2)).ok());
        const Ended answer(hall);
        CHECK(answer.status.code == WB_BUSY);
        CHECK(answer.status.row == kRows - 2);
        CHECK(!answer.result);
        CHECK(rows.all_are(77, 77));
    }
    CHECK(rows.is_free());
}

TEST_CASE("rows that share one row's memory, columns and no rows at all expire alike") {
    for (const int kind : {0, 1, 2}) {
        CAPTURE(kind);
        QueueHall hall;
        Rows rows(hall);
        const float x = 1;
        if (kind == 0) REQUIRE(rows.batch.set_rows(rows.memory.data(), 0).ok());
        if (kind == 1) REQUIRE(rows.batch.set_column(0, &x, 0, nullptr).ok());
        if (kind == 2) REQUIRE(rows.batch.set_window(5, 0).ok());
        REQUIRE(rows.submit(1, due_at(hall.in_us(10))).ok());
        hall.hall.clock.advance(10'000);
        const Ended answer(hall);
        CHECK(answer.status.code == (kind == 2 ? WB_OK : WB_OK_FALLBACK));
        CHECK((kind == 2 || rows.all_are(WB_OK_FALLBACK, WB_REASON_DEADLINE)));
        CHECK(rows.is_free());
    }
}

// Both deadlines have passed when the time is looked at: the batch's is the earlier one.
TEST_CASE("a large batch that expires keeps no other submit's expiry waiting") {
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        QueueHall hall(8, threads);
        Rows large(hall), small(hall, 5);
        hall.control.block();
        if (threads > 0) {
            REQUIRE(hall.submit(1).ok());
            hall.control.wait_for_running(1);
        }
        REQUIRE(large.submit(2, due_at(hall.in_us(10))).ok());
        REQUIRE(hall.submit(3, due_at(hall.in_us(11))).ok());
        REQUIRE(small.submit(4, due_at(hall.in_us(12))).ok());
        hall.hall.clock.advance(20'000);
        CHECK(Ended(hall).tag == 3);
        CHECK(Ended(hall).tag == 4);
        CHECK(Ended(hall).tag == 2);
    }
}

// Whether submits to another queue are made, cancelled and drained all the while that `bulk` runs: none of them is kept
// for a quarter of that time, or several are through before it is. A thread that the system does not run is kept too:
// once in several times is enough.
template <class Prepare, class Bulk>
bool lets_others_work(Prepare &&prepare, Bulk &&bulk) {
    const auto now = [] { return steady_clock().now_ns(); };
    for (int time = 0; time < 30; ++time) {
        QueueHall hall(1 << 16);
        auto other = *hall.hall.engine->make_queue(4);
        auto row = row_of(*hall.bundle->schema(), R"({"x": 1})");
        prepare(hall);
        std::atomic<bool> ended{false};
        std::atomic<int64_t> made{0}, longest_ns{0};
        std::thread beside([&] {
            for (int64_t last_ns = now(); !ended.load(); made.fetch_add(1)) {
                (void)hall.hall.engine->submit(*other, 1, {hall.target, row.data(), {}, {}, {}});
                (void)other->cancel(1);
                (void)other->next(1, 0);
                const int64_t made_ns = now();
                longest_ns.store(std::max(longest_ns.load(), made_ns - last_ns));
                last_ns = made_ns;
            }
        });
        const auto wait_for_another = [&] {
            for (const int64_t before = made.load(); made.load() < before + 2;) std::this_thread::yield();
        };
        wait_for_another();
        longest_ns.store(0);
        const int64_t begun_ns = now(), made_before = made.load();
        bulk(hall);
        const int64_t took_ns = now() - begun_ns, made_beside = made.load() - made_before;
        wait_for_another();
        ended.store(true);
        beside.join();
        other->shut();
        if (longest_ns.load() < took_ns / 4 || made_beside >= 8) return true;
    }
    return false;
}

TEST_CASE("what concerns all of a queue's submits at once keeps no other queue waiting") {
    static constexpr uint64_t kMany = 1 << 16;
    const auto waiting = [](QueueHall &hall, const CallOptions &options) {
        auto row = row_of(*hall.bundle->schema(), R"({"x": 1})");
        Status failed;
        for (uint64_t i = 0; i < kMany && failed.ok(); ++i)
            failed = hall.hall.engine->submit(*hall.queue, 7, {hall.target, row.data(), options, {}, {}});
        REQUIRE(failed.ok());
    };
    const auto undue = [&](QueueHall &hall) { waiting(hall, {}); };
    SECTION("a shared tag is cancelled") {
        CHECK(lets_others_work(undue, [](QueueHall &hall) { CHECK(hall.queue->cancel(7).ok()); }));
    }
    SECTION("the queue is closed") {
        CHECK(lets_others_work(undue, [](QueueHall &hall) { hall.queue->shut(); }));
    }
    SECTION("all of them expire") {
        CHECK(lets_others_work([&](QueueHall &hall) { waiting(hall, due_at(hall.in_us(10))); },
                               [](QueueHall &hall) {
                                   hall.hall.clock.advance(10'000);
                                   for (size_t done = 0; done < kMany;) done += hall.queue->next(kMany, 0)->size();
                               }));
    }
    SECTION("all of them are drained") {
        CHECK(lets_others_work(
            [&](QueueHall &hall) {
                waiting(hall, {});
                CHECK(hall.queue->cancel(7).ok());
            },
            [](QueueHall &hall) { CHECK(hall.queue->next(kMany, 0)->size() == kMany); }));
    }
}
