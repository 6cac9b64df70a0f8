// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ref.hpp"
#include "telemetry/histogram.hpp"
#include "weighbridge/c/engine.h"

namespace weighbridge::lib {

// What one call did; written inline by the thread that did it.
struct CallRecord {
    int32_t status = WB_OK;     // of the call
    int32_t reason = 0;         // WB_REASON_* of a fallback
    int64_t rows = 0;           // scored by a model
    int64_t fallbacks = 0;      // rows answered by a fallback
    int64_t invalid = 0;        // rows refused
    int64_t latency_ns = 0;     // entry to return
    bool model_failed = false;  // on a row at least
};

// Sums of calls.
struct Figures {
    uint64_t rows = 0;
    uint64_t fallbacks = 0;
    uint64_t overloaded = 0;
    uint64_t expired = 0;
    uint64_t invalid = 0;
    uint64_t failed = 0;
    uint64_t latency_sum_ns = 0;
    int64_t latency_max_ns = 0;
    LatencyCounts latency{};  // every call once

    Figures &operator+=(const Figures &other);
    uint64_t requests() const;
    int64_t latency_quantile_ns(uint64_t per_mille) const;  // never above the maximum
};

// Writes figures to a struct that names them as wb_snapshot does.
template <class T>
void write_figures(T &out, const Figures &figures) {
    out.requests = figures.requests();
    out.rows = figures.rows;
    out.fallbacks = figures.fallbacks;
    out.overloaded = figures.overloaded;
    out.expired = figures.expired;
    out.invalid = figures.invalid;
    out.failed = figures.failed;
    out.latency_p50_ns = figures.latency_quantile_ns(500);
    out.latency_p90_ns = figures.latency_quantile_ns(900);
    out.latency_p99_ns = figures.latency_quantile_ns(990);
    out.latency_p999_ns = figures.latency_quantile_ns(999);
    out.latency_max_ns = figures.latency_max_ns;
}

// What rate-limited events tell of.
enum class Counted { fallbacks, overloaded, model_failures };
constexpr size_t kCounted = 3;

// Counters and latency histograms of calls, sharded so that threads do not share cache lines; record() takes at most
// 100 ns and neither locks nor allocates. Histogram buckets are at most 1.6 % wide.
class Counters {
  public:
    // 2^bits shards of 16 KB, bits in [1, 16].
    explicit Counters(int bits);
    ~Counters();
    void record(const CallRecord &call);
    uint64_t total(Counted what) const;
    void add_to(Figures &figures) const;

  private:
    struct Shard;
    const int bits_;
    std::vector<std::unique_ptr<Shard>> shards_;
};

// What was done in one slot by one bundle, or, with neither name, by models that are scored by themselves. Each call
// is counted in one account.
class Account final : public RefCounted {
  public:
    Account() : counters(kEngineBits) {}
    Account(std::string of_slot, std::string of_version)
        : slot(std::move(of_slot)), version(std::move(of_version)), counters(kSlotBits) {}

    const std::string slot, version;
    Counters counters;

  private:
    friend class EventLog;
    friend class Ledger;
    static constexpr int kEngineBits = 4;
    static constexpr int kSlotBits = 3;  // as many as a slot has locks for its readers

    struct Told {
        std::atomic<int64_t> at_ns{INT64_MIN};
        uint64_t total = 0;
    };
    std::array<Told, kCounted> told_;  // by Counted; written under the event log's mutex
    Ref<Account> next_fading_;         // of the slot's ledger, and guarded by its mutex
};

}  // namespace weighbridge::lib
