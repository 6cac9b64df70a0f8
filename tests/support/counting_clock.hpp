// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "base/cancel.hpp"

namespace weighbridge::test {

// A clock that goes on by one each time that it is read: a deadline of n ends what polls it at its n-th check point.
class CountingClock final : public lib::Clock {
  public:
    int64_t now_ns() const override { return ++reads_; }
    int64_t reads() const { return reads_; }

    // A stop at the check point `n` from here on.
    lib::StopSource stop_at(int64_t n) const { return {this, nullptr, reads_ + n}; }

  private:
    mutable std::atomic<int64_t> reads_{0};
};

}  // namespace weighbridge::test
