// SPDX-License-Identifier: Apache-2.0
// A completion queue on threads that the host lends: what was submitted completes once, in order, in time.
#include "engine/queue.hpp"

#include <atomic>
#include <thread>

#include "support/child.hpp"
#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

using Tags = std::vector<uint64_t>;

CallOptions due_at(int64_t deadline_ns, bool accept_fallback = true) {
    CallOptions options;
    options.deadline_ns = deadline_ns;
    options.accept_fallback = accept_fallback;
    return options;
}

}  // namespace

TEST_CASE("a submit runs on a lent thread, and its completion is a result with its tag") {
    QueueHall hall;
    REQUIRE(hall.submit(7).code == WB_OK);
    CHECK(hall.hall.counters().waiting == 1);
    CHECK(hall.drained().empty());
    hall.hall.clock.advance(300);
    CHECK(hall.work() == 1);
    CHECK(hall.work() == 0);
    const auto done = hall.drained();
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 7);
    CHECK(done[0].status.code == WB_OK);
    CHECK(done[0].result.score == 0.25);
    CHECK(done[0].result.queue_ns == 300);
    CHECK(std::string(done[0].result.version) == "one");
    CHECK(hall.drained().empty());
    const wb_snapshot counted = hall.hall.counters();
    CHECK(counted.requests == 1);
    CHECK(counted.latency_max_ns == 300);
    CHECK(counted.waiting == 0);
}

TEST_CASE("high before normal, first come first served within each") {
    QueueHall hall;
    CallOptions high;
    high.priority = Priority::high;
    for (uint64_t tag = 0; tag < 8; ++tag) REQUIRE(hall.submit(tag, tag % 3 == 0 ? high : CallOptions()).ok());
    CHECK(hall.work() == 8);
    CHECK(hall.drained_tags() == Tags{0, 3, 6, 1, 2, 4, 5, 7});
}

TEST_CASE("a lent thread stops at its deadline") {
    QueueHall hall;
    hall.control.set_score([&](const Run &, int64_t) {
        hall.hall.clock.advance(1000);
        return 0.25F;
    });
    for (uint64_t tag = 0; tag < 4; ++tag) REQUIRE(hall.submit(tag).ok());
    CHECK(*hall.hall.engine->work(hall.in_us(2)) == 2);
    CHECK(*hall.hall.engine->work(hall.in_us(0)) == 0);
    CHECK(hall.drained_tags() == Tags{0, 1});
}

TEST_CASE("what is under way and what is not drained fill a queue, and a full one refuses at once") {
    QueueHall hall(2);
    REQUIRE(hall.submit(1).ok());
    REQUIRE(hall.submit(2).ok());
    const Status full = hall.submit(3);
    CHECK(full.code == WB_OVERLOADED);
    CHECK(std::string(full.message) == "queue: expected less than 2 under way or undelivered, its capacity");
    CHECK(hall.work() == 2);
    CHECK(hall.submit(4).code == WB_OVERLOADED);
    CHECK(hall.drained(1).size() == 1);
    CHECK(hall.submit(5).ok());
    CHECK(hall.submit(6).code == WB_OVERLOADED);
    CHECK(hall.work() == 1);
    CHECK(hall.drained_tags() == Tags{2, 5});
    const wb_snapshot counted = hall.hall.counters();
    CHECK(counted.overloaded == 3);
    CHECK(counted.requests == 6);
    wb_event event{};
    uint64_t told = 0;
    hall.hall.clock.advance(1'000'000'000);
    hall.hall.engine->tell_counted();
    while (hall.hall.engine->runtime().events.take(event))
        if (event.event == WB_LOG_OVERLOAD) told += event.count;
    CHECK(told == 3);
}

TEST_CASE("one whose deadline passes before its turn gets what a call that waits gets") {
    QueueHall hall;
    REQUIRE(hall.submit(1, due_at(hall.in_us(20))).ok());
    REQUIRE(hall.submit(2, due_at(hall.in_us(10))).ok());
    REQUIRE(hall.submit(3, due_at(hall.in_us(10), false)).ok());
    REQUIRE(hall.submit(4).ok());
    CHECK(hall.drained().empty());
    hall.hall.clock.advance(10'000);
    auto done = hall.drained();
    REQUIRE(done.size() == 2);
    CHECK(done[0].tag == 2);
    CHECK(done[0].status.code == WB_OK_FALLBACK);
    CHECK(done[0].result.status == WB_OK_FALLBACK);
    CHECK(done[0].result.reason == WB_REASON_DEADLINE);
    CHECK(done[0].result.score == 0.5);
    CHECK(done[1].tag == 3);
    CHECK(done[1].status.code == WB_DEADLINE_EXCEEDED);
    CHECK(hall.control.runs() == 0);
    hall.hall.clock.advance(10'000);
    CHECK(hall.work() == 2);
    done = hall.drained();
    REQUIRE(done.size() == 2);
    CHECK(done[0].result.reason == WB_REASON_DEADLINE);
    CHECK(done[1].status.code == WB_OK);
    CHECK(hall.hall.counters().expired == 3);
}

TEST_CASE("a deadline wakes who sleeps in next(), one that comes later and is earlier too") {
    QueueHall hall;
    std::vector<Done> first, second;
    std::atomic<bool> drained{false};
    CallOptions late = due_at(hall.in_us(50));
    REQUIRE(hall.submit(1, late).ok());
    std::thread drainer([&] {
        (void)hall.drain(first, 64, WB_NO_DEADLINE);
        drained = true;
        (void)hall.drain(second, 64, WB_NO_DEADLINE);
    });
    REQUIRE(hall.submit(2, due_at(hall.in_us(10))).ok());
    hall.hall.clock.advance(10'000);
    while (!drained) std::this_thread::yield();
    hall.hall.clock.advance(40'000);
    drainer.join();
    REQUIRE(first.size() == 1);
    CHECK(first[0].tag == 2);
    REQUIRE(second.size() == 1);
    CHECK(second[0].tag == 1);
}

TEST_CASE("next() comes back at its deadline without a completion") {
    QueueHall hall;
    REQUIRE(hall.submit(1).ok());
    std::vector<Done> done;
    Status status;
    const int64_t deadline_ns = hall.in_us(10);
    std::thread drainer([&] { status = hall.drain(done, 64, deadline_ns); });
    hall.hall.clock.advance(10'000);
    drainer.join();
    CHECK(status.ok());
    CHECK(done.empty());
}

TEST_CASE("a cancelled tag completes at once, every submit of it, and is not found afterwards") {
    QueueHall hall;
    REQUIRE(hall.submit(1).ok());
    REQUIRE(hall.submit(2).ok());
    REQUIRE(hall.submit(1).ok());
    CHECK(hall.queue->cancel(3).code == WB_NOT_FOUND);
    CHECK(hall.queue->cancel(1).code == WB_OK);
    CHECK(hall.queue->cancel(1).code == WB_NOT_FOUND);
    auto done = hall.drained();
    REQUIRE(done.size() == 2);
    for (const Done &one : done) {
        CHECK(one.tag == 1);
        CHECK(one.status.code == WB_CANCELLED);
        CHECK(one.result.score == 0.0);
    }
    CHECK(hall.work() == 1);
    CHECK(hall.queue->cancel(2).code == WB_NOT_FOUND);
    CHECK(hall.drained_tags() == Tags{2});
    CHECK(hall.hall.counters().requests == 3);
    CHECK(hall.hall.counters().failed == 0);
}

TEST_CASE("a caller's token ends the submits that carry it, set before or after, and no later one in their place") {
    QueueHall hall(2);
    CancelToken token;
    CallOptions carries;
    carries.cancel = &token;
    REQUIRE(hall.submit(1, carries).ok());
    REQUIRE(hall.submit(2).ok());
    token.set(true);
    auto done = hall.drained();
    REQUIRE(done.size() == 1);
    CHECK(done[0].tag == 1);
    CHECK(done[0].status.code == WB_CANCELLED);
    REQUIRE(hall.submit(3, carries).ok());
    CHECK(hall.drained_tags() == Tags{3});
    token.set(false);
    REQUIRE(hall.submit(4).ok());
    token.set(true);
    CHECK(hall.drained().empty());
    CHECK(hall.work() == 2);
    CHECK(hall.drained_tags() == Tags{2, 4});
}

TEST_CASE("a closed queue completes what waits with WB_CLOSED and is drained before it says so itself") {
    QueueHall hall;
    REQUIRE(hall.submit(1).ok());
    CHECK(hall.work() == 1);
    REQUIRE(hall.submit(2).ok());
    CHECK(hall.queue->close(0).ok());
    CHECK(hall.submit(3).code == WB_CLOSED);
    const auto done = hall.drained();
    REQUIRE(done.size() == 2);
    CHECK(done[0].status.code == WB_OK);
    CHECK(done[1].tag == 2);
    CHECK(done[1].status.code == WB_CLOSED);
    std::vector<Done> none;
    CHECK(hall.drain(none, 1, WB_NO_DEADLINE).code == WB_CLOSED);
    CHECK(hall.queue->close(0).ok());
    CHECK(hall.work() == 0);
}

TEST_CASE("a closed engine completes what waits in all its queues, and next() ends there") {
    for (const bool drains : {true, false}) {
        QueueHall hall;
        auto other = *hall.hall.engine->make_queue(2);
        REQUIRE(hall.submit(1).ok());
        std::thread drainer;
        Status told;
        if (drains) drainer = std::thread([&] { told = other->next(1, WB_NO_DEADLINE).status(); });
        CHECK(hall.hall.engine->close(0).ok());
        if (drains) {
            drainer.join();
            CHECK(told.code == WB_CLOSED);
        }
        CHECK(hall.submit(2).code == WB_CLOSED);
        const auto done = hall.drained();
        REQUIRE(done.size() == 1);
        CHECK(done[0].status.code == WB_CLOSED);
        std::vector<Done> none;
        CHECK(hall.drain(none, 1, WB_NO_DEADLINE).code == WB_CLOSED);
        CHECK(hall.hall.engine->make_queue(1).status().code == WB_CLOSED);
        CHECK(hall.hall.engine->work(0).status().code == WB_CLOSED);
        other->shut();
    }
}

TEST_CASE("shutting a queue wakes who sleeps in next()") {
    QueueHall hall;
    Status told;
    std::thread drainer([&] { told = hall.queue->next(1, WB_NO_DEADLINE).status(); });
    hall.queue->shut();
    drainer.join();
    CHECK(told.code == WB_CLOSED);
}

TEST_CASE("what was submitted runs as it was then: the row, the slot's model, the buffers") {
    QueueHall hall;
    FakeControl newer;
    newer.set_score([](const Run &, int64_t) { return 0.75F; });
    auto slot = hall.hall.serve("champion", hall.target.model);
    Target deployed = *hall.hall.engine->target(*slot);
    auto row = row_of(*hall.bundle->schema(), R"({"x": 1})");
    hall.control.set_score([](const Run &run, int64_t) { return static_cast<const float *>(run.inputs[0].data)[0]; });
    float output = -1.0F;
    const OutputBuffer buffer{&output, 1};
    REQUIRE(hall.hall.engine->submit(*hall.queue, 1, {deployed, row.data(), {}, {}, {&buffer, 1}}).ok());
    row = row_of(*hall.bundle->schema(), R"({"x": 99})");
    deployed = Target();
    hall.hall.serve("champion", hall.hall.model(newer, queue_bundle("two")));
    CHECK(hall.work() == 1);
    const auto done = hall.drained();
    REQUIRE(done.size() == 1);
    CHECK(std::string(done[0].result.version) == "one");
    CHECK(done[0].result.score == 1.0);
    CHECK(output == 1.0F);
    newer.release();
}

TEST_CASE("what a submit refuses is never completed, and leaves its place") {
    QueueHall hall(1);
    auto row = row_of(*hall.bundle->schema(), R"({"x": 1})");
    auto submit = [&](std::span<const OutputBuffer> outputs) {
        return hall.hall.engine->submit(*hall.queue, 1, {hall.target, row.data(), {}, {}, outputs}).code;
    };
    float none = 0.0F;
    const OutputBuffer small{&none, 0};
    CHECK(submit({&small, 1}) == WB_BUFFER_TOO_SMALL);
    reinterpret_cast<wb_row_header *>(row.data())->schema_digest ^= 1;
    CHECK(submit({}) == WB_SCHEMA_MISMATCH);
    reinterpret_cast<wb_row_header *>(row.data())->schema_digest ^= 1;
    RowLock taken;
    REQUIRE(taken.take(*hall.bundle->schema(), row.data()).ok());
    CHECK(submit({}) == WB_BUSY);
    QueueHall other;
    CHECK(other.hall.engine->submit(*hall.queue, 1, {other.target, row.data(), {}, {}, {}}).code ==
          WB_INVALID_ARGUMENT);
    CHECK(hall.work() == 0);
    CHECK(hall.submit(2, {}, R"({"x": 101})").ok());
    CHECK(hall.work() == 1);
    const auto done = hall.drained();
    REQUIRE(done.size() == 1);
    CHECK(done[0].status.code == WB_INVALID_INPUT);
    CHECK(done[0].status.feature == 0);
    CHECK(hall.hall.engine->make_queue(0).status().code == WB_INVALID_ARGUMENT);
    CHECK(hall.hall.engine->make_queue(WB_QUEUE_CAPACITY_LIMIT + 1).status().code == WB_INVALID_ARGUMENT);
}

TEST_CASE("a model's exception is its submit's, and what is not drained keeps no model") {
    QueueHall hall;
    hall.control.fail_where([](const Run &) -> Status { throw std::bad_alloc(); });
    CallOptions declines;
    declines.accept_fallback = false;
    REQUIRE(hall.submit(1, declines).ok());
    CHECK(hall.work() == 1);
    REQUIRE(hall.submit(2).ok());
    hall.target = Target();
    CHECK(hall.work() == 1);
    hall.hall.engine->maintain();
    CHECK(hall.hall.counters().models == 0);
    const auto done = hall.drained();
    REQUIRE(done.size() == 2);
    CHECK(done[0].status.code == WB_OUT_OF_MEMORY);
    CHECK(done[1].result.reason == WB_REASON_BACKEND);
}

TEST_CASE("a child's inherited queue answers WB_FORKED, and a new one works") {
    QueueHall hall(2);
    CancelToken token;
    CallOptions carries;
    carries.cancel = &token;
    REQUIRE(hall.submit(1, carries).ok());
    auto row = row_of(*hall.bundle->schema(), R"({"x": 1})");
    CHECK(in_child([&] {
              token.set(true);
              Engine &engine = *hall.hall.engine;
              if (engine.submit(*hall.queue, 2, {hall.target, row.data(), {}, {}, {}}).code != WB_FORKED) return 1;
              if (hall.queue->next(1, 0).status().code != WB_FORKED) return 2;
              if (hall.queue->cancel(1).code != WB_FORKED) return 3;
              if (hall.queue->close(0).code != WB_FORKED) return 4;
              if (engine.descriptor(*hall.queue).status().code != WB_FORKED) return 5;
              auto fresh = *engine.make_queue(1);
              if (!engine.submit(*fresh, 3, {hall.target, row.data(), {}, {}, {}}).ok()) return 6;
              if (*engine.work(WB_NO_DEADLINE) != 1) return 7;
              {
                  auto done = fresh->next(1, 0);
                  if (!done || done->size() != 1 || done->first()->tag != 3) return 8;
              }
              fresh->shut();
              fresh = {};
              hall.queue->shut();
              hall.queue = {};
              return engine.close(0).ok() ? 0 : 9;
          }) == 0);
    CHECK(hall.work() == 1);
    CHECK(hall.drained_tags() == Tags{1});
}
