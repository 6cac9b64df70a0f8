// SPDX-License-Identifier: Apache-2.0
#include "support/fake_backend.hpp"

#include <thread>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

struct Call {
    explicit Call(FakeControl &control, int64_t rows = 1) : program(control, {2}), out(static_cast<size_t>(rows) * 2) {
        executor = *make_lone_executor(program, 0, rows);
        run.outputs = outputs;
        run.rows = rows;
        run.stop = {&clock, &token, WB_NO_DEADLINE};
        run.done = [](void *self) { ++static_cast<Call *>(self)->done; };
        run.done_arg = this;
    }
    Status operator()() { return executor->run(run); }

    FakeProgram program;
    std::unique_ptr<Executor> executor;
    std::vector<float> out;
    float *outputs[1] = {out.data()};
    ManualClock clock{0};
    CancelToken token;
    Run run;
    int done = 0;
};

}  // namespace

TEST_CASE("a fake run answers as told") {
    FakeControl control;
    Call call(control, 2);
    REQUIRE(call().ok());
    REQUIRE(call.out == std::vector<float>(4, 0.25f));
    control.set_score([](const Run &, int64_t row) { return static_cast<float>(row); });
    REQUIRE(call().ok());
    REQUIRE(call.out == std::vector<float>{0, 0, 1, 1});
    control.fail(Status::failure(WB_BACKEND_FAILED, "as told"));
    REQUIRE(call().code == WB_BACKEND_FAILED);
    control.succeed();
    control.sleep_ns(1000);
    REQUIRE(call().ok());
    REQUIRE(control.runs() == 4);
    REQUIRE(control.rows() == 6);
}

TEST_CASE("a blocked fake run waits for its release, its token or its deadline") {
    FakeControl control;
    control.block();
    Call released(control), cancelled(control), expired(control);
    expired.run.stop.deadline_ns = 100;
    Status a, b, c;
    std::thread first([&] { a = released(); }), second([&] { b = cancelled(); }), third([&] { c = expired(); });
    control.wait_for_running(3);
    cancelled.token.set(true);
    second.join();
    expired.clock.advance(100);
    third.join();
    control.release();
    first.join();
    REQUIRE(a.ok());
    REQUIRE(b.code == WB_CANCELLED);
    REQUIRE(c.code == WB_DEADLINE_EXCEEDED);
}

TEST_CASE("an abandoned fake run is done once, at the release") {
    FakeControl control;
    control.block();
    control.abandon_on_stop(true);
    Call call(control);
    call.token.set(true);
    REQUIRE(call().code == WB_CANCELLED);
    REQUIRE(call.run.abandoned);
    REQUIRE(call.done == 0);
    control.release();
    control.release();
    REQUIRE(call.done == 1);
}
