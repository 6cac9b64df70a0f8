// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

// While it lives, this thread rounds to nearest, keeps denormals and masks floating-point exceptions, whatever the host
// has set; then the host's control bits come back. On x86-64 that is both units: MXCSR, and the x87 control word, by
// which libc's decimal conversions round and feenableexcept() traps. The host's sticky status flags are left as they
// were, but for those of x87 where its control word is the default: nothing of this library computes there.
class FpEnvironment {
  public:
    FpEnvironment();
    ~FpEnvironment();
    FpEnvironment(const FpEnvironment &) = delete;
    FpEnvironment &operator=(const FpEnvironment &) = delete;

  private:
    uint32_t saved_;
#if defined(__x86_64__)
    bool x87_changed_;
    uint32_t x87_[7];  // as fnstenv writes it, where x87_changed_
#endif
};

}  // namespace weighbridge::lib
