// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.hpp"

#include <nlohmann/json.hpp>

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
    rejected += chunk.rejected;
    if (chunk.longest.lines > longest.lines) longest = chunk.longest;
    add_all(fallbacks, chunk.fallbacks);
    add_all(backends, chunk.backends);
    bands.resize(chunk.bands.size());
    band_frauds.resize(chunk.bands.size());
    add_all(bands, chunk.bands);
    add_all(band_frauds, chunk.band_frauds);
    for (int64_t ns : chunk.latencies_ns) latencies.add(ns);
    labelled.insert(labelled.end(), chunk.labelled.begin(), chunk.labelled.end());
}

nlohmann::ordered_json Summary::report(double seconds, const std::vector<std::string> &names, size_t batch,
                                       const std::string &backend, bool labels) {
    nlohmann::ordered_json json;
    json["rows"] = rows;
    json["scored"] = scored;
    json["rejected"] = rejected;
    // Many lines in one record: a quote that was closed by chance took payments with it.
    if (longest.lines > 1) json["longest_record"] = {{"line", longest.line}, {"lines", longest.lines}};
    for (size_t reason = 1; reason < fallbacks.size(); ++reason)
        json["fallbacks"][reason_name(static_cast<int32_t>(reason))] = fallbacks[reason];
    std::string ran;
    for (size_t i = 1; i < backends.size(); ++i)
        if (backends[i]) ran += (ran.empty() ? "" : ", ") + std::string(backend_name(static_cast<int32_t>(i)));
    json["backend"] = ran.empty() ? backend : ran;
    json["seconds"] = seconds;
    json["payments_per_second"] = seconds > 0.0 ? static_cast<double>(scored) / seconds : 0.0;
    json["latency_us"] = {{"of", batch ? "a batch of " + std::to_string(batch) : "a payment"},
                          {"p50", microseconds(latencies.quantile_ns(0.5))},
                          {"p99", microseconds(latencies.quantile_ns(0.99))},
                          {"p99.9", microseconds(latencies.quantile_ns(0.999))},
                          {"max", microseconds(latencies.max_ns())}};
    if (labels) {
        auto ranking = rank(labelled, alert_share);
        json["labelled"] = labelled.size();
        json["average_precision"] = ranking ? nlohmann::ordered_json(ranking->average_precision) : nullptr;
        json["auc"] = ranking ? nlohmann::ordered_json(ranking->auc) : nullptr;
        json["recall_at_0.5_percent"] = ranking ? nlohmann::ordered_json(ranking->recall) : nullptr;
    }
    for (size_t i = 0; i < names.size() && i < bands.size(); ++i) {
        nlohmann::ordered_json band = {{"band", names[i]}, {"payments", bands[i]}};
        band["share"] = scored ? static_cast<double>(bands[i]) / static_cast<double>(scored) : 0.0;
        if (labels) band["frauds"] = band_frauds[i];
        json["decisions"].push_back(std::move(band));
    }
    return json;
}

}  // namespace weighbridge::cli
