// SPDX-License-Identifier: Apache-2.0
// What the engine and its slots have done.
#include "engine/engine.hpp"
#include "telemetry/prometheus.hpp"

namespace weighbridge::lib {
namespace {

struct Report {
    Figures total;  // with calls of models outside slots
    uint64_t swaps = 0;

    void add(const Ledger::Reading &reading) {
        total += reading.total;
        swaps += reading.generation;
    }
};

// Calls `take` with the figures of each slot that has served a model.
template <class Take>
void read_slots(const std::vector<Ref<Slot>> &slots, Take &&take) {
    for (const auto &slot : slots)
        if (slot->ledger().has_served()) take(slot->ledger().read());
}

void write_snapshot(wb_snapshot &out, const Report &report, const Runtime &runtime) {
    write_figures(out, report.total);
    out.swaps = report.swaps;
    out.contexts = static_cast<uint32_t>(runtime.pools.contexts());
    out.models = runtime.models.load(std::memory_order_relaxed);
}

}  // namespace

void Engine::read(wb_snapshot &out) const {
    const auto report = std::make_unique<Report>();
    runtime_->account.counters.add_to(report->total);
    read_slots(slots(), [&](const auto &reading) { report->add(*reading); });
    write_snapshot(out, *report, *runtime_);
    out.waiting = waiting();
}

// Calls that wait for a context, and submissions that wait.
uint32_t Engine::waiting() const {
    const Crew *crew = present_crew();
    return runtime_->pools.waiting() + (crew ? crew->backlog()->waiting() : 0);
}

std::string Engine::metrics() const {
    const auto report = std::make_unique<Report>();
    std::vector<std::unique_ptr<Ledger::Reading>> readings;
    runtime_->account.counters.add_to(report->total);
    read_slots(slots(), [&](auto reading) {
        report->add(*reading);
        readings.push_back(std::move(reading));
    });
    wb_snapshot snapshot{};
    write_snapshot(snapshot, *report, *runtime_);
    snapshot.waiting = waiting();
    std::vector<SlotSeries> series;
    for (const auto &of : readings) {
        SlotSeries &slot = series.emplace_back(SlotSeries{of->slot, of->version, of->bundle, &of->total, {}});
        if (of->bundle != 0) slot.versions.push_back({of->version, of->bundle, &of->current});
        if (of->previous_bundle != 0 && of->previous_bundle != of->bundle)
            slot.versions.push_back({of->previous_version, of->previous_bundle, &of->previous});
    }
    return prometheus_text(snapshot, report->total, series, runtime_->joined_rows.load(std::memory_order_relaxed));
}

}  // namespace weighbridge::lib
