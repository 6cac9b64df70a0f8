// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/histogram.hpp"
#include "weighbridge/c/engine.h"

namespace weighbridge::lib {

// What one call did; written inline by the thread that did it.
struct CallRecord {
    int32_t status = WB_OK;  // of the call
    int32_t reason = 0;      // WB_REASON_* of a fallback
    int64_t rows = 0;        // scored by a model
    int64_t fallbacks = 0;   // rows answered by a fallback
    int64_t invalid = 0;     // rows refused
    int64_t latency_ns = 0;  // entry to return
};

// Counters and latency histograms, sharded so that threads do not share cache lines; record() takes at most 100 ns and
// neither locks nor allocates. Histogram buckets are at most 3 % wide.
class Telemetry {
  public:
    Telemetry();
    ~Telemetry();
    void record(const CallRecord &call);
    void count_swap();
    // Fills the counters; contexts, waiting and models are the engine's.
    void read(wb_snapshot &out) const;
    // Prometheus text (exposition format 0.0.4) of a snapshot that read() filled, with the latency as a histogram (le
    // buckets in seconds).
    std::string prometheus(const wb_snapshot &gauges) const;

  private:
    struct Shard;
    uint64_t merge(LatencyCounts &counts) const;  // over all shards; returns the sum of latencies in ns

    std::vector<std::unique_ptr<Shard>> shards_;
    std::atomic<uint64_t> swaps_{0};
};

// Delivers events to the host's callback, outside any lock. Rate-limited events are counted and told at most once a
// second each, with their count.
class Logger {
  public:
    Logger(wb_log_fn fn, void *payload) : fn_(fn), payload_(payload) {}
    bool enabled() const { return fn_ != nullptr; }
    void event(int32_t event, const char *message) const;
    // Counts one `event`, an index below 8, and delivers "<count> <what>" if a second has passed since it was last
    // told, followed by ": <latest>" where that is not empty. `what` is static text. Lock-free.
    void limited(int32_t event, const char *what, int64_t now_ns, const char *latest = "");
    // Delivers counts that are still untold, where a second has passed since the event was last told. Called by
    // maintain().
    void flush(int64_t now_ns);

  private:
    struct Limit;
    void tell(int32_t event, Limit &limit, int64_t now_ns, const char *latest) const;

    struct Limit {
        std::atomic<uint64_t> count{0};
        std::atomic<int64_t> told_ns{INT64_MIN};
        std::atomic<const char *> what{nullptr};
    };
    wb_log_fn fn_;
    void *payload_;
    std::array<Limit, 8> limits_;
};

}  // namespace weighbridge::lib
