// SPDX-License-Identifier: Apache-2.0
#include "base/fp_env.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#error "FpEnvironment knows the control registers of x86-64 and aarch64 only"
#endif

namespace weighbridge::lib {
namespace {

#if defined(__x86_64__)
// MXCSR (Intel SDM volume 1, 10.2.3): all six exceptions masked; nearest, FTZ and DAZ are zeroes. The lower six bits
// are the sticky flags.
constexpr uint32_t kMasked = 0x1F80;
constexpr uint32_t kFlags = 0x003F;

uint32_t read() { return _mm_getcsr(); }
void write(uint32_t control) { _mm_setcsr(control); }
uint32_t wanted(uint32_t saved) { return kMasked | (saved & kFlags); }
#else
// FPCR (Arm ARM C5.2.8): zero is nearest, no flush to zero, no traps, no alternative half precision. Its flags are in
// another register, FPSR.
uint32_t read() {
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return static_cast<uint32_t>(control);
}
void write(uint32_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(static_cast<uint64_t>(control)) : "memory"); }
uint32_t wanted(uint32_t) { return 0; }
#endif

}  // namespace

FpEnvironment::FpEnvironment() : saved_(read()) {
    if (saved_ != wanted(saved_)) write(wanted(saved_));
}

FpEnvironment::~FpEnvironment() { write(saved_); }

}  // namespace weighbridge::lib
