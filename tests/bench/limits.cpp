// SPDX-License-Identifier: Apache-2.0
// The machine's floor: how long it takes to read so many hot bytes, and how many operations one core does, with
// loops that do nothing else, in the best instructions of this CPU (AMX left out, as it is in the library by default).
//   limits --stream BYTES   microseconds to read them once, by each of three read-only loops of 64 bytes
//   limits --peak           operations a nanosecond (a product and its sum are two), by precision
// Both print one line of JSON.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#if !defined(__x86_64__)
int main() {
    std::fprintf(stderr, "limits: expected x86-64\n");
    return 1;
}
#else
#include <cpuid.h>
#include <immintrin.h>

namespace {

double now_us() {
    using namespace std::chrono;
    return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

bool has_avx_vnni() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4) != 0;
}

// The loops. Each reads `bytes` bytes, a multiple of 1024, from `data`, aligned to 64, in lines of 64 bytes: straight
// on, straight on with a prefetch, or the four quarters side by side. What is read is xor-ed into registers of its own,
// in assembly, so that loads are what takes the time.
enum class Loop { plain, prefetched, streams };
constexpr const char *kLoopNames[] = {"plain", "prefetched", "streams"};
constexpr size_t kAhead = 1024;  // bytes that are prefetched ahead; 512 and 2048 are within noise on Zen 3
constexpr size_t kUnit = 1024;

__attribute__((always_inline)) inline void line_avx2(const char *at, int) {
    asm volatile("vpxor (%0), %%ymm0, %%ymm0\n\tvpxor 32(%0), %%ymm1, %%ymm1" : : "r"(at) : "xmm0", "xmm1", "memory");
}
__attribute__((always_inline)) inline void line_avx512(const char *at, int odd) {
    if (odd)
        asm volatile("vpxorq (%0), %%zmm0, %%zmm0" : : "r"(at) : "xmm0", "memory");
    else
        asm volatile("vpxorq (%0), %%zmm1, %%zmm1" : : "r"(at) : "xmm1", "memory");
}

template <void (*line)(const char *, int)>
void read(const char *data, size_t bytes, Loop loop) {
    const char *end = data + bytes;
    const size_t quarter = bytes / 4;
    switch (loop) {
        case Loop::plain:
            for (; data < end; data += 512)
#pragma GCC unroll 8
                for (int k = 0; k < 8; ++k) line(data + k * 64, k % 2);
            break;
        case Loop::prefetched:
            for (; data < end; data += 512)
#pragma GCC unroll 8
                for (int k = 0; k < 8; ++k) {
                    _mm_prefetch(data + k * 64 + kAhead, _MM_HINT_T0);
                    line(data + k * 64, k % 2);
                }
            break;
        case Loop::streams:
            for (end = data + quarter; data < end; data += 128)
#pragma GCC unroll 8
                for (int k = 0; k < 8; ++k) line(data + static_cast<size_t>(k / 2) * quarter + k % 2 * 64, k % 2);
            break;
    }
    asm volatile("vzeroupper");
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

int stream(size_t asked) {
    const size_t bytes = std::max<size_t>(asked / kUnit * kUnit, kUnit);
    auto *data = static_cast<char *>(std::aligned_alloc(4096, (bytes + kAhead + 4095) / 4096 * 4096));
    if (!data) return 1;
    std::memset(data, 1, bytes + kAhead);
    auto *one_pass = __builtin_cpu_supports("avx512f") ? read<line_avx512> : read<line_avx2>;
    constexpr int kRounds = 41;
    const int passes = static_cast<int>(std::max<size_t>(1, (size_t{16} << 20) / bytes));  // about 16 MB a sample
    std::vector<double> us[3];
    for (int round = 0; round < kRounds; ++round)
        for (int loop = 0; loop < 3; ++loop) {
            const double begin = now_us();
            for (int i = 0; i < passes; ++i) one_pass(data, bytes, static_cast<Loop>(loop));
            us[loop].push_back((now_us() - begin) / passes * static_cast<double>(asked) / static_cast<double>(bytes));
        }
    std::printf("{");
    for (int loop = 0; loop < 3; ++loop)
        std::printf("%s\"%s\": %.4f", loop ? ", " : "", kLoopNames[loop], median(us[loop]));
    std::printf("}\n");
    std::free(data);
    return 0;
}

// Register loops: twelve independent accumulators hide the latency; nothing is loaded. The registers are named in the
// assembly, and the kernel's own target flags are not needed.
constexpr int kTurns = 20000;
constexpr int kAccumulators = 12;

#define WB_SIX(ONE, P) ONE(P, 0) ONE(P, 1) ONE(P, 2) ONE(P, 3) ONE(P, 4) ONE(P, 5)
#define WB_TWELVE(ONE, P) WB_SIX(ONE, P) ONE(P, 6) ONE(P, 7) ONE(P, 8) ONE(P, 9) ONE(P, 10) ONE(P, 11)
#define WB_PEAK(NAME, BODY)                                                                                         \
    void NAME() {                                                                                                   \
        asm volatile("vpxor %%xmm14, %%xmm14, %%xmm14\n\tvpxor %%xmm15, %%xmm15, %%xmm15" : : : "xmm14", "xmm15");  \
        for (int turn = 0; turn < kTurns; ++turn)                                                                   \
            asm volatile(BODY                                                                                       \
                         :                                                                                          \
                         :                                                                                          \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                           "xmm11", "xmm12", "xmm13", "memory");                                                    \
        asm volatile("vzeroupper");                                                                                 \
    }
#define WB_FMA(P, I) "vfmadd231ps %%" P "mm14, %%" P "mm15, %%" P "mm" #I "\n\t"
#define WB_BF16(P, I) "vdpbf16ps %%" P "mm14, %%" P "mm15, %%" P "mm" #I "\n\t"
#define WB_VNNI(P, I) "vpdpbusd %%" P "mm14, %%" P "mm15, %%" P "mm" #I "\n\t"
#define WB_AVX_VNNI(P, I) "%{vex%} vpdpbusd %%" P "mm14, %%" P "mm15, %%" P "mm" #I "\n\t"
// Exact without VNNI: bytes multiplied and summed in pairs, twice, and added.
#define WB_PAIRS(P, I)                                      \
    "vpmaddubsw %%" P "mm14, %%" P "mm15, %%" P "mm1" #I    \
    "\n\t"                                                  \
    "vpmaddwd %%" P "mm15, %%" P "mm1" #I ", %%" P "mm1" #I \
    "\n\t"                                                  \
    "vpaddd %%" P "mm1" #I ", %%" P "mm" #I ", %%" P "mm" #I "\n\t"
#define WB_FOUR(ONE, P) ONE(P, 0) ONE(P, 1) ONE(P, 2) ONE(P, 3)

WB_PEAK(fma_avx2, WB_TWELVE(WB_FMA, "y"))
WB_PEAK(fma_avx512, WB_TWELVE(WB_FMA, "z"))
WB_PEAK(bf16_avx512, WB_TWELVE(WB_BF16, "z"))
WB_PEAK(int8_avx512, WB_TWELVE(WB_VNNI, "z"))
WB_PEAK(int8_avx_vnni, WB_TWELVE(WB_AVX_VNNI, "y"))
WB_PEAK(int8_avx2, WB_FOUR(WB_PAIRS, "y") WB_FOUR(WB_PAIRS, "y") WB_FOUR(WB_PAIRS, "y"))
WB_PEAK(int8_avx512bw, WB_FOUR(WB_PAIRS, "z") WB_FOUR(WB_PAIRS, "z") WB_FOUR(WB_PAIRS, "z"))

// Operations a nanosecond: the best of many short samples, since what disturbs only ever takes time.
double rate(void (*loop)(), int products) {
    double best = 0;
    for (int sample = 0; sample < 2000; ++sample) {
        const double begin = now_us();
        loop();
        best = std::max(best, 2.0 * kTurns * kAccumulators * products / ((now_us() - begin) * 1000));
    }
    return best;
}

int peak() {
    const bool wide = __builtin_cpu_supports("avx512f");
    std::printf("{\"fp32\": %.2f", wide ? rate(fma_avx512, 16) : rate(fma_avx2, 8));
    if (__builtin_cpu_supports("avx512bf16")) std::printf(", \"bf16\": %.2f", rate(bf16_avx512, 32));
    double int8 = 0;
    if (wide && __builtin_cpu_supports("avx512vnni"))
        int8 = rate(int8_avx512, 64);
    else if (has_avx_vnni())
        int8 = rate(int8_avx_vnni, 32);
    else if (wide && __builtin_cpu_supports("avx512bw"))
        int8 = rate(int8_avx512bw, 64);
    else
        int8 = rate(int8_avx2, 32);
    std::printf(", \"int8\": %.2f}\n", int8);
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        std::fprintf(stderr, "limits: expected a CPU with AVX2 and FMA\n");
        return 1;
    }
    if (argc == 2 && std::string(argv[1]) == "--peak") return peak();
    if (argc == 3 && std::string(argv[1]) == "--stream") return stream(std::strtoull(argv[2], nullptr, 10));
    std::fprintf(stderr, "usage: limits --peak | --stream BYTES\n");
    return 2;
}
#endif
