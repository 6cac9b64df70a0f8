// SPDX-License-Identifier: Apache-2.0
#include "cli/metrics.hpp"

#include <cstdlib>

#include "support/catch.hpp"

using weighbridge::cli::Labelled;
using weighbridge::cli::Latencies;
using weighbridge::cli::rank;

TEST_CASE("the four rows of scikit-learn's documentation give its average precision and AUC") {
    std::vector<Labelled> rows = {{0.1, false}, {0.4, false}, {0.35, true}, {0.8, true}};
    auto found = rank(rows, 0.5);
    REQUIRE(found);
    CHECK(found->average_precision == Approx(5.0 / 6.0));
    CHECK(*found->auc == Approx(0.75));
    CHECK(found->alerts == 2);
    CHECK(*found->recall == Approx(0.5));
}

TEST_CASE("ties make one threshold, count half in the AUC, and by their share among the alerts") {
    std::vector<Labelled> rows = {{0.9, true}, {0.5, true}, {0.5, false}, {0.5, false}, {0.1, false}};
    auto found = rank(rows, 0.4);
    REQUIRE(found);
    CHECK(found->average_precision == Approx(0.5 * 1.0 + 0.5 * 2.0 / 4.0));
    CHECK(*found->auc == Approx((3.0 + (1.0 + 0.5 * 2.0)) / 6.0));
    CHECK(found->alerts == 2);
    CHECK(*found->recall == Approx((1.0 + 1.0 / 3.0) / 2.0));
}

TEST_CASE("the order of the file does not matter") {
    std::vector<Labelled> one = {{0.5, true}, {0.5, false}, {0.2, false}, {0.5, false}, {0.7, true}};
    std::vector<Labelled> two = {{0.2, false}, {0.5, false}, {0.5, false}, {0.7, true}, {0.5, true}};
    auto a = rank(one, 0.6), b = rank(two, 0.6);
    REQUIRE((a && b));
    CHECK(a->average_precision == b->average_precision);
    CHECK(a->auc == b->auc);
    CHECK(a->recall == b->recall);
}

TEST_CASE("a perfect and a reversed ranking are 1 and 0") {
    std::vector<Labelled> right = {{3, true}, {2, true}, {1, false}}, wrong = {{3, false}, {2, true}, {1, true}};
    CHECK(rank(right, 1.0)->auc.value() == Approx(1.0));
    CHECK(rank(right, 1.0)->average_precision == Approx(1.0));
    CHECK(rank(wrong, 1.0)->auc.value() == Approx(0.0));
    CHECK(rank(wrong, 1.0)->recall.value() == Approx(1.0));
}

TEST_CASE("at least one row is an alert") {
    std::vector<Labelled> rows = {{0.9, true}, {0.1, false}};
    CHECK(rank(rows, 0.005)->alerts == 1);
    CHECK(rank(rows, 0.005)->recall.value() == Approx(1.0));
}

TEST_CASE("one class alone has scikit-learn's average precision and no AUC") {
    std::vector<Labelled> none, frauds = {{0.5, true}, {0.1, true}}, others = {{0.5, false}, {0.1, false}};
    CHECK_FALSE(rank(none, 0.005));
    CHECK(rank(frauds, 0.5)->average_precision == 1.0);
    CHECK_FALSE(rank(frauds, 0.5)->auc);
    CHECK(rank(frauds, 0.5)->recall.value() == Approx(0.5));
    CHECK(rank(others, 0.005)->average_precision == 0.0);
    CHECK_FALSE(rank(others, 0.005)->auc);
    CHECK_FALSE(rank(others, 0.005)->recall);
}

TEST_CASE("quantiles are within a bucket of the true ones and never above the largest") {
    Latencies latencies;
    CHECK(latencies.quantile_ns(0.5) == 0);
    for (int64_t ns = 1; ns <= 100000; ++ns) latencies.add(ns);
    CHECK(latencies.count() == 100000);
    CHECK(latencies.max_ns() == 100000);
    CHECK(latencies.quantile_ns(1.0) == 100000);
    for (double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        double truth = share * 100000;
        CHECK(static_cast<double>(latencies.quantile_ns(share)) >= truth - 1);
        CHECK(static_cast<double>(latencies.quantile_ns(share)) <= truth * (1 + 1.0 / 64) + 1);
    }
}

TEST_CASE("every duration has a bucket, and histograms add up") {
    Latencies one, two;
    one.add(-5);
    one.add(63);
    two.add(64);
    two.add(INT64_MAX);
    one.add(two);
    CHECK(one.count() == 4);
    CHECK(one.quantile_ns(0.25) == 0);
    CHECK(one.quantile_ns(0.5) == 63);
    CHECK(one.quantile_ns(0.75) == 64);
    CHECK(one.quantile_ns(1.0) == INT64_MAX);
}
