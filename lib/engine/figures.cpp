// SPDX-License-Identifier: Apache-2.0
// What the engine and its slots have done.
#include "engine/engine.hpp"
#include "telemetry/prometheus.hpp"

namespace weighbridge::lib {
namespace {

struct Report {
    Figures total;  // calls of models by themselves too
    uint64_t swaps = 0;
    std::vector<std::unique_ptr<Ledger::Reading>> slots;
};

std::unique_ptr<Report> report_of(const Runtime &runtime, const std::vector<Ref<Slot>> &slots) {
    auto made = std::make_unique<Report>();
    runtime.account.counters.add_to(made->total);
    for (const auto &slot : slots) {
        auto reading = slot->ledger().read();
        made->total += reading->total;
        made->swaps += reading->generation;
        made->slots.push_back(std::move(reading));
    }
    return made;
}

void write_snapshot(wb_snapshot &out, const Report &report, const Runtime &runtime) {
    write_figures(out, report.total);
    out.swaps = report.swaps;
    out.contexts = static_cast<uint32_t>(runtime.pools.contexts());
    out.models = runtime.models.load(std::memory_order_relaxed);
}

}  // namespace

void Engine::read(wb_snapshot &out) const {
    write_snapshot(out, *report_of(*runtime_, slots()), *runtime_);
    out.waiting = waiting();
}

// Calls in the pools' queues, and submits.
uint32_t Engine::waiting() const {
    const Crew *crew = present_crew();
    return runtime_->pools.waiting() + (crew ? crew->backlog()->waiting() : 0);
}

std::string Engine::metrics() const {
    const auto report = report_of(*runtime_, slots());
    wb_snapshot snapshot{};
    write_snapshot(snapshot, *report, *runtime_);
    snapshot.waiting = waiting();
    std::vector<SlotSeries> series;
    for (const auto &of : report->slots) {
        if (of->generation == 0) continue;  // it has served nothing yet
        SlotSeries &slot = series.emplace_back(SlotSeries{of->slot, of->version, of->bundle, &of->total, {}});
        if (!of->version.empty()) slot.versions.push_back({of->version, &of->current});
        if (!of->previous_version.empty() && of->previous_version != of->version)
            slot.versions.push_back({of->previous_version, &of->previous});
    }
    return prometheus_text(snapshot, report->total, series);
}

}  // namespace weighbridge::lib
