// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "base/clock.hpp"
#include "base/ref.hpp"
#include "model/device_health.hpp"
#include "pool/pools.hpp"
#include "telemetry/counters.hpp"
#include "telemetry/events.hpp"

namespace weighbridge::lib {

class Model;

// Whether single rows that wait for one model run together, where its program gains by that, and how long who runs
// some of them waits for more.
struct JoiningOptions {
    bool rows = true;
    int64_t wait_ns = 0;
};

// What every model and slot of an engine shares.
class Runtime final : public RefCounted {
  public:
    // `devices`: what it has contexts of, the CPU first.
    Runtime(std::span<const DeviceContexts> devices, uint32_t queue_limit, int64_t fairness_ns, const Clock &time,
            uint32_t event_capacity, wb_log_fn log, void *payload, JoiningOptions how = {})
        : pools(devices, queue_limit, time, fairness_ns),
          health(std::make_unique<DeviceHealth[]>(devices.size())),
          clock(time),
          events(event_capacity, time, log, payload),
          joining(how) {}
    ~Runtime() override;

    // Takes a model that nobody owns any more; reap() destroys it, or, once the engine is gone, this call. Lock-free.
    void retire_model(Model *model);
    // Destroys retired models and frees memory of contexts that larger memory has replaced. Not for scoring threads:
    // takes as long as the destructors do.
    void reap();
    // Whether reap() or the log callback has something to do.
    bool has_upkeep();
    // The engine is going: nobody will call reap() again.
    void close();

    Pools pools;
    const std::unique_ptr<DeviceHealth[]> health;  // by device, as in pools
    const Clock &clock;
    Account account;  // of calls that name a model, not a slot
    EventLog events;
    std::atomic<uint32_t> models{0};
    const JoiningOptions joining;
    std::atomic<uint64_t> joined_rows{0};  // that a run had with others

  private:
    void destroy_retired();
    std::atomic<Model *> retired_{nullptr};
    std::atomic<bool> closed_{false};
};

}  // namespace weighbridge::lib
