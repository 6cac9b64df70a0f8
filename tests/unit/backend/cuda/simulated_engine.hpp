// SPDX-License-Identifier: Apache-2.0
// An engine with simulated GPUs, which it prefers, and the fixture's model on all of its devices.
#pragma once

#include <string>
#include <vector>

#include "backend/cuda/device.hpp"
#include "support/cuda_sim/simulated.hpp"
#include "support/fake_engine.hpp"
#include "support/fixture.hpp"

namespace weighbridge::test {

// Goes so many times as fast as the machine's, from the same time on.
class FastClock final : public lib::Clock {
  public:
    explicit FastClock(int64_t times) : times_(times) {}
    int64_t now_ns() const override { return begin_ns_ + (lib::steady_clock().now_ns() - begin_ns_) * times_; }
    void wait_until(lib::Condition &condition, lib::ForkMutex &mutex, int64_t deadline_ns) const override {
        const bool never = deadline_ns == WB_NO_DEADLINE;
        condition.wait_until(mutex, never ? deadline_ns : begin_ns_ + (deadline_ns - begin_ns_) / times_);
    }

  private:
    const int64_t times_;
    const int64_t begin_ns_ = lib::steady_clock().now_ns();
};

struct SimulatedEngine {
    explicit SimulatedEngine(int gpus, const lib::cuda::DeviceTimes &times = {},
                             const lib::Clock &clock = lib::steady_clock(),
                             std::unique_ptr<lib::Backend> native = nullptr, const FixtureOptions &fixture = {}) {
        lib::EngineOptions options;
        options.cpu_contexts = 2;
        lib::EngineParts parts;
        parts.clock = &clock;
        parts.native = std::move(native);
        for (int ordinal = 0; ordinal < gpus; ++ordinal) {
            auto gpu = lib::cuda::GpuDevice::open(machine.driver(), ordinal, simulated_image(), times);
            INFO(gpu.status().message);
            REQUIRE(gpu);
            parts.devices.push_back({lib::DeviceContexts(1, {lib::Device::Kind::cuda, ordinal}, 2),
                                     lib::make_cuda_backend(*std::move(gpu)), true});
        }
        engine = *lib::Engine::make(options, std::move(parts));
        write_fixture(bundle(), fixture);
    }

    std::string bundle() const { return directory.path() + "/fixture"; }
    lib::Expected<lib::Ref<lib::Model>> load(const std::string &precision = {}) const {
        lib::LoadOptions load;
        load.engines = {"native"};
        load.precision = precision;
        return engine->load(bundle(), load);
    }
    lib::Ref<lib::Model> loaded(const std::string &precision = {}) const {
        auto model = load(precision);
        INFO(model.status().message);
        REQUIRE(model);
        return *model;
    }
    // Row i of those that tests score: their model's answers differ.
    static std::vector<uint64_t> row(const lib::Schema &schema, int i) {
        return row_of(schema, R"({"amount_minor": )" + std::to_string(i * i * 37) + R"(, "age_days": )" +
                                  std::to_string(i % 11) + R"(, "country": "DE", "online": )" +
                                  (i % 3 == 0 ? "true" : "false") + "}");
    }
    wb_result scored(const lib::Ref<lib::Model> &model, int i, const lib::CallOptions &options = {}) const {
        auto memory = row(*model->bundle().schema(), i);
        wb_result result = WB_RESULT_INIT;
        const lib::Status status = engine->score({model, {}}, memory.data(), options, {}, result);
        INFO(status.message);
        REQUIRE(status.code == WB_OK);
        return result;
    }
    // Once it answers on the device again, else the CPU's.
    wb_result scored_on(int32_t device, const lib::Ref<lib::Model> &model, int i) const {
        wb_result result = WB_RESULT_INIT;
        for (int tries = 0; tries < 2000 && result.device != device; ++tries) {
            if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
            result = scored(model, i);
        }
        return result;
    }
    std::vector<std::string> events() const {
        std::vector<std::string> told;
        for (wb_event event; engine->runtime().events.take(event);) told.emplace_back(event.message);
        return told;
    }

    SimulatedMachine machine;
    ScratchDirectory directory;
    lib::Ref<lib::Engine> engine;
};

}  // namespace weighbridge::test
