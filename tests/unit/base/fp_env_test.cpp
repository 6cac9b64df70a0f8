// SPDX-License-Identifier: Apache-2.0
#include "base/fp_env.hpp"

#include "support/catch.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>

namespace {

using weighbridge::lib::FpEnvironment;

// The host's control bits, put back whatever the test does.
class HostControl {
  public:
    explicit HostControl(unsigned control) : before_(_mm_getcsr()) { _mm_setcsr(control); }
    ~HostControl() { _mm_setcsr(before_); }

  private:
    unsigned before_;
};

double half_of(double x) {
    volatile double y = x;
    return y * 0.5;
}

TEST_CASE("a host that flushes denormals to zero gets them inside, and its own setting back", "[fp_env]") {
    constexpr unsigned flush = 0x8000 | 0x0040;  // FTZ, DAZ
    HostControl host(0x1F80 | flush);
    REQUIRE(half_of(4e-320) == 0);
    {
        FpEnvironment inside;
        REQUIRE(half_of(4e-320) > 0);
    }
    REQUIRE((_mm_getcsr() & flush) == flush);
    REQUIRE(half_of(4e-320) == 0);
}

TEST_CASE("a host that rounds upwards gets nearest inside", "[fp_env]") {
    HostControl host(0x1F80 | 0x4000);
    volatile double one = 1.0, tiny = 1e-30;
    REQUIRE(one + tiny > 1.0);
    {
        FpEnvironment inside;
        REQUIRE(one + tiny == 1.0);
    }
    REQUIRE(one + tiny > 1.0);
}

TEST_CASE("a host that traps on division by zero is not trapped inside", "[fp_env]") {
    HostControl host(0x1F80 & ~0x0200U);
    {
        FpEnvironment inside;
        volatile double zero = 0.0;
        REQUIRE(1.0 / zero > 1e308);
    }
    REQUIRE((_mm_getcsr() & 0x0200) == 0);
}

TEST_CASE("sticky flags raised inside do not reach the host", "[fp_env]") {
    HostControl host(0x1F80);
    {
        FpEnvironment inside;
        volatile double zero = 0.0;
        volatile double infinite = 1.0 / zero;
        (void)infinite;
    }
    REQUIRE((_mm_getcsr() & 0x3F) == 0);
}

TEST_CASE("environments nest", "[fp_env]") {
    HostControl host(0x1F80 | 0x8000);
    {
        FpEnvironment outer;
        { FpEnvironment inner; }
        REQUIRE((_mm_getcsr() & 0x8000) == 0);
    }
    REQUIRE((_mm_getcsr() & 0x8000) != 0);
}

}  // namespace
#endif
