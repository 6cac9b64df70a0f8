// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "errors.hpp"

namespace weighbridge::python {

// One thread at a time is in an object: another one is told WB_BUSY. Atomic, so that it holds without a GIL too.
// A mark of before a fork does not count in the child, whose thread that set it is gone.
class Mark {
  public:
    bool take() noexcept {
        const uint32_t now = epoch().load(std::memory_order_relaxed);
        uint32_t found = mark_.load(std::memory_order_relaxed);
        return found != now && mark_.compare_exchange_strong(found, now, std::memory_order_acquire);
    }
    void give_back() noexcept { mark_.store(0, std::memory_order_release); }

    // Counts forks from 1 on; registered once.
    static std::atomic<uint32_t> &epoch() noexcept;

  private:
    std::atomic<uint32_t> mark_{0};
};

class InUse {
  public:
    InUse(Mark &mark, const char *what) : mark_(mark) {
        if (!mark_.take()) fail(WB_BUSY, std::string(what) + ": in use by another thread");
    }
    ~InUse() { mark_.give_back(); }
    InUse(const InUse &) = delete;
    InUse &operator=(const InUse &) = delete;

  private:
    Mark &mark_;
};

}  // namespace weighbridge::python
