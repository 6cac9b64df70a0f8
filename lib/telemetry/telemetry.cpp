// SPDX-License-Identifier: Apache-2.0
#include "telemetry/telemetry.hpp"

#include <algorithm>

#include "base/format.hpp"
#include "base/thread_place.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {
namespace {

constexpr int kShardBits = 4;

void add(std::atomic<uint64_t> &counter, int64_t count) {
    if (count > 0) counter.fetch_add(static_cast<uint64_t>(count), std::memory_order_relaxed);
}

}  // namespace

struct alignas(64) Telemetry::Shard {
    std::atomic<uint64_t> rows{0};
    std::atomic<uint64_t> fallbacks{0};
    std::atomic<uint64_t> overloaded{0};
    std::atomic<uint64_t> expired{0};
    std::atomic<uint64_t> invalid{0};
    std::atomic<uint64_t> failed{0};
    std::atomic<uint64_t> latency_sum_ns{0};
    std::atomic<int64_t> latency_max_ns{0};
    std::array<std::atomic<uint64_t>, LatencyBuckets::kCount> latency{};  // every request once
};

Telemetry::Telemetry() {
    for (size_t i = 0; i < size_t{1} << kShardBits; ++i) shards_.push_back(std::make_unique<Shard>());
}

Telemetry::~Telemetry() = default;

void Telemetry::record(const CallRecord &call) {
    Shard &shard = *shards_[place_of_this_thread(kShardBits)];
    constexpr auto relaxed = std::memory_order_relaxed;
    add(shard.rows, call.rows);
    add(shard.fallbacks, call.fallbacks);
    add(shard.invalid, call.invalid);
    if (call.status == WB_OVERLOADED || call.reason == WB_REASON_OVERLOAD)
        shard.overloaded.fetch_add(1, relaxed);
    else if (call.status == WB_DEADLINE_EXCEEDED || call.reason == WB_REASON_DEADLINE)
        shard.expired.fetch_add(1, relaxed);
    else if ((call.status < 0 && call.status != WB_INVALID_INPUT) || call.reason == WB_REASON_BACKEND)
        shard.failed.fetch_add(1, relaxed);
    int64_t latency_ns = std::max<int64_t>(call.latency_ns, 0);
    add(shard.latency_sum_ns, latency_ns);
    shard.latency[LatencyBuckets::index(latency_ns)].fetch_add(1, relaxed);
    int64_t longest = shard.latency_max_ns.load(relaxed);
    while (latency_ns > longest && !shard.latency_max_ns.compare_exchange_weak(longest, latency_ns, relaxed)) {
    }
}

void Telemetry::count_swap() { swaps_.fetch_add(1, std::memory_order_relaxed); }

int64_t latency_quantile(const LatencyCounts &counts, uint64_t per_mille) {
    uint64_t total = 0;
    for (uint64_t count : counts) total += count;
    if (total == 0) return 0;
    uint64_t wanted = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;
    size_t i = 0;
    while (i + 1 < counts.size() && (seen += counts[i]) < wanted) ++i;
    return (LatencyBuckets::least(i) + LatencyBuckets::least(i + 1) - 1) / 2;
}

uint64_t Telemetry::merge(LatencyCounts &counts) const {
    constexpr auto relaxed = std::memory_order_relaxed;
    counts.fill(0);
    uint64_t sum_ns = 0;
    for (const auto &shard : shards_) {
        sum_ns += shard->latency_sum_ns.load(relaxed);
        for (size_t i = 0; i < counts.size(); ++i) counts[i] += shard->latency[i].load(relaxed);
    }
    return sum_ns;
}

void Telemetry::read(wb_snapshot &out) const {
    constexpr auto relaxed = std::memory_order_relaxed;
    out.requests = out.rows = out.fallbacks = out.overloaded = out.expired = out.invalid = out.failed = 0;
    out.latency_max_ns = 0;
    for (const auto &shard : shards_) {
        out.rows += shard->rows.load(relaxed);
        out.fallbacks += shard->fallbacks.load(relaxed);
        out.overloaded += shard->overloaded.load(relaxed);
        out.expired += shard->expired.load(relaxed);
        out.invalid += shard->invalid.load(relaxed);
        out.failed += shard->failed.load(relaxed);
        out.latency_max_ns = std::max(out.latency_max_ns, shard->latency_max_ns.load(relaxed));
    }
    out.swaps = swaps_.load(relaxed);
    auto counts = std::make_unique<LatencyCounts>();
    merge(*counts);
    for (uint64_t count : *counts) out.requests += count;
    auto quantile = [&](uint64_t per_mille) {
        return std::min(latency_quantile(*counts, per_mille), out.latency_max_ns);
    };
    out.latency_p50_ns = quantile(500);
    out.latency_p90_ns = quantile(900);
    out.latency_p99_ns = quantile(990);
    out.latency_p999_ns = quantile(999);
}

namespace {

struct Metric {
    const char *name, *type, *help;
    uint64_t value;
};

void write_metric(std::string &text, const Metric &metric) {
    text += formatted("# HELP {} {}\n# TYPE {} {}\n{} {}\n", metric.name, metric.help, metric.name, metric.type,
                      metric.name, metric.value);
}

struct Bound {
    const char *seconds;
    int64_t ns;
};

// 1, 2.5, 5 a decade from 10 us (a small MLP's row) to 10 s.
constexpr Bound kBounds[] = {
    {"1e-05", 10'000},     {"2.5e-05", 25'000},    {"5e-05", 50'000},     {"0.0001", 100'000},    {"0.00025", 250'000},
    {"0.0005", 500'000},   {"0.001", 1'000'000},   {"0.0025", 2'500'000}, {"0.005", 5'000'000},   {"0.01", 10'000'000},
    {"0.025", 25'000'000}, {"0.05", 50'000'000},   {"0.1", 100'000'000},  {"0.25", 250'000'000},  {"0.5", 500'000'000},
    {"1", 1'000'000'000},  {"2.5", 2'500'000'000}, {"5", 5'000'000'000},  {"10", 10'000'000'000},
};

// A bucket of ours that straddles a bound counts above it: at most 1.6 % off, and never too good.
void write_latency(std::string &text, const LatencyCounts &counts, uint64_t sum_ns) {
    constexpr const char *kName = "weighbridge_latency_seconds";
    text += formatted("# HELP {} Latency of calls from entry to return.\n# TYPE {} histogram\n", kName, kName);
    uint64_t seen = 0;
    size_t next = 0;
    for (const Bound &bound : kBounds) {
        for (; next < counts.size() && LatencyBuckets::least(next + 1) - 1 <= bound.ns; ++next) seen += counts[next];
        text += formatted("{}_bucket{{le=\"{}\"}} {}\n", kName, bound.seconds, seen);
    }
    for (; next < counts.size(); ++next) seen += counts[next];
    text += formatted("{}_bucket{{le=\"+Inf\"}} {}\n", kName, seen);
    text += formatted("{}_sum {}.{:09}\n", kName, sum_ns / 1'000'000'000, sum_ns % 1'000'000'000);
    text += formatted("{}_count {}\n", kName, seen);
}

}  // namespace

std::string Telemetry::prometheus(const wb_snapshot &gauges) const {
    const Metric metrics[] = {
        {"weighbridge_contexts", "gauge", "Contexts of the pool.", gauges.contexts},
        {"weighbridge_waiting", "gauge", "Requests that wait for a context.", gauges.waiting},
        {"weighbridge_models", "gauge", "Models loaded.", gauges.models},
        {"weighbridge_requests_total", "counter", "Calls that were answered or failed.", gauges.requests},
        {"weighbridge_rows_total", "counter", "Rows scored by a model.", gauges.rows},
        {"weighbridge_fallback_rows_total", "counter", "Rows answered by a fallback.", gauges.fallbacks},
        {"weighbridge_overloaded_total", "counter", "Calls shed.", gauges.overloaded},
        {"weighbridge_expired_total", "counter", "Calls that met their deadline without a model's answer.",
         gauges.expired},
        {"weighbridge_invalid_rows_total", "counter", "Rows refused for their values.", gauges.invalid},
        {"weighbridge_failed_total", "counter", "Calls that failed otherwise.", gauges.failed},
        {"weighbridge_swaps_total", "counter", "Swaps of a slot's model.", gauges.swaps},
    };
    std::string text;
    for (const Metric &metric : metrics) write_metric(text, metric);
    auto counts = std::make_unique<LatencyCounts>();
    uint64_t sum_ns = merge(*counts);
    write_latency(text, *counts, sum_ns);
    return text;
}

}  // namespace weighbridge::lib
