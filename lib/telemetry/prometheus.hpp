// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/counters.hpp"

namespace weighbridge::lib {

// What one version did in one slot.
struct SlotSeries {
    std::string_view slot, version;
    const Figures *figures;
};

// Prometheus text (exposition format 0.0.4): the gauges of a snapshot, the figures of the whole engine, and those of
// each series, labelled. Latencies are histograms (le buckets in seconds).
std::string prometheus_text(const wb_snapshot &gauges, const Figures &engine, const std::vector<SlotSeries> &slots);

}  // namespace weighbridge::lib
