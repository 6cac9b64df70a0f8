// SPDX-License-Identifier: Apache-2.0
// What `score` tells of a whole file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/pipeline.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

// Share of the payments that can be looked at by hand, for the recall: 0.5 %.
inline constexpr double alert_share = 0.005;

// Sums of chunks. Grows by 16 bytes a labelled row, and by nothing for others.
struct Summary {
    uint64_t rows = 0, scored = 0, rejected = 0, on_gpus = 0;
    LongestRecord longest;
    std::array<uint64_t, WB_REASON_SHORT + 1> fallbacks = {};  // by WB_REASON_*
    std::array<uint64_t, WB_BACKEND_FAKE + 1> backends = {};   // by WB_BACKEND_*
    std::vector<uint64_t> with_id;                             // rows by --id that have a text there
    std::vector<uint64_t> bands, band_frauds;
    Latencies latencies;
    uint64_t with_label = 0;         // of the scored rows
    std::vector<Labelled> labelled;  // those that the model answered

    void add(const Chunk &chunk);

    // Rows, scored, rejected, and fallbacks by reason.
    void add_counts(Report &report) const;
    // How many rows have no text as an id, by the ids that any row lacks; a warning of those that every row lacks.
    void add_ids(Report &report, const std::vector<std::string> &ids) const;
    // How many of the scored rows have a label, how many of these the model answered, and how well it ranks them; where
    // all their labels are the same, that there is no AUC. Sorts `labelled`.
    std::optional<Ranking> add_ranking(Report &report);

    // @param ids     names
    // @param names   of the bands
    // @param batch   rows in one call, 0 for one by one: what a latency is the latency of
    // @param backend where no row says it: none was answered by the model
    // Sorts `labelled`.
    Report report(double seconds, const std::vector<std::string> &ids, const std::vector<std::string> &names,
                  size_t batch, const std::string &backend, bool labels);
};

}  // namespace weighbridge::cli
