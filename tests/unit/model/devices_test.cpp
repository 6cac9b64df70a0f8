// SPDX-License-Identifier: Apache-2.0
// A model runs on its program's device, in all the runs that a context there holds at once.
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/rows.hpp"
#include "engine/sinks.hpp"
#include "support/fake_engine.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr Device kFake{Device::Kind::cpu, 7};
constexpr int64_t kRowBytes = 1024;

std::shared_ptr<const Bundle> made_bundle() {
    return module_bundle("fake", R"("features": [{"name": "x", "type": "float32"}],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 1], "features": ["x"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"rows": 64})");
}

// A runtime with one CPU context and one context of a fake device that holds two runs.
struct TwoDevices {
    ~TwoDevices() { runtime->close(); }  // which destroys the models that are left behind
    Expected<Ref<Model>> load(const Device &device) {
        return Model::make(
            runtime, bundle,
            std::make_shared<const FakeProgram>(control, widths_of(*bundle), 16, kInlineTraits, kRowBytes, device));
    }

    FakeControl control;
    ManualClock clock;
    const std::array<DeviceContexts, 2> devices = {DeviceContexts(1), DeviceContexts(1, kFake, 2)};
    Ref<Runtime> runtime = make_ref<Runtime>(devices, 16, Pool::kFairnessNs, clock, 16, nullptr, nullptr);
    std::shared_ptr<const Bundle> bundle = made_bundle();
};

Status score(Model &model, std::vector<uint64_t> &row, wb_result &result) {
    SingleRow rows(row.data());
    if (Status status = rows.lock(*model.bundle().schema()); !status.ok()) return status;
    ResultSink sink(model, false, {}, result);
    Progress progress;
    Timing timing;
    Status status = model.score(rows.source(), rows.order(), {}, sink, progress, timing);
    sink.conclude(status, timing);
    return status;
}

wb_result scored(Model &model) {
    auto row = row_of(*model.bundle().schema(), R"({"x": 1})");
    wb_result result = WB_RESULT_INIT;
    const Status status = score(model, row, result);
    INFO(status.message);
    REQUIRE(status.ok());
    return result;
}

}  // namespace

TEST_CASE("a model takes memory and contexts of its own device alone, and results name it", "[devices]") {
    TwoDevices hall;
    const auto cpu = *hall.load(Device{}), fake = *hall.load(kFake);
    CHECK(&cpu->pool() == &hall.runtime->pools.cpu());
    CHECK(&fake->pool() == &hall.runtime->pools[1]);
    CHECK(hall.runtime->pools.cpu().arena_bytes() == cpu->context_bytes());
    CHECK(hall.runtime->pools[1].arena_bytes() == 2 * fake->context_bytes());
    CHECK(scored(*cpu).device == 0);
    CHECK(scored(*fake).device == 1);
    const auto second = *hall.load(kFake);
    CHECK(hall.runtime->pools.arena_bytes() == cpu->context_bytes() + 2 * fake->context_bytes());
}

TEST_CASE("two runs of one context go on at once, each in its own scratch memory", "[devices]") {
    TwoDevices hall;
    const auto model = *hall.load(kFake);
    std::array<const std::byte *, 2> scratch{};
    std::atomic<size_t> runs{0};
    hall.control.fail_where([&](const Run &run) {
        scratch[runs++] = run.scratch;
        return Status();
    });
    hall.control.block();
    std::vector<std::thread> calls;
    std::array<Status, 2> ended;
    for (Status &status : ended)
        calls.emplace_back([&, row = row_of(*hall.bundle->schema(), R"({"x": 1})")]() mutable {
            wb_result result = WB_RESULT_INIT;
            status = score(*model, row, result);
        });
    hall.control.wait_for_running(2);
    hall.control.release();
    for (auto &call : calls) call.join();
    CHECK((ended[0].ok() && ended[1].ok()));
    CHECK(runs == 2);
    CHECK(scratch[0] != nullptr);
    CHECK(scratch[0] != scratch[1]);
}

TEST_CASE("a program of a device that the engine has no contexts of is refused", "[devices]") {
    TwoDevices hall;
    const auto refused = hall.load({Device::Kind::cpu, 3});
    CHECK(refused.status().code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(refused.status().message) == "expected a device of the engine's, got device 3 of kind 0");
}
