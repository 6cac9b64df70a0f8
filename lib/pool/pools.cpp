// SPDX-License-Identifier: Apache-2.0
#include "pool/pools.hpp"

#include <algorithm>

namespace weighbridge::lib {

Pools::Pools(std::span<const DeviceContexts> devices, uint32_t queue_limit, const Clock &clock, int64_t fairness_ns) {
    for (const DeviceContexts &of : devices) pools_.emplace_back(of, queue_limit, clock, fairness_ns);
}

int Pools::find(const Device &device) const {
    for (size_t i = 0; i < pools_.size(); ++i)
        if (pools_[i].device() == device) return static_cast<int>(i);
    return -1;
}

int Pools::contexts() const {
    int sum = 0;
    for (const Pool &pool : pools_) sum += pool.contexts();
    return sum;
}

uint32_t Pools::waiting() const {
    uint32_t sum = 0;
    for (const Pool &pool : pools_) sum += pool.waiting();
    return sum;
}

int64_t Pools::arena_bytes() const {
    int64_t sum = 0;
    for (const Pool &pool : pools_) sum += pool.arena_bytes();
    return sum;
}

bool Pools::has_replaced() const {
    return std::any_of(pools_.begin(), pools_.end(), [](const Pool &pool) { return pool.has_replaced(); });
}

void Pools::trim() {
    for (Pool &pool : pools_) pool.trim();
}

void Pools::refuse() {
    for (Pool &pool : pools_) pool.refuse();
}

Status Pools::drain(int64_t deadline_ns) {
    for (Pool &pool : pools_)
        if (Status status = pool.drain(deadline_ns); !status.ok()) return status;
    return {};
}

}  // namespace weighbridge::lib
