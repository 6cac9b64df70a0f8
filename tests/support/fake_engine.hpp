// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "feature/row.hpp"
#include "support/catch.hpp"
#include "support/fake_backend.hpp"
#include "support/manual_clock.hpp"
#include "support/module_bundle.hpp"

namespace weighbridge::test {

// The floats a row of each output, for a fake of the bundle's model.
inline std::vector<int64_t> widths_of(const lib::Bundle &bundle) {
    std::vector<int64_t> widths;
    for (const lib::Output &output : bundle.manifest().outputs) widths.push_back(output.width);
    return widths;
}

// An engine on a manual clock, with fake models.
class FakeEngine {
  public:
    explicit FakeEngine(int contexts = 1, uint32_t queue_limit = 16, lib::Allocate allocate = lib::allocate_on_cpu,
                        int async_threads = 0) {
        lib::EngineOptions options;
        options.cpu_contexts = contexts;
        options.queue_limit = queue_limit;
        options.async_threads = async_threads;
        lib::EngineParts parts;
        parts.native = std::make_unique<FakeBackend>(control, "native");
        parts.clock = &clock;
        parts.allocate = allocate;
        engine = *lib::Engine::make(options, std::move(parts));
    }

    // A model whose runs another control decides; row_bytes: of scratch memory.
    lib::Expected<lib::Ref<lib::Model>> load(FakeControl &of, const std::shared_ptr<const lib::Bundle> &bundle,
                                             lib::Traits traits, int64_t row_bytes) const {
        return lib::Model::make(lib::Ref<lib::Runtime>(&engine->runtime()), bundle,
                                std::make_shared<const FakeProgram>(of, widths_of(*bundle), 16, traits, row_bytes));
    }
    lib::Ref<lib::Model> model(FakeControl &of, const std::shared_ptr<const lib::Bundle> &bundle,
                               lib::Traits traits = kInlineTraits, int64_t row_bytes = 64) const {
        auto made = load(of, bundle, traits, row_bytes);
        INFO(made.status().message);
        REQUIRE(made);
        return *made;
    }

    lib::Ref<lib::Slot> serve(const std::string &slot, const lib::Ref<lib::Model> &model) const {
        auto opened = *engine->slot(slot);
        const lib::Status status = engine->swap(*opened, model);
        INFO(status.message);
        REQUIRE(status.ok());
        return opened;
    }

    wb_snapshot counters() const {
        wb_snapshot snapshot{};
        engine->read(snapshot);
        return snapshot;
    }
    lib::Pool &pool() const { return engine->runtime().pools.cpu(); }

    ManualClock clock;
    FakeControl control;  // of the models that the engine loads
    lib::Ref<lib::Engine> engine;
};

// A row in the published layout, from JSON.
inline std::vector<uint64_t> row_of(const lib::Schema &schema, const std::string &json) {
    std::vector<uint64_t> row(128);
    REQUIRE(lib::init_row(schema, row.data(), row.size() * sizeof(uint64_t)).ok());
    const lib::Status status = lib::set_row_json(schema, row.data(), json, 16);
    INFO(status.message);
    REQUIRE(status.ok());
    return row;
}

}  // namespace weighbridge::test
