// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

// Time as everything above reads it: nanoseconds of CLOCK_MONOTONIC. A test hands in its own.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual int64_t now_ns() const = 0;
};

// The machine's clock. Thread-safe, stateless.
const Clock &steady_clock();

}  // namespace weighbridge::lib
