// SPDX-License-Identifier: Apache-2.0
// A device's thread: who waits for a run does not wait for its task, nor for what others give back.
#include <chrono>
#include <future>
#include <thread>

#include "backend/cuda/device.hpp"
#include "support/cuda_sim/simulated.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::test;

constexpr auto kLong = std::chrono::seconds(20);  // beyond any wait that ends

// A device, and runs of it that are waited for.
struct Watched {
    explicit Watched(const cuda::DeviceTimes &times = {}) {
        auto opened = cuda::GpuDevice::open(driver, 0, simulated_image(), times);
        REQUIRE(opened);
        gpu = *std::move(opened);
        kernels = *gpu->kernels();
        stream = *cuda::make_stream(kernels->context());
    }
    std::shared_ptr<cuda::Watch::Look> make_look() const {
        auto look = kernels->make_look();
        REQUIRE(look);
        return *std::move(look);
    }
    // Of another thread, which drops what it waited by.
    std::future<cuda::Watch::Outcome> wait(std::shared_ptr<cuda::Watch::Look> look, const StopSource &stop = {}) const {
        return std::async(std::launch::async, [this, stop, look = std::move(look)] {
            const cuda::DeviceContext::Current current(*kernels->context());
            cuda::Watch::Outcome outcome;
            outcome.result = driver->functions().event_record(look->event.get(), stream.get());
            if (outcome.result == cuda::kSuccess) outcome = kernels->watch().wait(look, stop);
            return outcome;
        });
    }

    SimulatedMachine machine;
    std::shared_ptr<const cuda::Driver> driver = machine.driver();
    std::shared_ptr<const cuda::GpuDevice> gpu;
    std::shared_ptr<const cuda::KernelSet> kernels;
    cuda::Stream stream;
};

// A task that lasts until it is let go.
struct LongTask {
    std::promise<void> begun, ended;
    std::shared_future<void> let_go = ended.get_future().share();

    cuda::Watch::Task task() {
        return [this] {
            begun.set_value();
            let_go.wait_for(2 * kLong);
            return true;
        };
    }
};

template <class Condition>
bool eventually(Condition &&condition) {
    for (int tries = 0; tries < 20'000 && !condition(); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
}

bool is_done(std::future<cuda::Watch::Outcome> &waited) { return waited.wait_for(kLong) == std::future_status::ready; }

}  // namespace

TEST_CASE("runs of a device end while its thread recovers another's context", "[cuda]") {
    LongTask recovery;
    const Watched on({.recovery_pause_ns = 1'000'000});
    cuda_sim::set_hanging(0, true);
    auto before = on.wait(on.make_look());  // asleep until the thread tells, when the task begins
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    on.kernels->watch().repeat(recovery.task());
    REQUIRE(recovery.begun.get_future().wait_for(kLong) == std::future_status::ready);
    auto during = on.wait(on.make_look());
    CancelToken token;
    auto cancelled = on.wait(on.make_look(), {nullptr, &token});
    token.set(true);
    CHECK(is_done(cancelled));
    cuda_sim::set_hanging(0, false);
    CHECK(is_done(before));
    CHECK(is_done(during));
    recovery.ended.set_value();
    CHECK(before.get().result == cuda::kSuccess);
    const auto outcome = during.get();
    CHECK(outcome.result == cuda::kSuccess);
    CHECK_FALSE(outcome.left());
    CHECK(cancelled.get().stop == WB_CANCELLED);
}

TEST_CASE("a run that hangs while the device's thread recovers stalls as ever", "[cuda]") {
    LongTask recovery;
    const Watched on({.longest_run_ns = 30'000'000, .recovery_pause_ns = 1'000'000});
    on.kernels->watch().repeat(recovery.task());
    REQUIRE(recovery.begun.get_future().wait_for(kLong) == std::future_status::ready);
    cuda_sim::set_hanging(0, true);
    auto hanging = on.wait(on.make_look());
    CHECK(is_done(hanging));
    cuda_sim::set_hanging(0, false);
    recovery.ended.set_value();
    CHECK(hanging.get().stalled);
}

TEST_CASE("while the device's thread gives an event back, runs are waited for and left", "[cuda]") {
    const Watched on;
    cuda_sim::set_hanging(0, true);
    CancelToken token;
    auto left = on.wait(on.make_look(), {nullptr, &token});
    const uint64_t asked = cuda_sim::calls("cuEventQuery");
    REQUIRE(eventually([&] { return cuda_sim::calls("cuEventQuery") >= asked + 3; }));
    cuda_sim::hold_calls("cuEventQuery");  // the thread asks, its caller goes: the thread is the last to have the event
    REQUIRE(eventually([] { return cuda_sim::held_calls() == 1; }));
    token.set(true);
    CHECK(left.get().stop == WB_CANCELLED);
    left = {};
    cuda_sim::hold_calls("cuEventDestroy_v2");
    REQUIRE(eventually([] { return cuda_sim::held_calls() == 1; }));
    auto look = on.make_look();
    CancelToken soon;
    soon.set(true);
    auto stopped = on.wait(look, {nullptr, &soon});
    CHECK(is_done(stopped));
    cuda_sim::let_calls_go();
    CHECK(stopped.get().stop == WB_CANCELLED);
    cuda_sim::set_hanging(0, false);
}
