// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.hpp"

#include "cli/text.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

namespace {

template <class To, class From>
void add_all(To &to, const From &from) {
    for (size_t i = 0; i < std::size(from); ++i) to[i] += from[i];
}

double microseconds(int64_t ns) { return static_cast<double>(ns) / 1000.0; }

}  // namespace

void Summary::add(const Chunk &chunk) {
    rows += chunk.rows;
    scored += chunk.scored;
    on_gpus += chunk.on_gpus;
    with_label += chunk.with_label;
    rejected += chunk.rejected;
    if (chunk.longest.lines > longest.lines) longest = chunk.longest;
    add_all(fallbacks, chunk.fallbacks);
    add_all(backends, chunk.backends);
    with_id.resize(chunk.with_id.size());
    add_all(with_id, chunk.with_id);
    bands.resize(chunk.bands.size());
    band_frauds.resize(chunk.bands.size());
    add_all(bands, chunk.bands);
    add_all(band_frauds, chunk.band_frauds);
    for (int64_t ns : chunk.latencies_ns) latencies.add(ns);
    labelled.insert(labelled.end(), chunk.labelled.begin(), chunk.labelled.end());
}

void Summary::add_counts(Report &report) const {
    report["rows"] = rows;
    report["scored"] = scored;
    report["rejected"] = rejected;
    // Many lines in one record: a quote that was closed by chance took payments with it.
    if (longest.lines > 1) report["longest_record"] = Report{{"line", longest.line}, {"lines", longest.lines}};
    for (size_t reason = 1; reason < fallbacks.size(); ++reason)
        report["fallbacks"][reason_name(static_cast<int32_t>(reason))] = fallbacks[reason];
}

void Summary::add_ids(Report &report, const std::vector<std::string> &ids) const {
    for (size_t i = 0; i < with_id.size(); ++i) {
        if (with_id[i] == rows) continue;
        report["without_id"][ids[i]] = rows - with_id[i];
        if (!with_id[i])
            report["warnings"].push_back(formatted("--id '{}': no row has it; is it spelt as there?", ids[i]));
    }
}

std::optional<Ranking> Summary::add_ranking(Report &report) {
    auto known = [](const std::optional<double> &value) { return value ? Report(*value) : Report(); };
    const std::optional<Ranking> ranking = rank(labelled, alert_share);
    report["labelled"] = with_label;
    report["unlabelled"] = scored - with_label;
    report["ranked"] = labelled.size();
    report["average_precision"] = ranking ? Report(ranking->average_precision) : Report();
    report["auc"] = known(ranking ? ranking->auc : std::nullopt);
    report["recall_at_0.5_percent"] = known(ranking ? ranking->recall : std::nullopt);
    if (!ranking)
        report["not_ranked"] = "the model answered no row with a label";
    else if (!ranking->auc)
        report["not_ranked"] = ranking->recall ? "no AUC: every label is 1" : "no AUC: every label is 0";
    return ranking;
}

Report Summary::report(double seconds, const std::vector<std::string> &ids, const std::vector<std::string> &names,
                       size_t batch, const std::string &backend, bool labels) {
    Report report;
    add_counts(report);
    add_ids(report, ids);
    std::string ran;
    for (size_t i = 1; i < backends.size(); ++i)
        if (backends[i]) ran += (ran.empty() ? "" : ", ") + std::string(backend_name(static_cast<int32_t>(i)));
    report["backend"] = ran.empty() ? backend : ran;
    report["seconds"] = seconds;
    report["payments_per_second"] = seconds > 0.0 ? static_cast<double>(scored) / seconds : 0.0;
    report["latency_us"] = Report{{"of", batch ? "a batch of " + std::to_string(batch) : "a payment"},
                                  {"p50", microseconds(latencies.quantile_ns(0.5))},
                                  {"p99", microseconds(latencies.quantile_ns(0.99))},
                                  {"p99.9", microseconds(latencies.quantile_ns(0.999))},
                                  {"max", microseconds(latencies.max_ns())}};
    if (labels) add_ranking(report);
    for (size_t i = 0; i < names.size() && i < bands.size(); ++i) {
        Report band = {{"band", names[i]}, {"payments", bands[i]}};
        band["share"] = scored ? static_cast<double>(bands[i]) / static_cast<double>(scored) : 0.0;
        if (labels) band["frauds"] = band_frauds[i];
        report["decisions"].push_back(std::move(band));
    }
    return report;
}

}  // namespace weighbridge::cli
