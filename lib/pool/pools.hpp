// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <span>

#include "pool/pool.hpp"

namespace weighbridge::lib {

// The pools of an engine, one a device, the CPU's first: a device's number, as results name it, is its place here. The
// list is constant; thread-safe.
class Pools {
  public:
    // `devices`: at least one. `queue_limit`: of each pool.
    Pools(std::span<const DeviceContexts> devices, uint32_t queue_limit, const Clock &clock,
          int64_t fairness_ns = Pool::kFairnessNs);

    Pool &cpu() { return pools_.front(); }
    Pool &operator[](int device) { return pools_[static_cast<size_t>(device)]; }
    int find(const Device &device) const;  // its number; -1 where there is no such pool

    // Of all of them together.
    int contexts() const;
    uint32_t waiting() const;
    int64_t arena_bytes() const;
    bool has_replaced() const;
    void trim();
    void refuse();
    Status drain(int64_t deadline_ns);

  private:
    std::deque<Pool> pools_;  // which do not move
};

}  // namespace weighbridge::lib
