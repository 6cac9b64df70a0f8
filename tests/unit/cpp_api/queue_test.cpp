// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <coroutine>
#include <iterator>
#include <thread>
#include <utility>

#include "unit/cpp_api/fixture.hpp"

using namespace weighbridge;
using namespace weighbridge::test;
using namespace std::chrono_literals;

namespace {

Engine lent() { return Engine::create({.devices = "cpu=2", .async_threads = 0}).value(); }

Row row_of(const Model &model, int64_t amount_minor = 1250) {
    Row row(model.schema());
    row.set("amount_minor", amount_minor).value();
    row.set("country", "FR").value();
    row.set("online", false).value();
    return row;
}

const double kScore = expected(1250, 0, france, false);

// A coroutine that runs until its first wait at once, and belongs to nobody.
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

}  // namespace

TEST_CASE("a function is told of its submit by who drains, once") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    Queue queue = Queue::create(e, 2).value();
    Row row = row_of(model);
    std::vector<double> told;
    auto tell = [&](Expected<Result> result) { told.push_back(result.value().score); };
    CHECK(queue.submit(model, row, tell));
    row.clear();
    CHECK(queue.drain(-1ms).value() == 0);
    CHECK(e.work().value() == 1);
    CHECK(told.empty());
    CHECK(queue.drain().value() == 1);
    REQUIRE(told.size() == 1);
    CHECK(told[0] == Approx(kScore));
}

TEST_CASE("a submit that fails tells nobody and destroys its function") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    Queue queue = Queue::create(e, 1).value();
    Row row = row_of(model);
    auto alive = std::make_shared<int>(0);
    auto tell = [alive](Expected<Result>) { ++*alive; };
    CHECK(queue.submit(model, row, tell));
    CHECK(queue.submit(model, row, tell).error().code == WB_OVERLOADED);
    CHECK(queue.async(model, row).error().code == WB_OVERLOADED);
    CHECK(alive.use_count() == 3);
    CHECK(queue.close());
    CHECK(queue.drain().value() == 1);
    CHECK(*alive == 1);
    CHECK(alive.use_count() == 2);
    CHECK(queue.drain().error().code == WB_CLOSED);
    CHECK(queue.submit(model, row, tell).error().code == WB_CLOSED);
}

TEST_CASE("futures become ready while another thread drains; errors are values") {
    Engine e = engine();
    Model model = Model::load(e, bundle()).value();
    Slot slot = Slot::open_or_create(e, "champion").value();
    slot.swap(model).value();
    Queue queue = Queue::create(e).value();
    std::thread drainer([&] {
        while (queue.drain()) {
        }
    });
    Row good = row_of(model), bad = row_of(model, -1);
    auto scored = queue.async(slot, good).value(), refused = queue.async(model, bad).value();
    auto late = queue.async(model, good, -1ms).value();
    CHECK(scored.get().value().score == Approx(kScore));
    const auto error = refused.get();
    REQUIRE_FALSE(error);
    CHECK(error.error().code == WB_INVALID_INPUT);
    CHECK(error.error().feature == 0);
    CHECK(late.get().value().is_fallback());
    CHECK(queue.close());
    drainer.join();
}

TEST_CASE("a coroutine goes on in who drains, and at once where its submit fails") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    Queue queue = Queue::create(e, 1).value();
    std::vector<double> scores;
    std::vector<int32_t> codes;
    auto run = [&](Row row) -> Task {
        for (int i = 0; i < 3; ++i) {
            auto result = co_await queue.score(model, row);
            if (result)
                scores.push_back(result->score);
            else
                codes.push_back(result.error().code);
        }
    };
    run(row_of(model));
    run(row_of(model));  // finds the queue full, three times
    CHECK(codes == std::vector<int32_t>(3, WB_OVERLOADED));
    for (size_t i = 0; i < 3; ++i) {
        CHECK(scores.size() == i);
        CHECK(e.work().value() == 1);
        CHECK(queue.drain().value() == 1);
    }
    REQUIRE(scores.size() == 3);
    CHECK(scores[2] == Approx(kScore));
}

TEST_CASE("destroying a queue tells everybody, and moving one keeps its submits") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    std::vector<int32_t> told;
    auto tell = [&](Expected<Result> result) { told.push_back(result ? result->status : result.error().code); };
    {
        Queue first = Queue::create(e, 4).value();
        Row row = row_of(model);
        CHECK(first.submit(model, row, tell));
        CHECK(e.work().value() == 1);
        CHECK(first.submit(model, row, tell));
        Queue second = std::move(first);
        CHECK(second.descriptor().value() >= 0);
        second = Queue::create(e, 1).value();
        CHECK(told == std::vector<int32_t>{WB_OK, WB_CLOSED});
        CHECK(second.submit(model, row, tell));
    }
    CHECK(told == std::vector<int32_t>{WB_OK, WB_CLOSED, WB_CLOSED});
}

TEST_CASE("completions that are not the queue's own go to drain()'s function, or nowhere") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    Queue queue = Queue::create(e, 4).value();
    Row row = row_of(model);
    const uint64_t foreign[] = {5, (uint64_t{1} << 63) + 1000, UINT64_MAX};
    const auto submit_foreign = [&] {
        for (const uint64_t tag : foreign)
            REQUIRE(wb_model_submit(queue.get(), tag, model.get(), row.data(), WB_NO_DEADLINE, nullptr, nullptr) ==
                    WB_OK);
    };
    submit_foreign();
    CHECK(e.work().value() == 3);
    CHECK(queue.drain().value() == 3);
    submit_foreign();
    int told = 0;
    CHECK(queue.submit(model, row, [&](Expected<Result>) { ++told; }));
    CHECK(e.work().value() == 4);
    std::vector<uint64_t> tags;
    CHECK(queue.drain({}, [&](const wb_completion &done) { tags.push_back(done.tag); }).value() == 4);
    CHECK(told == 1);
    CHECK(tags == std::vector<uint64_t>(std::begin(foreign), std::end(foreign)));
}

TEST_CASE("a coroutine that is destroyed while it waits is told of nothing, and its submit completes") {
    struct Kept {
        struct promise_type {
            Kept get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
            std::suspend_never initial_suspend() noexcept { return {}; }
            std::suspend_always final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { std::terminate(); }
        };
        std::coroutine_handle<promise_type> handle;
    };
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    std::vector<Kept> tasks;
    int told = 0;
    const auto run = [&](Queue &queue, Row row, size_t victim) -> Kept {
        const auto result = co_await queue.score(model, row);
        CHECK(result);
        ++told;
        if (victim < tasks.size()) std::exchange(tasks[victim].handle, {}).destroy();
    };
    {
        Queue queue = Queue::create(e, 4).value();
        tasks.push_back(run(queue, row_of(model), 2));
        tasks.push_back(run(queue, row_of(model), 99));
        tasks.push_back(run(queue, row_of(model), 99));
        std::exchange(tasks[1].handle, {}).destroy();
        CHECK(e.work().value() == 3);
        CHECK(queue.drain().value() == 3);  // the first destroys the third, of the same drain
        CHECK(told == 1);
        CHECK(e.snapshot().value().requests == 3);
    }
    tasks[0].handle.destroy();
}

TEST_CASE("a batch's window is submitted, and a submit is cancelled by its tag") {
    Engine e = lent();
    Model model = Model::load(e, bundle()).value();
    Queue queue = Queue::create(e, 4).value();
    Row row = row_of(model);
    Rows rows(model.schema());
    for (int i = 0; i < 2; ++i) rows.push_back(row);
    Batch batch = Batch::create(model.schema()).value();
    batch.rows(rows).value();
    std::vector<int64_t> scored;
    std::vector<int32_t> codes;
    const auto tell = [&](Expected<BatchResult> result) {
        if (result)
            scored.push_back(result->scored);
        else
            codes.push_back(result.error().code);
    };
    CHECK(queue.submit(model, batch, tell));
    const uint64_t tag = queue.submit(model, batch, tell).value();
    CHECK(queue.cancel(tag));
    CHECK(e.work().value() == 1);
    CHECK(queue.drain().value() == 2);
    CHECK(scored == std::vector<int64_t>{2});
    CHECK(codes == std::vector<int32_t>{WB_CANCELLED});
    CHECK(batch.scores()[1] == Approx(kScore));
    CHECK(queue.cancel(tag).error().code == WB_NOT_FOUND);
}
