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

// The x87 control word as the ABI has it at the start of a process (System V ABI for AMD64, 3.4.1): extended precision,
// nearest, all exceptions masked.
constexpr uint16_t kX87 = 0x037F;

bool x87_is_default() {
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control == kX87;
}
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
#if defined(__x86_64__)
    x87_changed_ = !x87_is_default();
    if (x87_changed_) __asm__ volatile("fnstenv %0\n\tfldcw %1" : "=m"(x87_) : "m"(kX87));
#endif
}

FpEnvironment::~FpEnvironment() {
    write(saved_);
#if defined(__x86_64__)
    // The whole environment: a flag raised inside would trap the host where its control word asks for that.
    if (x87_changed_) __asm__ volatile("fldenv %0" : : "m"(x87_));
#endif
}

}  // namespace weighbridge::lib
