// SPDX-License-Identifier: Apache-2.0
// A model on two devices: requests go where they are done first, and what a device fails on the CPU answers.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "support/fake_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0}, kSlow{Device::Kind::cuda, 1};
constexpr int64_t kStride = 1024;

enum class With { one_gpu, a_preferred_gpu, a_slower_gpu };

// The CPU takes 10 us a row, the device 100 us a run and 1 us a row, a slower one 110 us a run.
class TwoDevices {
  public:
    explicit TwoDevices(With with = With::one_gpu) {
        EngineOptions options;
        options.cpu_contexts = 1;
        EngineParts parts;
        parts.native = std::make_unique<FakeBackend>(cpu, "native");
        parts.clock = &clock;
        parts.devices.push_back({DeviceContexts(1, kGpu, 2), std::make_unique<FakeBackend>(gpu, "cuda")});
        parts.devices.push_back({DeviceContexts(1, kSlow, 2), std::make_unique<FakeBackend>(slow, "cuda")});
        engine = *Engine::make(options, std::move(parts));
        bundle = module_bundle("fake", R"("features": [{"name": "x", "type": "float64"}],
            "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
            "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 4096})");
        const auto takes = [this](int64_t run_ns, int64_t row_ns) {
            return [this, run_ns, row_ns](const Run &run) {
                clock.advance(run_ns + run.rows * row_ns);
                return Status();
            };
        };
        cpu.fail_where(takes(0, 10'000));
        gpu.fail_where(takes(100'000, 1'000));
        gpu_succeeds = takes(100'000, 1'000);
        slow.fail_where(takes(110'000, 1'000));
        model = made(cpu, {});
        Ref<Model> replica = made(gpu, kGpu), slower = made(slow, kSlow);
        const auto row = row_of(*bundle->schema(), R"({"x": 1})");
        const StridedRows rows(*bundle->schema(), const_cast<uint64_t *>(row.data()), 0);
        for (Model *one : {&*model, &*replica, &*slower})
            for (int64_t count : {int64_t{1}, int64_t{16}}) REQUIRE(one->measure(rows, count).ok());
        if (with == With::a_slower_gpu) model->add_replica(std::move(slower));
        model->add_replica(std::move(replica), with == With::a_preferred_gpu);
    }

    struct Scored {
        Status status;
        wb_batch_result result;
        std::vector<int32_t> devices;  // by row
    };
    Scored score(int64_t rows, CallOptions options = {}) {
        std::vector<uint64_t> memory(static_cast<size_t>(rows * kStride / 8));
        const auto one = row_of(*bundle->schema(), R"({"x": 1})");
        for (int64_t row = 0; row < rows; ++row) std::copy(one.begin(), one.end(), memory.begin() + row * kStride / 8);
        Batch batch(bundle);
        REQUIRE(batch.reset(rows).ok());
        REQUIRE(batch.set_rows(memory.data(), kStride).ok());
        std::vector<int32_t> devices(static_cast<size_t>(rows), -2);
        REQUIRE(batch.set_result(WB_COLUMN_DEVICE, devices.data(), sizeof(int32_t)).ok());
        std::optional<wb_batch_result> result;
        const Status status = engine->score_batch({model, {}}, batch, options, result);
        return {status, result.value_or(wb_batch_result WB_BATCH_RESULT_INIT), std::move(devices)};
    }
    std::vector<std::string> events() {
        std::vector<std::string> told;
        for (wb_event event; engine->runtime().events.take(event);) told.emplace_back(event.message);
        return told;
    }

    ManualClock clock;
    FakeControl cpu, gpu, slow;
    std::function<Status(const Run &)> gpu_succeeds;
    Ref<Engine> engine;
    std::shared_ptr<const Bundle> bundle;
    Ref<Model> model;

  private:
    Ref<Model> made(FakeControl &control, Device device) {
        auto program = std::make_shared<const FakeProgram>(control, widths_of(*bundle), 16, kInlineTraits, 64, device);
        auto found = Model::make(Ref<Runtime>(&engine->runtime()), bundle, program);
        INFO(found.status().message);
        REQUIRE(found);
        return *found;
    }
};

}  // namespace

TEST_CASE("a single row stays on the CPU, and a batch goes where it is done first", "[routing]") {
    TwoDevices two;
    const int64_t before = two.gpu.runs();
    CHECK(two.score(1).result.device == 0);
    CHECK(two.gpu.runs() == before);
    const auto batch = two.score(64);  // 640 us here, 464 us there
    CHECK(batch.status.ok());
    CHECK(batch.result.scored == 64);
    CHECK(batch.result.device == 1);
    CHECK(two.gpu.runs() == before + 4);
    CHECK(two.score(2).result.device == 0);
}

TEST_CASE("what a device fails on the CPU answers, and the device is left out for a second", "[routing]") {
    TwoDevices two;
    two.gpu.fail_where([](const Run &) { return Status::failure(WB_BACKEND_UNAVAILABLE, "it fell off the bus"); });
    const auto first = two.score(64);
    CHECK(first.status.ok());
    CHECK(first.result.scored == 64);
    CHECK(first.result.device == 0);
    const auto told = two.events();
    REQUIRE(!told.empty());
    CHECK(told.back() == "device cuda:0 is left out, and the CPU answers for it: it fell off the bus");

    const int64_t tried = two.gpu.runs();
    CHECK(two.score(64).result.device == 0);
    CHECK(two.gpu.runs() == tried);
    two.clock.advance(DeviceHealth::kPauseNs);
    CHECK(two.score(64).result.device == 0);  // tried, in vain
    CHECK(two.gpu.runs() == tried + 1);
    CHECK(two.events().empty());  // it is known already

    two.gpu.fail_where(two.gpu_succeeds);
    CHECK(two.score(64).result.device == 0);
    two.clock.advance(DeviceHealth::kPauseNs);
    CHECK(two.score(64).result.device == 1);
    CHECK(two.events() == std::vector<std::string>{"device cuda:0 answers again"});
    CHECK(two.score(64).result.device == 1);
}

TEST_CASE("a device that fails in the middle of a batch costs no row", "[routing]") {
    TwoDevices two;
    int runs = 0;
    two.gpu.fail_where([&](const Run &run) {
        if (++runs == 3) return Status::failure(WB_BACKEND_UNAVAILABLE, "an illegal address");
        return two.gpu_succeeds(run);
    });
    const int64_t rows_there = two.gpu.rows(), rows_here = two.cpu.rows();
    const auto batch = two.score(64);
    CHECK(batch.status.ok());
    CHECK(batch.result.scored == 64);
    CHECK(two.gpu.rows() == rows_there + 32);
    CHECK(two.cpu.rows() == rows_here + 32);
    CHECK(batch.result.device == 0);  // the last; each row names its own
    CHECK(std::count(batch.devices.begin(), batch.devices.end(), 1) == 32);
    CHECK(std::count(batch.devices.begin(), batch.devices.end(), 0) == 32);
}

TEST_CASE("a deadline that leaves no time for the CPU behind the device keeps it from being tried", "[routing]") {
    TwoDevices two;
    CallOptions options;
    options.deadline_ns = two.clock.now_ns() + 1'000'000;  // 464 us there and 640 us here
    CHECK(two.score(64, options).result.device == 0);
    options.deadline_ns = two.clock.now_ns() + 1'400'000;
    CHECK(two.score(64, options).result.device == 1);
}

TEST_CASE("a device that does not come back in time is answered for by the CPU before the deadline", "[routing]") {
    TwoDevices two;
    two.gpu.block();
    CallOptions options;
    options.deadline_ns = two.clock.now_ns() + 2'000'000;
    std::thread time([&] {
        two.gpu.wait_for_running(1);
        two.clock.advance(1'250'000);  // past what the device was given
    });
    const auto batch = two.score(64, options);
    time.join();
    CHECK(batch.status.ok());
    CHECK(batch.result.scored == 64);
    CHECK(batch.result.device == 0);
    CHECK(two.clock.now_ns() <= options.deadline_ns);
    const auto told = two.events();
    REQUIRE(!told.empty());
    CHECK(told.back() == "device cuda:0 is left out, and the CPU answers for it: a run did not end in time");
    two.gpu.release();
}

TEST_CASE("what a payment's own values do to the model is its failure on any device", "[routing]") {
    TwoDevices two;
    two.gpu.fail_where([&](const Run &) { return Status::failure(WB_BACKEND_FAILED, "an index outside its table"); });
    const int64_t before = two.cpu.runs();
    const auto batch = two.score(64);
    CHECK(batch.result.failed + batch.result.fallbacks == 64);
    CHECK(two.cpu.runs() == before);
    for (const std::string &event : two.events()) CHECK(event.find("cuda") == std::string::npos);
}

TEST_CASE("a device that is tried again is one that the call goes to", "[routing]") {
    TwoDevices three(With::a_slower_gpu);
    const auto fails = [](const Run &) { return Status::failure(WB_BACKEND_UNAVAILABLE, "it fell off the bus"); };
    three.gpu.fail_where(fails);
    three.slow.fail_where(fails);
    CHECK(three.score(64).result.device == 0);
    three.gpu.fail_where(three.gpu_succeeds);
    three.clock.advance(DeviceHealth::kPauseNs);
    CHECK(three.score(64).result.device == 1);
    const auto &health = three.engine->runtime().health;
    CHECK(health[2].is_due(three.clock.now_ns()));  // still: nobody asked it
}

TEST_CASE("a preferred device takes what the CPU were sooner done with, where there is time for it", "[routing]") {
    TwoDevices two(With::a_preferred_gpu);
    CHECK(two.score(1).result.device == 1);
    CallOptions options;
    options.deadline_ns = two.clock.now_ns() + 100'000;  // 101 us there
    CHECK(two.score(1, options).result.device == 0);
    two.gpu.fail_where([](const Run &) { return Status::failure(WB_BACKEND_UNAVAILABLE, "it fell off the bus"); });
    CHECK(two.score(1).result.device == 0);
}

TEST_CASE("a call without a deadline does not wait for ever for a device that hangs", "[routing]") {
    TwoDevices two;
    two.gpu.block();
    std::thread time([&] {
        two.gpu.wait_for_running(1);
        two.clock.advance(1'100'000'000);
    });
    const auto batch = two.score(64);
    time.join();
    CHECK(batch.status.ok());
    CHECK(batch.result.scored == 64);
    CHECK(batch.result.device == 0);
    two.gpu.release();
}
