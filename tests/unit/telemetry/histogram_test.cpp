// SPDX-License-Identifier: Apache-2.0
#include "telemetry/histogram.hpp"

#include <memory>

#include "support/catch.hpp"

using namespace weighbridge::lib;

TEST_CASE("each duration lies in its bucket, and buckets follow one another") {
    for (size_t i = 0; i + 1 < LatencyBuckets::kCount; ++i) {
        int64_t least = LatencyBuckets::least(i), next = LatencyBuckets::least(i + 1);
        REQUIRE(next > least);
        REQUIRE(LatencyBuckets::index(least) == i);
        REQUIRE(LatencyBuckets::index(next - 1) == i);
    }
}

TEST_CASE("a bucket from 100 ns to 100 s is at most 3 % wide") {
    for (size_t i = LatencyBuckets::index(100); i <= LatencyBuckets::index(100'000'000'000); ++i) {
        int64_t least = LatencyBuckets::least(i), next = LatencyBuckets::least(i + 1);
        REQUIRE(static_cast<double>(next - least) <= 0.03 * static_cast<double>(least));
    }
}

TEST_CASE("durations outside go to the first and the last bucket") {
    REQUIRE(LatencyBuckets::index(-1) == 0);
    REQUIRE(LatencyBuckets::index(INT64_MIN) == 0);
    REQUIRE(LatencyBuckets::index(0) == 0);
    REQUIRE(LatencyBuckets::index(INT64_MAX) == LatencyBuckets::kCount - 1);
    REQUIRE(LatencyBuckets::index((int64_t{1} << 37) - 1) == LatencyBuckets::kCount - 1);
    REQUIRE(LatencyBuckets::index(int64_t{1} << 37) == LatencyBuckets::kCount - 1);
}

TEST_CASE("quantiles are reached in order") {
    auto counts = std::make_unique<LatencyCounts>();
    counts->fill(0);
    REQUIRE(latency_quantile(*counts, 500) == 0);
    for (int64_t ns = 1; ns <= 100'000; ++ns) ++(*counts)[LatencyBuckets::index(ns)];
    for (uint64_t per_mille : {1, 10, 500, 900, 990, 999, 1000}) {
        double exact = static_cast<double>(per_mille) * 100.0;
        REQUIRE(static_cast<double>(latency_quantile(*counts, per_mille)) == Approx(exact).epsilon(0.03));
    }
}

TEST_CASE("a single observation is every quantile") {
    auto counts = std::make_unique<LatencyCounts>();
    counts->fill(0);
    (*counts)[LatencyBuckets::kCount - 1] = 1;
    REQUIRE(latency_quantile(*counts, 1) == latency_quantile(*counts, 1000));
    REQUIRE(latency_quantile(*counts, 1) > 100'000'000'000);
}
