// SPDX-License-Identifier: Apache-2.0
// The driver behind its table: what is missing is said, what is taken is given back, whichever call fails.
#include "backend/cuda/driver.hpp"

#include "support/child.hpp"
#include "support/cuda_sim/simulated.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;

std::string refusal(const std::string &library) {
    auto opened = cuda::Driver::open(library);
    REQUIRE_FALSE(opened);
    REQUIRE(opened.status().code == WB_BACKEND_UNAVAILABLE);
    return opened.status().message;
}

std::string refusal_of_device(const test::SimulatedMachine &machine, int ordinal) {
    auto made = cuda::DeviceContext::make(machine.driver(), ordinal);
    REQUIRE_FALSE(made);
    REQUIRE(made.status().code == WB_BACKEND_UNAVAILABLE);
    return made.status().message;
}

// One of each thing that a device gives.
lib::Status take_everything() {
    auto driver = cuda::Driver::open(test::simulated_driver());
    if (!driver) return driver.status();
    auto context = cuda::DeviceContext::make(*driver, 1);
    if (!context) return context.status();
    auto memory = cuda::allocate_on_device(*context, 1000, "a test");
    if (!memory) return memory.status();
    auto pinned = cuda::allocate_pinned(*context, 1000);
    if (!pinned) return pinned.status();
    auto stream = cuda::make_stream(*context);
    if (!stream) return stream.status();
    auto event = cuda::make_event(*context);
    if (!event) return event.status();
    auto library = cuda::load_library(*context, test::kSimulatedImage);
    return library.status();
}

}  // namespace

TEST_CASE("a machine without a usable driver says what it lacks") {
    const test::SimulatedMachine machine;
    REQUIRE(test::part_of(refusal("libcuda_nowhere.so.1"), "libcuda_nowhere.so.1") == "libcuda_nowhere.so.1");
    REQUIRE(test::part_of(refusal("libm.so.6"), "which lacks cuInit") == "which lacks cuInit");
    cuda_sim::set_version(12080);
    const std::string old = refusal(test::simulated_driver());
    REQUIRE(test::part_of(old, "expected a driver of CUDA 13.0 (580) or later, found CUDA 12.8") ==
            "expected a driver of CUDA 13.0 (580) or later, found CUDA 12.8");
    cuda_sim::set_version(13000);
    cuda_sim::set_devices(0);
    REQUIRE(test::part_of(refusal(test::simulated_driver()), "no device") == "no device");
    cuda_sim::reset();
    cuda_sim::fail_call("cuInit", 1, cuda::kSystemNotReady);
    REQUIRE(test::part_of(refusal(test::simulated_driver()), "starting the driver") == "starting the driver");
}

TEST_CASE("a device that cannot be used says why") {
    const test::SimulatedMachine machine;
    REQUIRE(refusal_of_device(machine, 2) == "cuda:2: no such device: the driver has cuda:0 to cuda:1");
    REQUIRE(test::part_of(refusal_of_device(machine, -1), "cuda:-1") == "cuda:-1");
    cuda_sim::set_compute_mode(0, cuda::kComputeProhibited);
    REQUIRE(test::part_of(refusal_of_device(machine, 0), "prohibited") == "prohibited");
    cuda_sim::set_compute_mode(0, cuda::kComputeExclusiveProcess);
    REQUIRE(test::part_of(refusal_of_device(machine, 0), "another process has it") == "another process has it");
    cuda_sim::lose(1);
    REQUIRE(test::part_of(refusal_of_device(machine, 1), "CUDA_ERROR_UNKNOWN") == "CUDA_ERROR_UNKNOWN");
}

TEST_CASE("a device's properties are known") {
    const test::SimulatedMachine machine;
    const auto device = machine.device(1);
    REQUIRE(device->ordinal() == 1);
    REQUIRE(device->name() == "simulated GPU");
    REQUIRE(device->capability() == 90);
    REQUIRE(device->shared_bytes() == 227 * 1024);
    REQUIRE(device->total_bytes() == int64_t{1} << 32);
    REQUIRE(device->driver().version() == 13000);
}

TEST_CASE("memory that a device has not is refused with both figures") {
    const test::SimulatedMachine machine;
    cuda_sim::set_memory(0, 1 << 20);
    const auto device = machine.device();
    auto first = cuda::allocate_on_device(device, 1 << 19, "weights");
    REQUIRE(first);
    auto second = cuda::allocate_on_device(device, 1 << 20, "weights");
    REQUIRE_FALSE(second);
    REQUIRE(second.status().code == WB_OUT_OF_MEMORY);
    REQUIRE(std::string(second.status().message) ==
            "cuda:0 (simulated GPU): weights: 1048576 bytes are needed, 524288 of 1048576 are free");
    REQUIRE(*cuda::allocate_on_device(device, 1 << 19, "weights"));
    REQUIRE(cuda_sim::device_bytes(0) == 1 << 19);
}

TEST_CASE("whichever call of the driver fails, nothing is left behind") {
    const test::SimulatedMachine machine;
    uint64_t call = 0, failed = 0;
    for (bool reached = true; reached; ++call) {
        CAPTURE(call);
        cuda_sim::reset();
        cuda_sim::fail_call(nullptr, call + 1, cuda::kInvalidValue);
        const bool ok = take_everything().ok();
        if (!ok) ++failed;
        reached = cuda_sim::calls(nullptr) > call;
        REQUIRE(cuda_sim::objects() <= (ok && reached ? 1 : 0));  // one that could not be given back
        REQUIRE(cuda_sim::device_bytes(1) == 0);
    }
    REQUIRE(call > 30);
    REQUIRE(failed > 15);
}

TEST_CASE("a kernel that a library lacks is named") {
    const test::SimulatedMachine machine;
    const auto device = machine.device();
    const uint32_t text[4] = {};
    REQUIRE(test::part_of(std::string(cuda::load_library(device, text).status().message), "INVALID_IMAGE") ==
            "INVALID_IMAGE");
    auto library = cuda::load_library(device, test::kSimulatedImage);
    REQUIRE(library);
    auto kernel = cuda::find_kernel(*device, *library, "wb_nothing", 0);
    REQUIRE_FALSE(kernel);
    REQUIRE(test::part_of(std::string(kernel.status().message), "kernel wb_nothing: CUDA_ERROR_NOT_FOUND") ==
            "kernel wb_nothing: CUDA_ERROR_NOT_FOUND");
}

TEST_CASE("a caller's own context is current again after each use") {
    const test::SimulatedMachine machine;
    const auto driver = machine.driver();
    const cuda::Functions &call = driver->functions();
    cuda::ContextHandle own = nullptr, popped = nullptr;
    REQUIRE(call.primary_retain(&own, 1) == cuda::kSuccess);
    REQUIRE(call.context_push(own) == cuda::kSuccess);
    { REQUIRE(*cuda::allocate_on_device(machine.device(0), 64, "a test")); }
    REQUIRE(call.context_pop(&popped) == cuda::kSuccess);
    REQUIRE(popped == own);
    REQUIRE(call.context_pop(&popped) == cuda::kInvalidContext);
    REQUIRE(call.primary_release(1) == cuda::kSuccess);
}

TEST_CASE("a forked child touches no device, and its parent's stay as they are") {
    const test::SimulatedMachine machine;
    auto device = machine.device();
    auto memory = cuda::allocate_on_device(device, 64, "a test");
    REQUIRE(memory);
    const int code = test::in_child([&] {
        const uint64_t before = cuda_sim::calls(nullptr);
        const bool own = device->driver().of_this_process();
        *memory = cuda::DeviceMemory();
        device.reset();
        return own || cuda_sim::calls(nullptr) != before ? 1 : 0;
    });
    REQUIRE(code == 0);
    REQUIRE(device->driver().of_this_process());
}

TEST_CASE("results after which a device answers nothing are told from others") {
    for (cuda::Result result : {cuda::kIllegalAddress, cuda::kLaunchFailed, cuda::kUnknown, cuda::kEccUncorrectable})
        REQUIRE(cuda::is_sticky(result));
    for (cuda::Result result : {cuda::kSuccess, cuda::kOutOfMemory, cuda::kNotReady, cuda::kInvalidValue})
        REQUIRE_FALSE(cuda::is_sticky(result));
}
