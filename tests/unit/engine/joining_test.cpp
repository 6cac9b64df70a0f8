// SPDX-License-Identifier: Apache-2.0
// Single rows that wait for one model are run together: each has its own answer, and fails alone.
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>

#include "support/child.hpp"
#include "unit/engine/queue_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr Traits kJoins{.inline_safe = true, .cancellable = true, .batch_invariant = true, .joining = Joining::calls};

float input_of(const Run &run, int64_t row) { return reinterpret_cast<const float *>(run.inputs[0].data)[row]; }

// A model whose score is a hundredth of its input, and one context.
class JoiningHall {
  public:
    explicit JoiningHall(int async_threads = 0, Traits traits = kJoins, int contexts = 1)
        : hall(contexts, 64, allocate_on_cpu, async_threads), bundle(queue_bundle("one")) {
        control.set_score([](const Run &run, int64_t row) { return input_of(run, row) / 100; });
        target.model = hall.model(control, bundle, traits);
        queue = *hall.engine->make_queue(64);
    }
    ~JoiningHall() {
        control.release();
        queue->shut();
        (void)hall.engine->close(WB_NO_DEADLINE);
    }
    Status submit(uint64_t tag, int x, const CallOptions &options = {}) {
        auto row = row_of(*bundle->schema(), "{\"x\": " + std::to_string(x) + "}");
        return hall.engine->submit(*queue, tag, {target, row.data(), options, {}, {}});
    }
    std::vector<Done> drained(size_t least) {
        std::vector<Done> all;
        while (all.size() < least) {
            const auto done = queue->next(64, WB_NO_DEADLINE);
            REQUIRE(done);
            for (const Submission *one = done->first(); one; one = one->next)
                all.push_back({one->tag, one->outcome, one->result});
        }
        return all;
    }

    FakeControl control;
    FakeEngine hall;
    std::shared_ptr<const Bundle> bundle;
    Target target;
    Ref<Queue> queue;
};

// A thread that scores x. It runs at once, or waits; what it got is read after join().
struct Call {
    Call(JoiningHall &in, int x, CallOptions options = {})
        : row(row_of(*in.bundle->schema(), "{\"x\": " + std::to_string(x) + "}")),
          thread([this, &in, options] { status = in.hall.engine->score(in.target, row.data(), options, {}, result); }) {
    }
    ~Call() { join(); }
    void join() {
        if (thread.joinable()) thread.join();
    }
    int32_t code() {
        join();
        return status.code;
    }

    std::vector<uint64_t> row;
    Status status;
    wb_result result = WB_RESULT_INIT;
    std::thread thread;
};

// Calls of which the first runs, blocked, and the others wait, in their order.
std::vector<std::unique_ptr<Call>> calls(JoiningHall &hall, const std::vector<int> &xs,
                                         const std::vector<CallOptions> &options = {}) {
    hall.control.block();
    std::vector<std::unique_ptr<Call>> calls;
    for (size_t i = 0; i < xs.size(); ++i) {
        calls.push_back(std::make_unique<Call>(hall, xs[i], i < options.size() ? options[i] : CallOptions()));
        if (i == 0)
            hall.control.wait_for_running(1);
        else
            while (hall.hall.pool().waiting() != i) std::this_thread::yield();
    }
    return calls;
}

}  // namespace

TEST_CASE("calls that wait for one model are run together, and each has its own answer") {
    JoiningHall hall;
    auto all = calls(hall, {1, 2, 3, 4, 5});
    hall.hall.clock.advance(1000);
    hall.control.release();
    for (size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i]->code() == WB_OK);
        CHECK(all[i]->result.score == double{static_cast<float>(i + 1) / 100});
        CHECK(all[i]->result.numerics == 1);
        CHECK(all[i]->result.queue_ns == (i == 0 ? 0 : 1000));
        CHECK(all[i]->result.run_ns == (i == 0 ? 1000 : 0));
    }
    CHECK(hall.control.runs() == 2);
    const wb_snapshot counted = hall.hall.counters();
    CHECK(counted.requests == 5);
    CHECK(counted.rows == 5);
    CHECK(hall.hall.engine->runtime().joined_rows == 4);
}

TEST_CASE("a program that gains nothing, and a model of another's bundle, are run by themselves") {
    JoiningHall hall(0, kInlineTraits);
    auto all = calls(hall, {1, 2, 3});
    hall.control.release();
    for (auto &one : all) CHECK(one->code() == WB_OK);
    CHECK(hall.control.runs() == 3);
}

TEST_CASE("a row that the encoder refuses and one that the model fails on cost their neighbours nothing") {
    JoiningHall hall;
    hall.control.fail_where([](const Run &run) {
        for (int64_t row = 0; row < run.rows; ++row)
            if (input_of(run, row) == 13) return Status::failure(WB_BACKEND_FAILED, "13 is unlucky");
        return Status();
    });
    auto all = calls(hall, {1, 2, 13, 999, 3});
    hall.control.release();
    CHECK(all[2]->code() == WB_OK_FALLBACK);
    CHECK(all[2]->result.reason == WB_REASON_BACKEND);
    CHECK(all[3]->code() == WB_INVALID_INPUT);
    for (const size_t i : {size_t{0}, size_t{1}, size_t{4}}) CHECK(all[i]->code() == WB_OK);
    CHECK(all[1]->result.score == double{0.02F});
    CHECK(all[4]->result.score == double{0.03F});
    const wb_snapshot counted = hall.hall.counters();
    CHECK(counted.requests == 5);
    CHECK(counted.invalid == 1);
}

TEST_CASE("a score that is not finite is its own row's failure") {
    JoiningHall hall;
    hall.control.set_score([](const Run &run, int64_t row) {
        const float x = input_of(run, row);
        return x == 13 ? NAN : x / 100;
    });
    auto all = calls(hall, {1, 13, 2, 3});
    hall.control.release();
    CHECK(all[1]->code() == WB_OK_FALLBACK);
    for (const size_t i : {size_t{0}, size_t{2}, size_t{3}}) CHECK(all[i]->code() == WB_OK);
    CHECK(hall.control.runs() == 2);
}

TEST_CASE("a token or a deadline that comes while others run a row ends that one alone, after the run") {
    JoiningHall hall;
    CancelToken token;
    std::vector<CallOptions> options(4);
    options[2].cancel = &token;
    options[3].deadline_ns = hall.hall.clock.now_ns() + 1000;
    // The first row is through at once; the others' run sets the token and comes too late for the deadline.
    hall.control.set_score([&](const Run &run, int64_t row) {
        if (row == 0 && run.rows > 1) {
            token.set(true);
            hall.hall.clock.advance(2000);
        }
        return input_of(run, row) / 100;
    });
    auto all = calls(hall, {1, 2, 3, 4}, options);
    hall.control.release();
    CHECK(all[1]->code() == WB_OK);
    CHECK(all[2]->code() == WB_CANCELLED);
    CHECK(all[3]->code() == WB_OK_FALLBACK);
    CHECK(all[3]->result.reason == WB_REASON_DEADLINE);
    CHECK(hall.control.runs() == 2);
}

TEST_CASE("whose deadline is before the predicted end is left to himself") {
    JoiningHall hall;
    // Each row takes 1 us of the clock, so that three take 3.
    hall.control.set_score([&](const Run &run, int64_t row) {
        hall.hall.clock.advance(1000);
        return input_of(run, row) / 100;
    });
    {
        auto all = calls(hall, {1, 2, 3, 4});
        hall.control.release();
        for (auto &one : all) CHECK(one->code() == WB_OK);
        CHECK(hall.control.runs() == 2);  // from which it knows
    }
    std::atomic<int64_t> most{0};
    hall.control.fail_where([&](const Run &run) {
        most = std::max<int64_t>(most, run.rows);
        return Status();
    });
    std::vector<CallOptions> options(4);
    options[2].deadline_ns = hall.hall.clock.now_ns() + 2500;  // 1 us of it goes to the first call's row
    auto all = calls(hall, {1, 2, 3, 4}, options);
    hall.control.release();
    CHECK(all[1]->code() == WB_OK);
    CHECK(all[3]->code() == WB_OK);
    CHECK(all[2]->code() == WB_OK_FALLBACK);
    CHECK(most == 2);
}

TEST_CASE("submits that wait for one model are run together, and each completes once") {
    JoiningHall hall;
    for (uint64_t tag = 1; tag <= 20; ++tag) REQUIRE(hall.submit(tag, static_cast<int>(tag)).ok());
    CHECK(*hall.hall.engine->work(WB_NO_DEADLINE) == 20);
    CHECK(hall.control.runs() == 2);  // 16 fill the tile
    auto done = hall.drained(20);
    REQUIRE(done.size() == 20);
    for (size_t i = 0; i < done.size(); ++i) {
        CHECK(done[i].tag == i + 1);
        CHECK(done[i].status.code == WB_OK);
        CHECK(done[i].result.score == double{static_cast<float>(i + 1) / 100});
    }
    CHECK(hall.hall.counters().requests == 20);
    CHECK(hall.hall.engine->close(WB_NO_DEADLINE).ok());
}

TEST_CASE("submits fail alone too, and go back to the head of the queue in their order") {
    JoiningHall hall;
    hall.control.fail_where([](const Run &run) {
        for (int64_t row = 0; row < run.rows; ++row)
            if (input_of(run, row) == 13) return Status::failure(WB_BACKEND_FAILED, "13 is unlucky");
        return Status();
    });
    const std::vector<int> xs = {1, 13, 2, 999, 3};
    for (size_t i = 0; i < xs.size(); ++i) REQUIRE(hall.submit(i, xs[i]).ok());
    CHECK(*hall.hall.engine->work(WB_NO_DEADLINE) == 5);
    const auto done = hall.drained(5);
    std::vector<int32_t> codes(5);
    for (const Done &one : done) codes[one.tag] = one.status.code;
    CHECK(codes == std::vector<int32_t>{WB_OK, WB_OK_FALLBACK, WB_OK, WB_INVALID_INPUT, WB_OK});
    std::vector<uint64_t> alone;
    for (const Done &one : done)
        if (one.tag == 1 || one.tag == 2 || one.tag == 4) alone.push_back(one.tag);
    CHECK(alone == std::vector<uint64_t>{1, 2, 4});
}

TEST_CASE("a submit that is cancelled, and one that expires, in another's run end alone") {
    JoiningHall hall;
    hall.control.set_score([&](const Run &run, int64_t row) {
        if (row == 0 && run.rows > 1) {
            (void)hall.queue->cancel(2);
            hall.hall.clock.advance(2000);
        }
        return input_of(run, row) / 100;
    });
    CallOptions soon;
    soon.deadline_ns = hall.hall.clock.now_ns() + 1000;
    REQUIRE(hall.submit(1, 1).ok());
    REQUIRE(hall.submit(2, 2).ok());
    REQUIRE(hall.submit(3, 3, soon).ok());
    REQUIRE(hall.submit(4, 4).ok());
    CHECK(*hall.hall.engine->work(WB_NO_DEADLINE) == 4);
    std::vector<int32_t> codes(5);
    for (const Done &one : hall.drained(4)) codes[one.tag] = one.status.code;
    CHECK(codes == std::vector<int32_t>{0, WB_OK, WB_CANCELLED, WB_OK_FALLBACK, WB_OK});
}

TEST_CASE("a queue that is closed while others run its submits, and fail, has them closed") {
    JoiningHall hall;
    hall.control.fail_where([&](const Run &run) {
        if (run.rows == 1) return Status();
        hall.queue->shut();
        return Status::failure(WB_BACKEND_FAILED, "not together");
    });
    for (uint64_t tag = 1; tag <= 3; ++tag) REQUIRE(hall.submit(tag, 1).ok());
    CHECK(*hall.hall.engine->work(WB_NO_DEADLINE) >= 1);
    std::vector<int32_t> codes(4);
    for (const Done &one : hall.drained(3)) codes[one.tag] = one.status.code;
    CHECK(codes == std::vector<int32_t>{0, WB_OK, WB_CLOSED, WB_CLOSED});
}

TEST_CASE("a thread of the engine's own takes calls and submits along") {
    JoiningHall hall(1);
    hall.control.block();
    REQUIRE(hall.submit(1, 1).ok());
    hall.control.wait_for_running(1);
    for (uint64_t tag = 2; tag <= 4; ++tag) REQUIRE(hall.submit(tag, static_cast<int>(tag)).ok());
    hall.control.release();
    const auto done = hall.drained(4);
    for (const Done &one : done) {
        CHECK(one.status.code == WB_OK);
        CHECK(one.result.score == double{static_cast<float>(one.tag) / 100});
    }
    CHECK(hall.control.runs() == 2);
}

TEST_CASE("close waits for those who are run by others") {
    JoiningHall hall;
    auto all = calls(hall, {1, 2, 3});
    std::atomic<bool> together{false};
    hall.control.set_score([&](const Run &run, int64_t row) {
        together = together || run.rows == 2;
        return input_of(run, row) / 100;
    });
    hall.control.fail_where([&](const Run &run) {
        if (run.rows == 2) hall.hall.engine->runtime().pools.refuse();
        return Status();
    });
    hall.control.release();
    CHECK(hall.hall.engine->runtime().pools.drain(WB_NO_DEADLINE).ok());
    for (auto &one : all) CHECK(one->code() == WB_OK);
    CHECK(together);
}

TEST_CASE("calls, submits, failures, cancels and deadlines that race: each is answered once, with its own score") {
    JoiningHall hall(2, kJoins, 2);
    hall.control.fail_where([](const Run &run) {
        for (int64_t row = 0; row < run.rows; ++row)
            if (input_of(run, row) == 13) return Status::failure(WB_BACKEND_FAILED, "13 is unlucky");
        return Status();
    });
    constexpr int kThreads = 4, kRounds = 1000;
    std::atomic<int> wrong{0}, answered{0};
    CancelToken token;
    std::vector<std::vector<uint64_t>> rows[kThreads];  // a thread's own: a row is for one call at a time
    for (auto &of : rows)
        for (int x = 0; x < 50; ++x) of.push_back(row_of(*hall.bundle->schema(), "{\"x\": " + std::to_string(x) + "}"));
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kRounds; ++i) {
                const int x = (i * 7 + t) % 50;
                auto &row = rows[t][static_cast<size_t>(x)];
                wb_result result = WB_RESULT_INIT;
                CallOptions options;
                options.cancel = i % 4 == 0 ? &token : nullptr;
                options.priority = i % 9 == 0 ? Priority::high : Priority::normal;
                const int32_t code = hall.hall.engine->score(hall.target, row.data(), options, {}, result).code;
                if (code == WB_OK && result.score == double{static_cast<float>(x) / 100}) ++answered;
                const bool fell_back = code == WB_OK_FALLBACK && x == 13;
                if (!fell_back && code != WB_CANCELLED && code != WB_OK) ++wrong;
                if (code == WB_OK && result.score != double{static_cast<float>(x) / 100}) ++wrong;
            }
        });
    std::atomic<bool> stop{false};
    std::thread ticker([&] {  // who waits for a context that he did not find looks again by the clock
        while (!stop) {
            token.set(true);
            token.set(false);
            hall.hall.clock.advance(100'000);
            std::this_thread::yield();
        }
    });
    int submitted = 0, completed = 0;
    for (int i = 0; i < kThreads * kRounds; ++i) {
        if (hall.submit(static_cast<uint64_t>(i % 50), i % 50).ok()) ++submitted;
        const auto done = hall.queue->next(64, 0);
        REQUIRE(done);
        for (const Submission *one = done->first(); one; one = one->next) {
            ++completed;
            const bool unlucky = one->tag == 13;
            if (one->outcome.code != (unlucky ? WB_OK_FALLBACK : WB_OK)) ++wrong;
            if (!unlucky && one->result.score != double{static_cast<float>(one->tag) / 100}) ++wrong;
        }
    }
    while (completed < submitted) completed += static_cast<int>(hall.drained(1).size());
    for (auto &thread : threads) thread.join();
    stop = true;
    ticker.join();
    CHECK(completed == submitted);
    CHECK(wrong == 0);
    CHECK(answered > 0);
}

TEST_CASE("a child that was forked while calls waited joins calls of its own") {
    if (!kChildrenHaveThreads) return;
    JoiningHall hall;
    auto all = calls(hall, {1, 2, 3});
    const int result = in_child(
        [&] { return hall.hall.pool().waiting() == 0 && *hall.hall.engine->work(WB_NO_DEADLINE) == 0 ? 0 : 1; });
    CHECK(result == 0);
    hall.control.release();
    for (auto &one : all) CHECK(one->code() == WB_OK);
}
