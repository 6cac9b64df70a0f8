// SPDX-License-Identifier: Apache-2.0
// What `score` tells of a whole file.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/pipeline.hpp"

namespace weighbridge::cli {

// Share of the payments that can be looked at by hand, for the recall: 0.5 %.
inline constexpr double alert_share = 0.005;

// Sums of chunks. Grows by 16 bytes a labelled row, and by nothing for others.
struct Summary {
    uint64_t rows = 0, scored = 0, rejected = 0;
    LongestRecord longest;
    std::array<uint64_t, 5> fallbacks = {};  // by WB_REASON_*
    std::array<uint64_t, 5> backends = {};   // by WB_BACKEND_*
    std::vector<uint64_t> bands, band_frauds;
    Latencies latencies;
    std::vector<Labelled> labelled;

    void add(const Chunk &chunk);

    // @param names   of the bands
    // @param batch   rows in one call, 0 for one by one: what a latency is the latency of
    // @param backend where the chunks do not say (batches)
    // Sorts `labelled`.
    nlohmann::ordered_json report(double seconds, const std::vector<std::string> &names, size_t batch,
                                  const std::string &backend, bool labels);
};

}  // namespace weighbridge::cli
