// SPDX-License-Identifier: Apache-2.0
// The simulated driver behaves as CUDA does where the backend could get it wrong: work is late, errors stick.
#include <chrono>
#include <csignal>
#include <cstring>

#include "support/child.hpp"
#include "support/cuda_sim/simulated.hpp"

namespace {

namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;

struct AddArguments {
    float *y;
    float amount;
    int count;
};

// y[i] += amount, one thread an element.
void add(const void *argument, const cuda_sim::Grid &grid) {
    AddArguments of;
    std::memcpy(&of, argument, sizeof of);
    for (int i = 0; i < of.count && i < static_cast<int>(grid.blocks.x * grid.threads.x); ++i) of.y[i] += of.amount;
}
void fault(const void *, const cuda_sim::Grid &) { throw cuda_sim::LaunchFault("threads wait at different barriers"); }

constexpr cuda_sim::Kernel kAdd{"test_add", sizeof(AddArguments), 32, add};
constexpr cuda_sim::Kernel kFault{"test_fault", sizeof(AddArguments), 32, fault};

constexpr int kCount = 16;
constexpr size_t kBytes = kCount * sizeof(float);

// A device with a stream, memory, and two kernels.
struct Bench {
    explicit Bench(int ordinal = 0) : context(machine.device(ordinal)), current(std::in_place, *context) {
        cuda_sim::add_kernel(&kAdd);
        cuda_sim::add_kernel(&kFault);
        REQUIRE(call.stream_create(&stream, cuda::kStreamNonBlocking, 0) == cuda::kSuccess);
        REQUIRE(call.stream_create(&other, cuda::kStreamNonBlocking, 0) == cuda::kSuccess);
        REQUIRE(call.event_create(&event, cuda::kEventBlockingSync) == cuda::kSuccess);
        REQUIRE(call.event_create(&second, cuda::kEventBlockingSync) == cuda::kSuccess);
        REQUIRE(call.memory_allocate(&memory, kBytes) == cuda::kSuccess);
        REQUIRE(call.library_load(&library, test::kSimulatedImage, nullptr, nullptr, 0, nullptr, nullptr, 0) ==
                cuda::kSuccess);
    }

    cuda::Result launch(const char *name, cuda::StreamHandle in, float amount = 1) {
        cuda::KernelHandle kernel = nullptr;
        if (cuda::Result result = call.library_kernel(&kernel, library, name); result != cuda::kSuccess) return result;
        AddArguments of{reinterpret_cast<float *>(memory), amount, kCount};
        void *arguments[] = {&of};
        cuda::LaunchConfig config;
        config.block_x = 32;
        config.stream = in;
        return call.launch(&config, reinterpret_cast<cuda::FunctionHandle>(kernel), arguments, nullptr);
    }
    cuda::Result write(const float *from) { return call.copy_to_device(memory, from, kBytes, stream); }
    cuda::Result read(float *to) { return call.copy_to_host(to, memory, kBytes, stream); }
    cuda::Result finish() { return call.stream_synchronize(stream); }

    test::SimulatedMachine machine;
    std::shared_ptr<const cuda::DeviceContext> context;
    std::optional<cuda::DeviceContext::Current> current;
    const cuda::Functions &call = context->functions();
    cuda::StreamHandle stream = nullptr, other = nullptr;
    cuda::EventHandle event = nullptr, second = nullptr;
    cuda::DevicePointer memory = 0;
    cuda::LibraryHandle library = nullptr;
};

}  // namespace

TEST_CASE("simulated work is done late: what is changed or read too early shows") {
    Bench bench;
    float from[kCount] = {}, to[kCount] = {};
    REQUIRE(bench.write(from) == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.stream, 3) == cuda::kSuccess);
    REQUIRE(bench.read(to) == cuda::kSuccess);
    from[1] = 5;
    REQUIRE(to[1] == 0);
    REQUIRE(bench.finish() == cuda::kSuccess);
    REQUIRE(to[0] == 3);
    REQUIRE(to[1] == 8);
}

TEST_CASE("simulated device memory cannot be touched by the host, nor what is around it") {
    Bench bench;
    const auto place = static_cast<uintptr_t>(bench.memory);
    const int read = test::in_child([&] {
        signal(SIGSEGV, SIG_DFL);  // Catch has one of its own
        return *reinterpret_cast<volatile char *>(place) == 0 ? 0 : 1;
    });
    REQUIRE(read == -1);
    float to[kCount];
    for (size_t wrong : {kBytes + 1, size_t{1} << 20})
        REQUIRE(bench.call.copy_to_host(to, bench.memory, wrong, bench.stream) == cuda::kInvalidValue);
    REQUIRE(bench.call.memory_free(bench.memory + 4) == cuda::kInvalidValue);
}

TEST_CASE("a simulated graph does again what was captured, with the numbers that lie there then") {
    Bench bench;
    float from[kCount] = {}, to[kCount] = {};
    REQUIRE(bench.call.capture_begin(bench.stream, cuda::kCaptureThreadLocal) == cuda::kSuccess);
    REQUIRE(bench.write(from) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.stream_wait(bench.other, bench.event, 0) == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.other, 2) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.second, bench.other) == cuda::kSuccess);
    REQUIRE(bench.call.stream_wait(bench.stream, bench.second, 0) == cuda::kSuccess);
    REQUIRE(bench.read(to) == cuda::kSuccess);
    cuda::GraphHandle graph = nullptr;
    REQUIRE(bench.call.capture_end(bench.stream, &graph) == cuda::kSuccess);
    REQUIRE(cuda_sim::work(0) == 0);
    cuda::GraphExecHandle exec = nullptr;
    REQUIRE(bench.call.graph_instantiate(&exec, graph, 0) == cuda::kSuccess);
    REQUIRE(bench.call.graph_destroy(graph) == cuda::kSuccess);
    for (float number : {1.0f, 10.0f}) {
        std::fill_n(from, kCount, number);
        REQUIRE(bench.call.graph_launch(exec, bench.stream) == cuda::kSuccess);
        REQUIRE(bench.finish() == cuda::kSuccess);
        REQUIRE(to[kCount - 1] == number + 2);
    }
    REQUIRE(bench.call.graph_exec_destroy(exec) == cuda::kSuccess);
    REQUIRE(bench.call.graph_exec_destroy(exec) == cuda::kInvalidHandle);
}

TEST_CASE("a simulated capture is lost to what no capture allows") {
    Bench bench;
    cuda::GraphHandle graph = nullptr;
    auto capture = [&] { REQUIRE(bench.call.capture_begin(bench.stream, cuda::kCaptureGlobal) == cuda::kSuccess); };
    auto end = [&] { return bench.call.capture_end(bench.stream, &graph); };
    capture();
    cuda::DevicePointer more = 0;
    REQUIRE(bench.call.memory_allocate(&more, 64) == cuda::kCaptureUnsupported);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kCaptureInvalidated);
    REQUIRE(end() == cuda::kCaptureInvalidated);
    capture();
    REQUIRE(bench.finish() == cuda::kCaptureUnsupported);
    REQUIRE(end() == cuda::kCaptureInvalidated);
    capture();
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_query(bench.event) == cuda::kCapturedEvent);
    REQUIRE(bench.call.stream_wait(bench.other, bench.event, 0) == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.other) == cuda::kSuccess);
    REQUIRE(bench.call.capture_end(bench.other, &graph) == cuda::kCaptureUnmatched);
    REQUIRE(end() == cuda::kCaptureUnjoined);
    REQUIRE(graph == nullptr);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);  // and the stream is of use again
    REQUIRE(bench.finish() == cuda::kSuccess);
}

TEST_CASE("a simulated kernel's failure is told late, and sticks till the context is made anew") {
    Bench bench;
    REQUIRE(bench.launch("test_fault", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_synchronize(bench.event) == cuda::kLaunchFailed);
    REQUIRE(std::string(cuda_sim::last_fault()) == "threads wait at different barriers");
    cuda::DevicePointer more = 0;
    REQUIRE(bench.call.memory_allocate(&more, 64) == cuda::kLaunchFailed);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kLaunchFailed);
    REQUIRE(bench.machine.device(1)->ordinal() == 1);  // the other device is as it was
    bench.current.reset();
    bench.context.reset();
    REQUIRE(cuda_sim::objects() == 0);
    const auto again = bench.machine.device(0);
    REQUIRE(*cuda::allocate_on_device(again, 64, "a test"));
}

TEST_CASE("a simulated device that is lost stays lost") {
    Bench bench;
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    cuda_sim::lose(0);
    REQUIRE(bench.finish() == cuda::kUnknown);
    bench.current.reset();
    bench.context.reset();
    REQUIRE_FALSE(cuda::DeviceContext::make(bench.machine.driver(), 0));
    REQUIRE(cuda::DeviceContext::make(bench.machine.driver(), 1));
}

TEST_CASE("simulated faults come at the call and the work that they were set for") {
    Bench bench;
    cuda_sim::fail_call("cuLaunchKernelEx", 2, cuda::kLaunchOutOfResources);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kLaunchOutOfResources);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.finish() == cuda::kSuccess);
    REQUIRE(cuda_sim::work(0) == 2);
    cuda_sim::fail_work(0, 2, cuda::kIllegalAddress);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.finish() == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.finish() == cuda::kIllegalAddress);
}

TEST_CASE("simulated copies can be slow, and devices hang") {
    Bench bench;
    float from[kCount] = {};
    const auto begin = std::chrono::steady_clock::now();
    cuda_sim::set_copy_us(20'000);
    REQUIRE(bench.write(from) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_query(bench.event) == cuda::kNotReady);
    REQUIRE(bench.call.event_synchronize(bench.event) == cuda::kSuccess);
    REQUIRE(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(20));
    cuda_sim::set_copy_us(0);
    cuda_sim::set_hanging(0, true);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.event_query(bench.event) == cuda::kNotReady);
    cuda_sim::set_hanging(0, false);
    REQUIRE(bench.call.event_query(bench.event) == cuda::kSuccess);
}

TEST_CASE("a simulated stream waits for another's event, and serves its own device alone") {
    Bench bench;
    float zeros[kCount] = {}, to[kCount] = {};
    REQUIRE(bench.write(zeros) == cuda::kSuccess);
    REQUIRE(bench.launch("test_add", bench.stream, 4) == cuda::kSuccess);
    REQUIRE(bench.call.event_record(bench.event, bench.stream) == cuda::kSuccess);
    REQUIRE(bench.call.stream_wait(bench.other, bench.event, 0) == cuda::kSuccess);
    REQUIRE(bench.call.copy_to_host(to, bench.memory, kBytes, bench.other) == cuda::kSuccess);
    REQUIRE(bench.call.stream_synchronize(bench.other) == cuda::kSuccess);
    REQUIRE(to[0] == 4);
    const auto second = bench.machine.device(1);
    const cuda::DeviceContext::Current current(*second);
    REQUIRE(bench.launch("test_add", bench.stream) == cuda::kInvalidHandle);
}

TEST_CASE("a simulated launch is refused where CUDA refuses it") {
    Bench bench;
    cuda::KernelHandle kernel = nullptr;
    REQUIRE(bench.call.library_kernel(&kernel, bench.library, "test_add") == cuda::kSuccess);
    AddArguments of{reinterpret_cast<float *>(bench.memory), 1, kCount};
    void *arguments[] = {&of};
    auto launch = [&](unsigned grid, unsigned block, unsigned shared) {
        cuda::LaunchConfig config;
        config.grid_x = grid;
        config.block_x = block;
        config.shared_bytes = shared;
        config.stream = bench.stream;
        return bench.call.launch(&config, reinterpret_cast<cuda::FunctionHandle>(kernel), arguments, nullptr);
    };
    REQUIRE(launch(0, 32, 0) == cuda::kInvalidValue);
    REQUIRE(launch(1, 2048, 0) == cuda::kInvalidValue);
    REQUIRE(launch(1, 32, 100 * 1024) == cuda::kInvalidValue);
    REQUIRE(bench.call.kernel_attribute(cuda::kMaxDynamicSharedBytes, 100 * 1024, kernel, 0) == cuda::kSuccess);
    REQUIRE(launch(1, 32, 100 * 1024) == cuda::kSuccess);
    REQUIRE(bench.finish() == cuda::kSuccess);
}
