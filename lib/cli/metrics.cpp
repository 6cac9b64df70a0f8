// SPDX-License-Identifier: Apache-2.0
#include "cli/metrics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weighbridge::cli {

std::optional<Ranking> rank(std::vector<Labelled> &rows, double alert_share) {
    std::sort(rows.begin(), rows.end(), [](const Labelled &a, const Labelled &b) { return a.score > b.score; });
    auto total = static_cast<double>(rows.size());
    auto frauds =
        static_cast<double>(std::count_if(rows.begin(), rows.end(), [](const Labelled &r) { return r.fraud; }));
    if (rows.empty()) return std::nullopt;

    Ranking ranking;
    ranking.alerts = std::max<uint64_t>(1, static_cast<uint64_t>(std::floor(alert_share * total)));
    auto alerts = static_cast<double>(ranking.alerts);
    if (frauds == 0.0) return ranking;
    double seen = 0.0, caught = 0.0;  // rows, and frauds among them, with a score above the threshold
    double pairs = 0.0;               // (fraud, other) pairs in the right order
    double found = 0.0;               // frauds among the alerts
    for (size_t i = 0; i < rows.size();) {
        size_t end = i;
        double here = 0.0;
        while (end < rows.size() && rows[end].score == rows[i].score) here += rows[end++].fraud ? 1.0 : 0.0;
        auto ties = static_cast<double>(end - i);
        double others_below = (total - frauds) - (seen - caught) - (ties - here);
        pairs += here * (others_below + 0.5 * (ties - here));
        if (seen < alerts) found += here * std::min(1.0, (alerts - seen) / ties);
        seen += ties;
        caught += here;
        ranking.average_precision += here * (caught / seen);
        i = end;
    }
    ranking.average_precision /= frauds;
    ranking.recall = found / frauds;
    if (frauds < total) ranking.auc = pairs / (frauds * (total - frauds));
    return ranking;
}

size_t Latencies::bucket(uint64_t ns) {
    auto width = static_cast<int>(std::bit_width(ns));
    if (width <= sub_bits) return static_cast<size_t>(ns);
    int shift = width - sub_bits - 1;
    return (static_cast<size_t>(shift) << sub_bits) + static_cast<size_t>(ns >> shift);
}

uint64_t Latencies::upper(size_t bucket) {
    if (bucket < size_t{1} << (sub_bits + 1)) return bucket;
    size_t shift = (bucket >> sub_bits) - 1;
    uint64_t mantissa = (bucket & ((size_t{1} << sub_bits) - 1)) | (uint64_t{1} << sub_bits);
    return ((mantissa + 1) << shift) - 1;
}

void Latencies::add(int64_t ns) {
    ns = std::max<int64_t>(ns, 0);
    ++counts_[bucket(static_cast<uint64_t>(ns))];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
}

void Latencies::add(const Latencies &other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ns_ = std::max(max_ns_, other.max_ns_);
}

int64_t Latencies::quantile_ns(double share) const {
    auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= std::max<uint64_t>(wanted, 1)) return std::min(static_cast<int64_t>(upper(i)), max_ns_);
    }
    return 0;
}

}  // namespace weighbridge::cli
