// SPDX-License-Identifier: Apache-2.0
#include "backend/native/level.hpp"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "backend/native/tables.hpp"

namespace weighbridge::lib::native {
namespace {

std::atomic<bool> amx_granted{false};

#if defined(__x86_64__)
struct Cpu {
    bool avx2 = false, avx512 = false, vnni = false, bf16 = false, amx = false;
};

constexpr bool bit(unsigned word, int index) { return word >> index & 1; }

// Bits as in Intel's SDM, volume 2A, CPUID, and volume 1, 13.3 (XCR0).
Cpu look() {
    Cpu cpu;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) return cpu;  // OSXSAVE
    const bool fma = bit(c, 12), avx = bit(c, 28);
    unsigned low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const bool ymm = (low & 0x6) == 0x6, zmm = ymm && (low & 0xE0) == 0xE0, tiles = (low & 0x60000) == 0x60000;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
    cpu.avx2 = ymm && avx && fma && bit(b, 5);
    cpu.avx512 = cpu.avx2 && zmm && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);  // F, DQ, BW, VL
    cpu.vnni = cpu.avx512 && bit(c, 11);
    const bool amx_bits = tiles && bit(d, 22) && bit(d, 24) && bit(d, 25);  // BF16, TILE, INT8
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) cpu.bf16 = cpu.vnni && bit(a, 5);
    cpu.amx = cpu.bf16 && amx_bits;
    return cpu;
}

const Cpu &cpu() {
    static const Cpu found = look();
    return found;
}
#endif

}  // namespace

const char *name_of(Level level) {
    constexpr const char *kNames[kLevels] = {"portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx"};
    return kNames[static_cast<int>(level)];
}

bool available(Level level) {
    if (level == Level::portable) return true;
#if defined(__x86_64__)
    switch (level) {
        case Level::portable:
            return true;
        case Level::avx2:
            return cpu().avx2;
        case Level::avx512:
            return cpu().avx512;
        case Level::avx512_vnni:
            return cpu().vnni;
        case Level::avx512_bf16:
            return cpu().bf16;
        case Level::amx:
            return cpu().amx && amx_granted.load(std::memory_order_acquire);
    }
#endif
    return false;
}

Level best_level(bool allow_amx) {
    for (int i = allow_amx ? kLevels - 1 : kLevels - 2; i > 0; --i)
        if (available(static_cast<Level>(i))) return static_cast<Level>(i);
    return Level::portable;
}

bool request_amx() {
#if defined(__x86_64__) && defined(SYS_arch_prctl)
    if (!cpu().amx) return false;
    if (amx_granted.load(std::memory_order_acquire)) return true;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0) return false;
    amx_granted.store(true, std::memory_order_release);
    return true;
#else
    return false;
#endif
}

const Kernels &kernels(Level level) {
#if defined(__x86_64__)
    switch (level) {
        case Level::portable:
            break;
        case Level::avx2:
            return avx2::table();
        case Level::avx512:
            return avx512::table();
        case Level::avx512_vnni:
            return avx512_vnni::table();
        case Level::avx512_bf16:
            return avx512_bf16::table();
        case Level::amx:
            return amx::table();
    }
#endif
    static_cast<void>(level);
    return portable::table();
}

}  // namespace weighbridge::lib::native
