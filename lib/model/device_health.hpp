// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace weighbridge::lib {

// Whether a device answers. One that failed is left out, and tried again by one call a second. Thread-safe.
class DeviceHealth {
  public:
    static constexpr int64_t kPauseNs = 1'000'000'000;

    // Whether a call may go there, or may try one that is left out.
    bool is_due(int64_t now_ns) const { return now_ns >= retry_ns_.load(std::memory_order_relaxed); }
    // The same of the call that then goes there: of those that may try it one shall.
    bool may_try(int64_t now_ns) {
        int64_t retry_ns = retry_ns_.load(std::memory_order_relaxed);
        if (retry_ns == 0) [[likely]]
            return true;
        return now_ns >= retry_ns && retry_ns_.compare_exchange_strong(retry_ns, now_ns + kPauseNs);
    }
    // The device failed, or gave an answer. True where that is news.
    bool failed(int64_t now_ns) { return retry_ns_.exchange(now_ns + kPauseNs) == 0; }
    bool answered() { return retry_ns_.load(std::memory_order_relaxed) != 0 && retry_ns_.exchange(0) != 0; }

  private:
    std::atomic<int64_t> retry_ns_{0};  // 0 while it answers
};

}  // namespace weighbridge::lib
