// SPDX-License-Identifier: Apache-2.0
#include "telemetry/prometheus.hpp"

#include <memory>

#include "support/catch.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;

namespace {

void record(Figures &figures, int64_t latency_ns, int64_t rows) {
    Counters counters(1);
    CallRecord call;
    call.rows = rows;
    call.latency_ns = latency_ns;
    counters.record(call);
    counters.add_to(figures);
}

bool has(const std::string &text, const std::string &lines) { return text.find(lines) != std::string::npos; }

}  // namespace

TEST_CASE("Prometheus text of an engine without slots") {
    Figures engine;
    record(engine, 3'000, 1);
    record(engine, 40'000, 8);
    record(engine, 200'000'000'000, 1);
    wb_snapshot snapshot{};
    snapshot.contexts = 2;
    snapshot.waiting = 1;
    snapshot.models = 3;
    REQUIRE(prometheus_text(snapshot, engine, {}, 7) == R"(# HELP weighbridge_contexts Contexts of the pool.
# TYPE weighbridge_contexts gauge
weighbridge_contexts 2
# HELP weighbridge_waiting Requests that wait for a context.
# TYPE weighbridge_waiting gauge
weighbridge_waiting 1
# HELP weighbridge_models Models loaded.
# TYPE weighbridge_models gauge
weighbridge_models 3
# HELP weighbridge_swaps_total Swaps of a slot's model.
# TYPE weighbridge_swaps_total counter
weighbridge_swaps_total 0
# HELP weighbridge_joined_rows_total Single rows that ran with others that waited.
# TYPE weighbridge_joined_rows_total counter
weighbridge_joined_rows_total 7
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
# HELP weighbridge_latency_seconds Latency of calls from entry to return.
# TYPE weighbridge_latency_seconds histogram
weighbridge_latency_seconds_bucket{le="1e-06"} 0
weighbridge_latency_seconds_bucket{le="2.5e-06"} 0
weighbridge_latency_seconds_bucket{le="5e-06"} 1
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
weighbridge_latency_seconds_sum 200.000043000
weighbridge_latency_seconds_count 3
)");
}

TEST_CASE("Prometheus text has each slot in all, by version, and what it serves, and escapes its labels") {
    Figures champion, all, odd;
    record(champion, 40'000, 8);
    record(all, 40'000, 11);
    record(odd, 200'000'000'000, 1);
    const std::string text =
        prometheus_text({}, {},
                        {{"champion", "1.0", 0xab, &all, {{"1.0", 0xab, &champion}, {"1.0", 0xac, &odd}}},
                         {"odd", "a\"b\\c\nd", 1, &odd, {{"a\"b\\c\nd", 1, &odd}}},
                         {"emptied", "", 0, &all, {}}});
    CHECK(has(text,
              "# HELP weighbridge_slot_info The version and the bundle that a slot serves.\n"
              "# TYPE weighbridge_slot_info gauge\n"
              "weighbridge_slot_info{slot=\"champion\",version=\"1.0\",bundle=\"00000000000000ab\"} 1\n"
              "weighbridge_slot_info{slot=\"odd\",version=\"a\\\"b\\\\c\\nd\",bundle=\"0000000000000001\"} 1\n#"));
    CHECK(has(text,
              "# HELP weighbridge_slot_rows_total Rows scored by a model, by slot.\n"
              "# TYPE weighbridge_slot_rows_total counter\n"
              "weighbridge_slot_rows_total{slot=\"champion\"} 11\n"
              "weighbridge_slot_rows_total{slot=\"odd\"} 1\n"
              "weighbridge_slot_rows_total{slot=\"emptied\"} 11\n#"));
    CHECK(has(text,
              "# TYPE weighbridge_slot_version_rows_total counter\n"
              "weighbridge_slot_version_rows_total{slot=\"champion\",version=\"1.0\",bundle=\"00000000000000ab\"} 8\n"
              "weighbridge_slot_version_rows_total{slot=\"champion\",version=\"1.0\",bundle=\"00000000000000ac\"} 1\n"
              "weighbridge_slot_version_rows_total{slot=\"odd\",version=\"a\\\"b\\\\c\\nd\",bundle="
              "\"0000000000000001\"} 1\n#"));
    const std::string latency = "weighbridge_slot_version_latency_seconds",
                      labels = "{slot=\"champion\",version=\"1.0\",bundle=\"00000000000000ab\"";
    CHECK(has(text, latency + "_bucket" + labels + ",le=\"5e-05\"} 1\n"));
    CHECK(has(text, latency + "_sum" + labels + "} 0.000040000\n" + latency + "_count" + labels + "} 1\n"));
    CHECK(has(text, "\nweighbridge_rows_total 0\n"));
}
