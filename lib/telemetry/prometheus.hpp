// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/counters.hpp"

namespace weighbridge::lib {

// A slot's present version ("" for none) and figures, in all and by bundle.
struct SlotSeries {
    struct Version {
        std::string_view version;
        uint64_t bundle;
        const Figures *figures;
    };
    std::string_view slot, version;
    uint64_t bundle;
    const Figures *total;
    std::vector<Version> versions;
};

// Prometheus text (exposition format 0.0.4): the gauges of a snapshot, the figures of the whole engine, and those of
// each slot, labelled. Latencies are histograms (le buckets in seconds).
std::string prometheus_text(const wb_snapshot &gauges, const Figures &engine, const std::vector<SlotSeries> &slots,
                            uint64_t joined_rows = 0);

}  // namespace weighbridge::lib
