// SPDX-License-Identifier: Apache-2.0
// A device whose context is lost, or that hangs: the CPU answers, and the device comes back with a new context.
#include <chrono>
#include <future>
#include <thread>

#include "unit/backend/cuda/simulated_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
using cuda::DeviceTimes;

namespace {

constexpr int64_t kMs = 1'000'000;
constexpr DeviceTimes kSoon{.longest_run_ns = 200 * kMs, .recovery_pause_ns = 5 * kMs};

bool told(const std::vector<std::string> &events, const std::string &begin) {
    for (const std::string &event : events)
        if (event.starts_with(begin)) return true;
    return false;
}

template <class Condition>
bool eventually(Condition &&condition) {
    for (int tries = 0; tries < 2000 && !condition(); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
}

}  // namespace

TEST_CASE("a device that lost its context is answered for by the CPU, and comes back with the same bits", "[cuda]") {
    FastClock clock(100);
    const SimulatedEngine on(1, kSoon, clock);
    const auto model = on.loaded();
    const auto other = on.loaded();  // whatever lies in the context comes back
    const wb_result before = on.scored_on(1, model, 5);
    REQUIRE(before.device == 1);
    const size_t objects = cuda_sim::objects(), bytes = cuda_sim::device_bytes(0);
    for (const cuda::Result how : {cuda::kIllegalAddress, cuda::kLaunchFailed, cuda::kEccUncorrectable}) {
        CAPTURE(how);
        (void)on.events();
        cuda_sim::fail_work(0, 2, how);
        const wb_result answered = on.scored(model, 5);
        CHECK(answered.device != 1);
        CHECK(answered.score == before.score);
        CHECK(told(on.events(), "device cuda:0 is left out, and the CPU answers for it: "));
        for (const auto &one : {model, other}) {
            const wb_result again = on.scored_on(1, one, 5);
            CHECK(again.device == 1);
            CHECK(again.score == before.score);
        }
        CHECK(told(on.events(), "device cuda:0 answers again"));
        CHECK(eventually([&] { return cuda_sim::objects() == objects && cuda_sim::device_bytes(0) == bytes; }));
    }
}

TEST_CASE("two devices: the one that is well goes on while the other is lost", "[cuda]") {
    const SimulatedEngine on(2, kSoon);
    const auto model = on.loaded();
    const wb_result before = on.scored(model, 7);
    cuda_sim::lose(0);
    int on_second = 0;
    for (int i = 0; i < 20; ++i) {
        const wb_result result = on.scored(model, 7);
        CHECK(result.score == before.score);
        on_second += result.device == 2 ? 1 : 0;
    }
    CHECK(on_second >= 18);  // the first was tried in vain
}

TEST_CASE("a lost device is tried again once in its pause, and not in between", "[cuda]") {
    const SimulatedEngine on(1, {.longest_run_ns = 200 * kMs, .recovery_pause_ns = 50 * kMs});
    const auto model = on.loaded();
    cuda_sim::lose(0);
    (void)on.scored(model, 1);
    const uint64_t before = cuda_sim::calls("cuDevicePrimaryCtxRetain");
    const auto begin = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(320));
    const auto attempts = static_cast<int64_t>(cuda_sim::calls("cuDevicePrimaryCtxRetain") - before);
    const auto pauses = (std::chrono::steady_clock::now() - begin) / std::chrono::milliseconds(50);
    CHECK(attempts >= 1);
    CHECK(attempts <= pauses + 1);
}

TEST_CASE("a context that somebody else in the process has too cannot be made anew before he lets it go", "[cuda]") {
    FastClock clock(100);
    const SimulatedEngine on(1, kSoon, clock);
    const auto model = on.loaded();
    const auto driver = on.machine.driver();
    const auto &call = driver->functions();
    cuda::ContextHandle others = nullptr;
    REQUIRE(call.primary_retain(&others, 0) == cuda::kSuccess);
    cuda_sim::fail_work(0, 1, cuda::kLaunchFailed);
    const wb_result answered = on.scored(model, 3);
    CHECK(answered.device == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    CHECK(on.scored(model, 3).device == 0);
    REQUIRE(call.primary_release(0) == cuda::kSuccess);
    const wb_result again = on.scored_on(1, model, 3);
    CHECK(again.device == 1);
    CHECK(again.score == answered.score);
}

TEST_CASE("whichever call fails while a model is loaded, it is loaded, and its scores are right", "[cuda]") {
    double right = 0.0;
    uint64_t calls = 0;
    for (uint64_t nth = 0; nth <= calls + 1; nth += 1 + nth / 24) {
        CAPTURE(nth);
        const SimulatedEngine on(1, kSoon);
        const uint64_t before = cuda_sim::calls(nullptr);
        if (nth > 0) cuda_sim::fail_call(nullptr, nth, nth % 2 == 1 ? cuda::kLaunchFailed : cuda::kOutOfMemory);
        const auto model = on.loaded();
        if (nth == 0) calls = cuda_sim::calls(nullptr) - before;
        const auto events = on.events();
        if (model->replicas().empty()) CHECK(told(events, "model 'fixture' 1.0.0 stays on the CPU, not on cuda:0: "));
        const wb_result result = on.scored(model, 9);
        if (nth == 0) right = result.score;
        CHECK(result.score == right);
    }
    CHECK(calls > 100);
}

TEST_CASE("a device that is lost or hangs keeps nobody from loading, closing and freeing", "[cuda]") {
    for (const bool hangs : {false, true}) {
        CAPTURE(hangs);
        SimulatedEngine on(1, kSoon);
        const auto model = on.loaded();
        const wb_result before = on.scored(model, 4);
        REQUIRE(before.device == 1);
        if (hangs)
            cuda_sim::set_hanging(0, true);
        else
            cuda_sim::lose(0);
        const wb_result answered = on.scored(model, 4);  // without a deadline
        CHECK(answered.device == 0);
        CHECK(answered.score == before.score);
        const auto second = on.loaded();
        CHECK(second->replicas().empty());
        const Status closed = on.engine->close(steady_clock().now_ns() + 20'000 * kMs);
        INFO(closed.message);
        CHECK(closed.ok());
        on.engine = {};
    }
}

TEST_CASE("while the driver takes a lost context's kernels back, nobody waits for it", "[cuda]") {
    const SimulatedMachine machine;
    auto gpu = cuda::GpuDevice::open(machine.driver(), 0, simulated_image(), {.recovery_pause_ns = kMs});
    REQUIRE(gpu);
    {
        const auto kernels = (*gpu)->kernels();
        REQUIRE(kernels);
        cuda_sim::lose(0);
        (void)(*kernels)->make_look();  // which tells that it is lost
        REQUIRE((*kernels)->context()->is_lost());
    }
    cuda_sim::hold_calls("cuLibraryUnload");
    (*gpu)->look_after();
    REQUIRE(eventually([] { return cuda_sim::held_calls() == 1; }));
    auto asked = std::async(std::launch::async, [&] { return (*gpu)->kernels().status().code; });
    const bool told = asked.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    cuda_sim::let_calls_go();
    CHECK(told);
    CHECK(asked.get() == WB_BACKEND_UNAVAILABLE);
}

TEST_CASE("a run that hangs ends without a deadline, and a wait by a token when that is set", "[cuda]") {
    const SimulatedMachine machine;
    const auto driver = machine.driver();
    auto gpu = cuda::GpuDevice::open(driver, 0, simulated_image(), {.longest_run_ns = 50 * kMs});
    REQUIRE(gpu);
    auto kernels = (*gpu)->kernels();
    REQUIRE(kernels);
    const auto &call = driver->functions();
    const auto stream = cuda::make_stream((*kernels)->context());
    const auto look = (*kernels)->make_look();
    REQUIRE((stream && look));
    const cuda::DeviceContext::Current current(*(*kernels)->context());
    const auto begin = [&] { REQUIRE(call.event_record((*look)->event.get(), stream->get()) == cuda::kSuccess); };
    cuda_sim::set_hanging(0, true);
    begin();
    auto outcome = (*kernels)->watch().wait(*look, {});
    CHECK(outcome.stalled);
    CHECK(outcome.left());

    CancelToken token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        token.set(true);
    });
    begin();
    outcome = (*kernels)->watch().wait(*look, {nullptr, &token});
    canceller.join();
    CHECK(outcome.stop == WB_CANCELLED);

    std::thread mechanic([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        cuda_sim::set_hanging(0, false);
    });
    begin();
    outcome = (*kernels)->watch().wait(*look, {});
    mechanic.join();
    CHECK_FALSE(outcome.left());
    CHECK(outcome.result == cuda::kSuccess);
}
