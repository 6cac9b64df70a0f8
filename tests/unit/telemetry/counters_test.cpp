// SPDX-License-Identifier: Apache-2.0
#include "telemetry/counters.hpp"

#include <memory>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;

namespace {

CallRecord answered(int64_t latency_ns, int64_t rows = 1) {
    CallRecord call;
    call.rows = rows;
    call.latency_ns = latency_ns;
    return call;
}

wb_snapshot read(const Counters &counters) {
    const auto figures = std::make_unique<Figures>();
    counters.add_to(*figures);
    wb_snapshot snapshot{};
    write_figures(snapshot, *figures);
    return snapshot;
}

}  // namespace

TEST_CASE("new counters are zero, and gauges are left alone") {
    Figures figures;
    wb_snapshot snapshot{};
    snapshot.contexts = 7;
    snapshot.requests = 9;
    snapshot.latency_p50_ns = 9;
    write_figures(snapshot, figures);
    REQUIRE(snapshot.contexts == 7);
    REQUIRE(snapshot.requests == 0);
    REQUIRE(snapshot.latency_p50_ns == 0);
    REQUIRE(snapshot.latency_max_ns == 0);
}

TEST_CASE("each call is counted where it belongs") {
    Counters counters(2);
    counters.record(answered(1000, 3));
    auto ended = [&](int32_t status, int32_t reason) {
        CallRecord call;
        call.status = status;
        call.reason = reason;
        call.fallbacks = reason ? 1 : 0;
        call.invalid = status == WB_INVALID_INPUT ? 1 : 0;
        counters.record(call);
    };
    ended(WB_OVERLOADED, 0);
    ended(WB_OK_FALLBACK, WB_REASON_OVERLOAD);
    ended(WB_DEADLINE_EXCEEDED, 0);
    ended(WB_OK_FALLBACK, WB_REASON_DEADLINE);
    ended(WB_OK_FALLBACK, WB_REASON_BACKEND);
    ended(WB_BACKEND_FAILED, 0);
    ended(WB_CANCELLED, 0);
    ended(WB_INVALID_INPUT, 0);
    wb_snapshot snapshot = read(counters);
    REQUIRE(snapshot.requests == 9);
    REQUIRE(snapshot.rows == 3);
    REQUIRE(snapshot.fallbacks == 3);
    REQUIRE(snapshot.overloaded == 2);
    REQUIRE(snapshot.expired == 2);
    REQUIRE(snapshot.failed == 2);  // a cancelled call is nobody's failure
    REQUIRE(snapshot.invalid == 1);
}

TEST_CASE("negative counts and latencies do no harm") {
    Counters counters(2);
    counters.record(answered(-5, -1));
    wb_snapshot snapshot = read(counters);
    REQUIRE(snapshot.requests == 1);
    REQUIRE(snapshot.rows == 0);
    REQUIRE(snapshot.latency_max_ns == 0);
}

TEST_CASE("quantiles are within 3 % and the maximum is exact") {
    Counters counters(2);
    for (int64_t us = 1; us <= 1000; ++us) counters.record(answered(us * 1000));
    wb_snapshot snapshot = read(counters);
    REQUIRE(static_cast<double>(snapshot.latency_p50_ns) == Approx(500e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p90_ns) == Approx(900e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p99_ns) == Approx(990e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p999_ns) == Approx(999e3).epsilon(0.03));
    REQUIRE(snapshot.latency_max_ns == 1'000'000);
}

TEST_CASE("no quantile is above the maximum") {
    Counters counters(2);
    counters.record(answered((int64_t{1} << 20) + 1));
    wb_snapshot snapshot = read(counters);
    REQUIRE(snapshot.latency_p50_ns == snapshot.latency_max_ns);
}

TEST_CASE("threads' counts add up") {
    Counters counters(2);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 5000; ++i) counters.record(answered(i));
        });
    for (auto &thread : threads) thread.join();
    REQUIRE(read(counters).requests == 20'000);
    REQUIRE(read(counters).latency_max_ns == 4999);
}

TEST_CASE("figures of several counters add up, and the longest is the longest") {
    Counters one(1), other(3);
    one.record(answered(1000, 3));
    other.record(answered(5000, 4));
    auto sum = std::make_unique<Figures>(), second = std::make_unique<Figures>();
    one.add_to(*sum);
    other.add_to(*second);
    *sum += *second;
    REQUIRE(sum->rows == 7);
    REQUIRE(sum->requests() == 2);
    REQUIRE(sum->latency_sum_ns == 6000);
    REQUIRE(sum->latency_max_ns == 5000);
}

TEST_CASE("what rate-limited events count is a call's fallback rows, its shedding, its model's failure") {
    Counters counters(1);
    CallRecord call;
    call.reason = WB_REASON_OVERLOAD;
    call.fallbacks = 3;
    counters.record(call);
    call = {};
    call.model_failed = true;
    call.status = WB_OK_PARTIAL;
    counters.record(call);
    REQUIRE(counters.total(Counted::fallbacks) == 3);
    REQUIRE(counters.total(Counted::overloaded) == 1);
    REQUIRE(counters.total(Counted::model_failures) == 1);
}
