// SPDX-License-Identifier: Apache-2.0
#include "telemetry/counters.hpp"

#include <algorithm>

#include "base/thread_place.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void add(std::atomic<uint64_t> &counter, int64_t count) {
    if (count > 0) counter.fetch_add(static_cast<uint64_t>(count), kRelaxed);
}

}  // namespace

struct alignas(64) Counters::Shard {
    std::atomic<uint64_t> rows{0};
    std::atomic<uint64_t> fallbacks{0};
    std::atomic<uint64_t> overloaded{0};
    std::atomic<uint64_t> expired{0};
    std::atomic<uint64_t> invalid{0};
    std::atomic<uint64_t> failed{0};
    std::atomic<uint64_t> model_failures{0};
    std::atomic<uint64_t> latency_sum_ns{0};
    std::atomic<int64_t> latency_max_ns{0};
    std::array<std::atomic<uint64_t>, LatencyBuckets::kCount> latency{};
};

Counters::Counters(int bits) : bits_(bits) {
    for (size_t i = 0; i < size_t{1} << bits; ++i) shards_.push_back(std::make_unique<Shard>());
}

Counters::~Counters() = default;

void Counters::record(const CallRecord &call) {
    Shard &shard = *shards_[place_of_this_thread(bits_)];
    add(shard.rows, call.rows);
    add(shard.fallbacks, call.fallbacks);
    add(shard.invalid, call.invalid);
    add(shard.model_failures, call.model_failed);
    if (call.status == WB_OVERLOADED || call.reason == WB_REASON_OVERLOAD)
        shard.overloaded.fetch_add(1, kRelaxed);
    else if (call.status == WB_DEADLINE_EXCEEDED || call.reason == WB_REASON_DEADLINE)
        shard.expired.fetch_add(1, kRelaxed);
    else if ((call.status < 0 && call.status != WB_INVALID_INPUT && call.status != WB_CANCELLED) ||
             call.reason == WB_REASON_BACKEND)
        shard.failed.fetch_add(1, kRelaxed);
    int64_t latency_ns = std::max<int64_t>(call.latency_ns, 0);
    add(shard.latency_sum_ns, latency_ns);
    shard.latency[LatencyBuckets::index(latency_ns)].fetch_add(1, kRelaxed);
    int64_t longest = shard.latency_max_ns.load(kRelaxed);
    while (latency_ns > longest && !shard.latency_max_ns.compare_exchange_weak(longest, latency_ns, kRelaxed)) {
    }
}

uint64_t Counters::total(Counted what) const {
    constexpr std::atomic<uint64_t> Shard::*kMembers[kCounted] = {&Shard::fallbacks, &Shard::overloaded,
                                                                  &Shard::model_failures};
    uint64_t sum = 0;
    for (const auto &shard : shards_) sum += ((*shard).*kMembers[static_cast<size_t>(what)]).load(kRelaxed);
    return sum;
}

void Counters::add_to(Figures &figures) const {
    for (const auto &shard : shards_) {
        figures.rows += shard->rows.load(kRelaxed);
        figures.fallbacks += shard->fallbacks.load(kRelaxed);
        figures.overloaded += shard->overloaded.load(kRelaxed);
        figures.expired += shard->expired.load(kRelaxed);
        figures.invalid += shard->invalid.load(kRelaxed);
        figures.failed += shard->failed.load(kRelaxed);
        figures.latency_sum_ns += shard->latency_sum_ns.load(kRelaxed);
        figures.latency_max_ns = std::max(figures.latency_max_ns, shard->latency_max_ns.load(kRelaxed));
        for (size_t i = 0; i < figures.latency.size(); ++i) figures.latency[i] += shard->latency[i].load(kRelaxed);
    }
}

Figures &Figures::operator+=(const Figures &other) {
    rows += other.rows;
    fallbacks += other.fallbacks;
    overloaded += other.overloaded;
    expired += other.expired;
    invalid += other.invalid;
    failed += other.failed;
    latency_sum_ns += other.latency_sum_ns;
    latency_max_ns = std::max(latency_max_ns, other.latency_max_ns);
    for (size_t i = 0; i < latency.size(); ++i) latency[i] += other.latency[i];
    return *this;
}

uint64_t Figures::requests() const {
    uint64_t sum = 0;
    for (const uint64_t count : latency) sum += count;
    return sum;
}

int64_t Figures::latency_quantile_ns(uint64_t per_mille) const {
    return std::min(latency_quantile(latency, per_mille), latency_max_ns);
}

int64_t latency_quantile(const LatencyCounts &counts, uint64_t per_mille) {
    uint64_t total = 0;
    for (uint64_t count : counts) total += count;
    if (total == 0) return 0;
    const uint64_t rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;
    size_t i = 0;
    while (i + 1 < counts.size() && (seen += counts[i]) < rank) ++i;
    return (LatencyBuckets::least(i) + LatencyBuckets::least(i + 1) - 1) / 2;
}

}  // namespace weighbridge::lib
