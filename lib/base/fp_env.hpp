// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::lib {

// While it lives, this thread rounds to nearest, keeps denormals and masks floating-point exceptions, whatever the host
// has set; then the host's control bits come back (its sticky status flags are left as they were).
class FpEnvironment {
  public:
    FpEnvironment();
    ~FpEnvironment();
    FpEnvironment(const FpEnvironment &) = delete;
    FpEnvironment &operator=(const FpEnvironment &) = delete;

  private:
    uint32_t saved_;
};

}  // namespace weighbridge::lib
