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

// The outcome of one call, as its thread records it.
struct CallRecord {
    int32_t status = WB_OK;     // of the call
    int32_t reason = 0;         // WB_REASON_* of a fallback
    int64_t rows = 0;           // scored by a model
    int64_t fallbacks = 0;      // rows answered by a fallback
    int64_t invalid = 0;        // rows refused
    int64_t latency_ns = 0;     // entry to return
    bool model_failed = false;  // on at least one row
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
    LatencyCounts latency{};  // one count a call

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

// What is counted and reported by rate-limited events.
enum class Counted { fallbacks, overloaded, model_failures };
constexpr size_t kCounted = 3;

// Sharded counters and latency histogram of calls: threads write different cache lines. record() neither locks nor
// allocates and takes at most 100 ns; buckets are at most 1.6 % wide.
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

// Counters of one bundle in one slot; with neither name, of all models outside slots. Each call counts in one account.
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
    static constexpr int kSlotBits = 3;  // as many shards as a slot's reader lock has

    struct Told {
        std::atomic<int64_t> at_ns{INT64_MIN};
        uint64_t total = 0;
    };
    std::array<Told, kCounted> told_;  // last event of each Counted; written under the event log's mutex
    Ref<Account> next_fading_;         // link of the ledger's list, guarded by its mutex
};

}  // namespace weighbridge::lib
