// SPDX-License-Identifier: Apache-2.0
#include "telemetry/telemetry.hpp"

#include <string>
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

wb_snapshot read(const Telemetry &telemetry) {
    wb_snapshot snapshot{};
    telemetry.read(snapshot);
    return snapshot;
}

struct Lines {
    static void take(int32_t event, const char *message, void *self) {
        static_cast<Lines *>(self)->told.push_back(std::to_string(event) + " " + message);
    }
    std::vector<std::string> told;
};

constexpr int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("a new engine's counters are zero, and gauges are left alone") {
    Telemetry telemetry;
    wb_snapshot snapshot{};
    snapshot.contexts = 7;
    snapshot.requests = 9;
    snapshot.latency_p50_ns = 9;
    telemetry.read(snapshot);
    REQUIRE(snapshot.contexts == 7);
    REQUIRE(snapshot.requests == 0);
    REQUIRE(snapshot.latency_p50_ns == 0);
    REQUIRE(snapshot.latency_max_ns == 0);
}

TEST_CASE("each call is counted where it belongs") {
    Telemetry telemetry;
    telemetry.record(answered(1000, 3));
    auto ended = [&](int32_t status, int32_t reason) {
        CallRecord call;
        call.status = status;
        call.reason = reason;
        call.fallbacks = reason ? 1 : 0;
        call.invalid = status == WB_INVALID_INPUT ? 1 : 0;
        telemetry.record(call);
    };
    ended(WB_OVERLOADED, 0);
    ended(WB_OK_FALLBACK, WB_REASON_OVERLOAD);
    ended(WB_DEADLINE_EXCEEDED, 0);
    ended(WB_OK_FALLBACK, WB_REASON_DEADLINE);
    ended(WB_OK_FALLBACK, WB_REASON_BACKEND);
    ended(WB_BACKEND_FAILED, 0);
    ended(WB_CANCELLED, 0);
    ended(WB_INVALID_INPUT, 0);
    telemetry.count_swap();
    wb_snapshot snapshot = read(telemetry);
    REQUIRE(snapshot.requests == 9);
    REQUIRE(snapshot.rows == 3);
    REQUIRE(snapshot.fallbacks == 3);
    REQUIRE(snapshot.overloaded == 2);
    REQUIRE(snapshot.expired == 2);
    REQUIRE(snapshot.failed == 3);
    REQUIRE(snapshot.invalid == 1);
    REQUIRE(snapshot.swaps == 1);
}

TEST_CASE("negative counts and latencies do no harm") {
    Telemetry telemetry;
    telemetry.record(answered(-5, -1));
    wb_snapshot snapshot = read(telemetry);
    REQUIRE(snapshot.requests == 1);
    REQUIRE(snapshot.rows == 0);
    REQUIRE(snapshot.latency_max_ns == 0);
}

TEST_CASE("quantiles are within 3 % and the maximum is exact") {
    Telemetry telemetry;
    for (int64_t us = 1; us <= 1000; ++us) telemetry.record(answered(us * 1000));
    wb_snapshot snapshot = read(telemetry);
    REQUIRE(static_cast<double>(snapshot.latency_p50_ns) == Approx(500e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p90_ns) == Approx(900e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p99_ns) == Approx(990e3).epsilon(0.03));
    REQUIRE(static_cast<double>(snapshot.latency_p999_ns) == Approx(999e3).epsilon(0.03));
    REQUIRE(snapshot.latency_max_ns == 1'000'000);
}

TEST_CASE("no quantile is above the maximum") {
    Telemetry telemetry;
    telemetry.record(answered((int64_t{1} << 20) + 1));
    wb_snapshot snapshot = read(telemetry);
    REQUIRE(snapshot.latency_p50_ns == snapshot.latency_max_ns);
}

TEST_CASE("threads' counts add up") {
    Telemetry telemetry;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 5000; ++i) telemetry.record(answered(i));
        });
    for (auto &thread : threads) thread.join();
    REQUIRE(read(telemetry).requests == 20'000);
    REQUIRE(read(telemetry).latency_max_ns == 4999);
}

TEST_CASE("Prometheus text") {
    Telemetry telemetry;
    telemetry.record(answered(9'000));
    telemetry.record(answered(40'000, 8));
    telemetry.record(answered(200'000'000'000));
    wb_snapshot snapshot{};
    snapshot.contexts = 2;
    snapshot.waiting = 1;
    snapshot.models = 3;
    telemetry.read(snapshot);
    REQUIRE(telemetry.prometheus(snapshot) == R"(# HELP weighbridge_contexts Contexts of the pool.
# TYPE weighbridge_contexts gauge
weighbridge_contexts 2
# HELP weighbridge_waiting Requests that wait for a context.
# TYPE weighbridge_waiting gauge
weighbridge_waiting 1
# HELP weighbridge_models Models loaded.
# TYPE weighbridge_models gauge
weighbridge_models 3
# HELP weighbridge_requests_total Calls that were answered or failed.
# TYPE weighbridge_requests_total counter
weighbridge_requests_total 3
# HELP weighbridge_rows_total Rows scored by a model.
# TYPE weighbridge_rows_total counter
weighbridge_rows_total 10
# HELP weighbridge_fallback_rows_total Rows answered by a fallback.
# TYPE weighbridge_fallback_rows_total counter
weighbridge_fallback_rows_total 0
# HELP weighbridge_overloaded_total Calls shed.
# TYPE weighbridge_overloaded_total counter
weighbridge_overloaded_total 0
# HELP weighbridge_expired_total Calls that met their deadline without a model's answer.
# TYPE weighbridge_expired_total counter
weighbridge_expired_total 0
# HELP weighbridge_invalid_rows_total Rows refused for their values.
# TYPE weighbridge_invalid_rows_total counter
weighbridge_invalid_rows_total 0
# HELP weighbridge_failed_total Calls that failed otherwise.
# TYPE weighbridge_failed_total counter
weighbridge_failed_total 0
# HELP weighbridge_swaps_total Swaps of a slot's model.
# TYPE weighbridge_swaps_total counter
weighbridge_swaps_total 0
# HELP weighbridge_latency_seconds Latency of calls from entry to return.
# TYPE weighbridge_latency_seconds histogram
weighbridge_latency_seconds_bucket{le="1e-05"} 1
weighbridge_latency_seconds_bucket{le="2.5e-05"} 1
weighbridge_latency_seconds_bucket{le="5e-05"} 2
weighbridge_latency_seconds_bucket{le="0.0001"} 2
weighbridge_latency_seconds_bucket{le="0.00025"} 2
weighbridge_latency_seconds_bucket{le="0.0005"} 2
weighbridge_latency_seconds_bucket{le="0.001"} 2
weighbridge_latency_seconds_bucket{le="0.0025"} 2
weighbridge_latency_seconds_bucket{le="0.005"} 2
weighbridge_latency_seconds_bucket{le="0.01"} 2
weighbridge_latency_seconds_bucket{le="0.025"} 2
weighbridge_latency_seconds_bucket{le="0.05"} 2
weighbridge_latency_seconds_bucket{le="0.1"} 2
weighbridge_latency_seconds_bucket{le="0.25"} 2
weighbridge_latency_seconds_bucket{le="0.5"} 2
weighbridge_latency_seconds_bucket{le="1"} 2
weighbridge_latency_seconds_bucket{le="2.5"} 2
weighbridge_latency_seconds_bucket{le="5"} 2
weighbridge_latency_seconds_bucket{le="10"} 2
weighbridge_latency_seconds_bucket{le="+Inf"} 3
weighbridge_latency_seconds_sum 200.000049000
weighbridge_latency_seconds_count 3
)");
}

TEST_CASE("a logger without a callback does nothing") {
    Logger logger(nullptr, nullptr);
    REQUIRE_FALSE(logger.enabled());
    logger.event(WB_LOG_LOADED, "x");
    logger.limited(WB_LOG_OVERLOAD, "x", 0);
    logger.flush(kSecond);
}

TEST_CASE("plain events are delivered as they are") {
    Lines lines;
    Logger logger(Lines::take, &lines);
    logger.event(WB_LOG_LOADED, "model 'a' was loaded");
    REQUIRE(lines.told == std::vector<std::string>{"1 model 'a' was loaded"});
}

TEST_CASE("a limited event is told once a second, with its count") {
    Lines lines;
    Logger logger(Lines::take, &lines);
    logger.limited(WB_LOG_OVERLOAD, "requests shed", -5 * kSecond);
    for (int i = 0; i < 10; ++i) logger.limited(WB_LOG_OVERLOAD, "requests shed", -4 * kSecond - 1);
    logger.limited(WB_LOG_FALLBACK, "fallback answers", -4 * kSecond - 1);
    REQUIRE(lines.told == std::vector<std::string>{"6 1 requests shed", "4 1 fallback answers"});
    logger.limited(WB_LOG_OVERLOAD, "requests shed", -4 * kSecond);
    REQUIRE(lines.told.back() == "6 11 requests shed");
    REQUIRE(lines.told.size() == 3);
}

TEST_CASE("flush tells what is left, once its second is over") {
    Lines lines;
    Logger logger(Lines::take, &lines);
    logger.flush(0);
    logger.limited(WB_LOG_OVERLOAD, "requests shed", 0);
    logger.limited(WB_LOG_OVERLOAD, "requests shed", 1);
    logger.limited(WB_LOG_OVERLOAD, "requests shed", 2);
    logger.flush(kSecond - 1);
    REQUIRE(lines.told.size() == 1);
    logger.flush(kSecond);
    REQUIRE(lines.told.back() == "6 2 requests shed");
    logger.flush(3 * kSecond);
    REQUIRE(lines.told.size() == 2);
}

TEST_CASE("an event number out of range is not counted") {
    Lines lines;
    Logger logger(Lines::take, &lines);
    logger.limited(-1, "x", 0);
    logger.limited(8, "x", 0);
    REQUIRE(lines.told.empty());
}

TEST_CASE("no limited event is lost or told twice when threads race") {
    struct Sum {
        static void take(int32_t, const char *message, void *self) {
            static_cast<Sum *>(self)->total += std::stoi(message);
        }
        std::atomic<int> total{0};
    } sum;
    Logger logger(Sum::take, &sum);
    std::atomic<int64_t> now{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) logger.limited(WB_LOG_FALLBACK, "fallback answers", now += kSecond / 3);
        });
    for (auto &thread : threads) thread.join();
    logger.flush(now + kSecond);
    REQUIRE(sum.total == 4000);
}
