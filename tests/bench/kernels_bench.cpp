// SPDX-License-Identifier: Apache-2.0
// Speed of the native kernels of one CPU level on one core:  kernels_bench [LEVEL] [ROUNDS] [NAME]
// Every case runs once a round, next to a loop of register FMAs and reads, so that both see the same machine; medians.
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "backend/native/kernels.hpp"

namespace {

namespace native = weighbridge::lib::native;
namespace lib = weighbridge::lib;
using lib::Activation;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Twelve independent accumulators; in assembly, because gcc makes one of accumulators that are alike.
#define WB_FMA(P, I) "vfmadd231ps %%" P "mm14, %%" P "mm15, %%" P "mm" #I "\n\t"
#define WB_TWELVE(P) \
    WB_FMA(P, 0)     \
    WB_FMA(P, 1)     \
    WB_FMA(P, 2)     \
    WB_FMA(P, 3)     \
    WB_FMA(P, 4) WB_FMA(P, 5) WB_FMA(P, 6) WB_FMA(P, 7) WB_FMA(P, 8) WB_FMA(P, 9) WB_FMA(P, 10) WB_FMA(P, 11)
#define WB_FMA_LOOP(NAME, P)                                                                                        \
    void NAME(int64_t steps) {                                                                                      \
        asm volatile("vpxor %%xmm14, %%xmm14, %%xmm14\n\tvpxor %%xmm15, %%xmm15, %%xmm15" : : : "xmm14", "xmm15");  \
        for (int64_t i = 0; i < steps; ++i)                                                                         \
            asm volatile(WB_TWELVE(P)                                                                               \
                         :                                                                                          \
                         :                                                                                          \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                           "xmm11");                                                                                \
        asm volatile("vzeroupper");                                                                                 \
    }
WB_FMA_LOOP(fma_loop, "y")
WB_FMA_LOOP(fma_loop_512, "z")

// Reads everything once, four registers a step.
__attribute__((target("avx2"))) int read_loop(const char *p, int64_t bytes) {
    __m256i sum[4] = {};
    for (int64_t i = 0; i + 256 <= bytes; i += 256)
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j)
            sum[j % 4] =
                _mm256_xor_si256(sum[j % 4], _mm256_load_si256(reinterpret_cast<const __m256i *>(p + i + 32 * j)));
    __m256i all = _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3]));
    return _mm256_extract_epi32(all, 0);
}

volatile float sink;

// 64-byte aligned storage that lives as long as the program.
template <class T>
T *storage(int64_t count) {
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 4095) / 4096 * 4096 + 4096;
    void *p = std::aligned_alloc(4096, bytes);
    std::memset(p, 0, bytes);
    return static_cast<T *>(p);
}

float *normals(int64_t count, float scale = 1) {
    static std::mt19937 random(5);
    std::normal_distribution<float> normal;
    auto *x = storage<float>(count);
    for (int64_t i = 0; i < count; ++i) x[i] = normal(random) * scale;
    return x;
}

struct Case {
    std::string name, unit;
    double work;  // of one call, in units that the line prints per nanosecond (or bytes)
    std::function<void()> call;
    std::vector<double> seconds;
};

struct F32Layer {
    native::LinearF32 layer;
    int64_t bytes;
};
F32Layer f32(int64_t rows, int64_t k, int64_t n, Activation activation = Activation::none) {
    float *panels = normals(lib::panel_elements_f32(n, k), 0.05f);
    return {{normals(rows * k),
             k,
             rows,
             k,
             panels,
             n,
             normals(lib::panel_columns(n)),
             {activation, 0, nullptr, 0},
             storage<float>(rows * n),
             n},
            lib::panel_elements_f32(n, k) * 4};
}
native::LinearI8 i8(int64_t rows, int64_t k, int64_t n, Activation activation = Activation::none) {
    auto *x = storage<uint8_t>(rows * k);
    auto *panels = storage<int8_t>(lib::panel_elements_i8(n, k));
    for (int64_t i = 0; i < rows * k; ++i) x[i] = static_cast<uint8_t>(i * 37);
    for (int64_t i = 0; i < lib::panel_elements_i8(n, k); ++i) panels[i] = static_cast<int8_t>(i * 91 % 64);
    return {x,
            k,
            normals(rows),
            rows,
            k,
            panels,
            true,
            n,
            normals(lib::panel_columns(n)),
            storage<int32_t>(lib::panel_columns(n)),
            normals(lib::panel_columns(n)),
            {activation, 0, nullptr, 0},
            storage<float>(rows * n),
            n};
}

double median(std::vector<double> x) {
    std::sort(x.begin(), x.end());
    return x[x.size() / 2];
}

}  // namespace

int main(int argc, char **argv) {
    auto level = native::best_level(false);
    for (int i = 0; argc > 1 && i < native::kLevels; ++i)
        if (std::string(argv[1]) == native::name_of(static_cast<native::Level>(i)))
            level = static_cast<native::Level>(i);
    if (level == native::Level::amx) native::request_amx();
    if (!native::available(level)) return std::printf("this CPU lacks %s\n", native::name_of(level)), 1;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 41;
    const native::Kernels &kernels = native::kernels(level);
    const bool wide = level >= native::Level::avx512;
    std::vector<Case> cases;
    const std::string only = argc > 3 ? argv[3] : "";  // cases whose name holds it
    auto add = [&](std::string name, std::string unit, double work, std::function<void()> call) {
        if (!cases.empty() && name.find(only) == std::string::npos) return;
        cases.push_back({std::move(name), std::move(unit), work, std::move(call), {}});
    };

    constexpr int64_t kSteps = 20000;
    add("register FMA loop", "GFLOP/s", static_cast<double>(kSteps * 12 * (wide ? 32 : 16)),
        [=] { wide ? fma_loop_512(kSteps) : fma_loop(kSteps); });
    for (int64_t rows : {4, 6, 12, 34, 128})
        for (int64_t k : {256, 1024})
            for (int64_t n : {256, 1024}) {
                auto l = f32(rows, k, n).layer;
                add("fp32 " + std::to_string(rows) + " x " + std::to_string(k) + " x " + std::to_string(n), "GFLOP/s",
                    2.0 * static_cast<double>(rows * k * n), [=, &kernels] { kernels.linear_f32(l); });
            }
    for (int64_t rows : {34, 128}) {
        auto l = f32(rows, 256, 1024, Activation::gelu).layer;
        add("fp32 " + std::to_string(rows) + " x 256 x 1024 gelu", "GFLOP/s",
            2.0 * static_cast<double>(rows * 256 * 1024), [=, &kernels] { kernels.linear_f32(l); });
        auto m = i8(rows, 256, 1024);
        add("int8 " + std::to_string(rows) + " x 256 x 1024", "GOP/s", 2.0 * static_cast<double>(rows * 256 * 1024),
            [=, &kernels] { kernels.linear_i8(m); });
        auto o = i8(rows, 1024, 256);
        add("int8 " + std::to_string(rows) + " x 1024 x 256", "GOP/s", 2.0 * static_cast<double>(rows * 256 * 1024),
            [=, &kernels] { kernels.linear_i8(o); });
    }
    // Streaming: an MLP of 320-512-256-128-1, one row; its bytes lie one after the other.
    const int64_t widths[] = {320, 512, 256, 128, 1};
    for (int64_t rows : {1, 2, 3, 64}) {
        std::vector<native::LinearF32> layers;
        std::vector<native::LinearI8> bytes;
        int64_t size = 0;
        for (int i = 0; i < 4; ++i) {
            auto l = f32(rows, widths[i], widths[i + 1], i < 3 ? Activation::relu : Activation::none);
            layers.push_back(l.layer);
            bytes.push_back(i8(rows, widths[i], widths[i + 1], i < 3 ? Activation::relu : Activation::none));
            size += l.bytes;
        }
        add("MLP fp32, rows " + std::to_string(rows), "GB/s of weights", static_cast<double>(size), [=, &kernels] {
            for (const auto &l : layers) kernels.linear_f32(l);
        });
        add("MLP int8, rows " + std::to_string(rows), "GB/s of weights", static_cast<double>(size) / 4, [=, &kernels] {
            for (const auto &l : bytes) kernels.linear_i8(l);
        });
        if (rows == 1) {
            add("read loop, the same fp32 bytes", "GB/s of weights", static_cast<double>(size), [=] {
                for (const auto &l : layers)
                    sink = static_cast<float>(
                        read_loop(reinterpret_cast<const char *>(l.panels), lib::panel_elements_f32(l.n, l.k) * 4));
            });
            for (size_t i = 0; i < 4; ++i) {
                auto l = layers[i];
                const double b = static_cast<double>(lib::panel_elements_f32(l.n, l.k)) * 4;
                add("  layer " + std::to_string(widths[i]) + " x " + std::to_string(widths[i + 1]), "GB/s of weights",
                    b, [=, &kernels] { kernels.linear_f32(l); });
                add("  read loop", "GB/s of weights", b, [=] {
                    sink = static_cast<float>(
                        read_loop(reinterpret_cast<const char *>(l.panels), static_cast<int64_t>(b)));
                });
            }
        }
    }
    for (int64_t keys : {34, 128, 512, 768}) {
        const int64_t heads = 4, dim = 64, row = heads * dim;
        native::Attention a{};
        a.q = normals(keys * row), a.k = normals(keys * row), a.v = normals(keys * row);
        a.q_row = a.k_row = a.v_row = a.out_row = row;
        a.q_head = a.k_head = a.v_head = a.out_head = dim;
        a.heads = heads, a.queries = a.keys = keys, a.dim = a.value_dim = dim, a.scale = 0.125f;
        a.out = storage<float>(keys * row);
        a.scratch = storage<char>(native::attention_scratch_bytes(keys, keys, dim, dim));
        add("attention fp32, 4 heads of 64, " + std::to_string(keys), "GFLOP/s",
            4.0 * static_cast<double>(keys * keys * row), [=, &kernels] { kernels.attention_f32(a); });
        if (kernels.attention_bf16)
            add("attention bf16, 4 heads of 64, " + std::to_string(keys), "GFLOP/s",
                4.0 * static_cast<double>(keys * keys * row), [=, &kernels] { kernels.attention_bf16(a); });
    }
    const int64_t n = 4096;
    float *x = normals(n), *y = storage<float>(n);
    const std::pair<const char *, native::Unary> functions[] = {
        {"exp", native::Unary::exp},         {"gelu", native::Unary::gelu}, {"tanh", native::Unary::tanh},
        {"sigmoid", native::Unary::sigmoid}, {"erf", native::Unary::erf},   {"gelu_tanh", native::Unary::gelu_tanh}};
    for (auto [name, op] : functions)
        add(name, "elements/ns", static_cast<double>(n), [=, &kernels] { kernels.unary(op, {}, x, y, n); });
    {
        const int64_t rows = 34, width = 256;
        native::LayerNorm norm{normals(rows * width),        width, rows, width, normals(width), normals(width), 1e-5f,
                               storage<float>(rows * width), width};
        add("layer_norm 34 x 256", "elements/ns", static_cast<double>(rows * width),
            [=, &kernels] { kernels.layer_norm(norm); });
        native::QuantiseRows q{
            normals(rows * width), width, rows, width, lib::Range::symmetric, storage<uint8_t>(rows * width), width,
            storage<float>(rows)};
        add("quantise_rows 34 x 256", "elements/ns", static_cast<double>(rows * width),
            [=, &kernels] { kernels.quantise_rows(q); });
    }

    for (Case &c : cases) {  // how often to call it for about 200 us
        c.call();
        const double start = now();
        c.call();
        c.seconds.push_back(std::max(1.0, std::floor(200e-6 / std::max(now() - start, 1e-9))));
    }
    std::vector<std::vector<double>> shares(cases.size());
    for (int round = 0; round < rounds; ++round)
        for (size_t i = 0; i < cases.size(); ++i) {
            auto timed = [&](Case &c) {
                const auto times = static_cast<int>(c.seconds[0]);
                c.call();
                const double start = now();
                for (int j = 0; j < times; ++j) c.call();
                return (now() - start) / times;
            };
            const double before = timed(cases[0]), took = timed(cases[i]);
            cases[i].seconds.push_back(took);
            shares[i].push_back(cases[i].work / took / (cases[0].work / before));
        }
    std::printf("level %s, %d rounds, medians\n", native::name_of(level), rounds);
    for (size_t i = 0; i < cases.size(); ++i) {
        Case &c = cases[i];
        c.seconds.erase(c.seconds.begin());
        const double took = median(c.seconds);
        std::printf("%-34s %9.2f us %8.2f %s", c.name.c_str(), took * 1e6, c.work / took * 1e-9, c.unit.c_str());
        if (c.unit[0] == 'G' && c.unit.find("OP/s") != std::string::npos)
            std::printf("  %.0f %% of the FMA loop", 100 * median(shares[i]));
        std::printf("\n");
    }
}
