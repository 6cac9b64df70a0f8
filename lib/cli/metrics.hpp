// SPDX-License-Identifier: Apache-2.0
// How well scores rank frauds, and how long calls took.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace weighbridge::cli {

struct Labelled {
    double score = 0.0;  // finite
    bool fraud = false;
};

struct Ranking {
    // Sum over distinct thresholds of (R_n - R_{n-1}) P_n, as scikit-learn has it; 0 without a fraud.
    double average_precision = 0.0;
    std::optional<double> auc;  // ties count half (midranks); none where all labels are the same
    std::optional<double>
        recall;           // of the frauds, those among the highest `alert_share` of the scores; none without one
    uint64_t alerts = 0;  // how many rows that share is
};

// Sorts `rows` by falling score. None without rows.
// @param alert_share  in (0, 1]; the number of alerts is rounded down, at least 1; rows that tie at the last alert
//                     count by the share of them that fits, so the order of the file does not matter
std::optional<Ranking> rank(std::vector<Labelled> &rows, double alert_share);

// Durations in nanoseconds in buckets of at most 1/64 relative width: memory stays the same however many are added.
class Latencies {
  public:
    void add(int64_t ns);
    void add(const Latencies &other);
    uint64_t count() const { return count_; }
    int64_t max_ns() const { return max_ns_; }
    // The least upper bound of a bucket below which `share` of the durations lie, at most max_ns(); 0 without any.
    int64_t quantile_ns(double share) const;

  private:
    static constexpr int sub_bits = 6;
    static constexpr int octaves = 64 - sub_bits;
    static size_t bucket(uint64_t ns);
    static uint64_t upper(size_t bucket);

    std::array<uint64_t, (octaves + 1) << sub_bits> counts_ = {};
    uint64_t count_ = 0;
    int64_t max_ns_ = 0;
};

}  // namespace weighbridge::cli
