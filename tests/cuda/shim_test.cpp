// SPDX-License-Identifier: Apache-2.0
// What the shim must notice, on kernels made for it: otherwise the other tests of device kernels would show less.
#include "support/cuda_sim/shim.hpp"

#include <bit>

#include "support/catch.hpp"
#include "support/cuda_sim/launch.hpp"

namespace {

namespace device = weighbridge::lib::cuda::device;
using cuda_sim::Order;

float *shared() { return reinterpret_cast<float *>(cuda_sim::shared_memory()); }

// What a launch of one block of `threads` did wrong; empty where nothing.
std::string fault_of(cuda_sim::KernelCall kernel, void *argument = nullptr, unsigned threads = 64,
                     Order order = Order::ascending) {
    try {
        cuda_sim::launch(kernel, argument, {{1, 1, 1}, {threads, 1, 1}, 64 * sizeof(float), order, 1});
    } catch (const cuda_sim::LaunchFault &fault) {
        return fault.what();
    }
    return "";
}
bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

// Each thread reads what its neighbour has left, with a barrier between or without.
template <bool Waits>
void neighbours(const void *argument) {
    auto *seen = static_cast<float *>(const_cast<void *>(argument));
    shared()[threadIdx.x] = static_cast<float>(threadIdx.x);
    if (Waits) __syncthreads();
    seen[threadIdx.x] = shared()[(threadIdx.x + 1) % 64];
}

}  // namespace

TEST_CASE("a missing barrier shows in some order of threads, and a NaN is what was not written") {
    for (Order order : {Order::ascending, Order::descending, Order::shuffled}) {
        float seen[64], without[64];
        REQUIRE(fault_of(neighbours<true>, seen, 64, order).empty());
        for (int i = 0; i < 64; ++i) REQUIRE(seen[i] == static_cast<float>((i + 1) % 64));
        REQUIRE(fault_of(neighbours<false>, without, 64, order).empty());
        int missing = 0;
        for (float value : without) missing += value != value;
        CAPTURE(static_cast<int>(order), missing);
        REQUIRE(missing > 0);
    }
}

TEST_CASE("barriers that differ from thread to thread are a fault that names both") {
    const std::string two = fault_of([](const void *) {
        if (threadIdx.x < 32)
            __syncthreads();
        else
            __syncthreads();
    });
    REQUIRE((has(two, "barriers differ") && has(two, "thread 0 waits at") && has(two, "thread 32 waits at")));
    REQUIRE(has(fault_of([](const void *) {
                    if (threadIdx.x != 5) __syncthreads();
                }),
                "thread 5 has ended"));
    REQUIRE(has(fault_of([](const void *) {
                    if (threadIdx.x % 2) __shfl_xor_sync(0xFFFFFFFFu, 1.0f, 1);
                }),
                "barriers differ"));
    REQUIRE(has(fault_of([](const void *) { __shfl_xor_sync(0xFFFFFFFFu, 1.0f, 1); }, nullptr, 16), "less than 32"));
    // The next launch is none the worse.
    float seen[64];
    REQUIRE(fault_of(neighbours<true>, seen).empty());
}

TEST_CASE("writes behind shared memory and copies that are not aligned are faults") {
    REQUIRE(has(fault_of([](const void *) { shared()[64] = 1; }), "behind its 256 bytes"));
    static float from[8] = {};
    REQUIRE(has(fault_of([](const void *) { device::copy_async_16(shared() + 1, from); }), "not aligned"));
    REQUIRE(fault_of([](const void *) { device::copy_async_4(shared() + threadIdx.x, from); }).empty());
}

TEST_CASE("an asynchronous copy is there when its group has been waited for, and no earlier") {
    alignas(16) static const float from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static float seen[3];
    REQUIRE(fault_of([](const void *) {
                if (threadIdx.x != 0) return;
                device::copy_async_16(shared(), from);
                device::commit_copies();
                device::copy_async_16(shared() + 4, from + 4);
                device::commit_copies();
                seen[0] = shared()[0];
                device::wait_for_copies<1>();
                seen[1] = shared()[0];
                seen[2] = shared()[4];
            }).empty());
    REQUIRE((seen[0] != seen[0] && seen[1] == 1 && seen[2] != seen[2]));
}

TEST_CASE("a warp's products and exchanges are those of the PTX manual") {
    // Row r of A is r + 1 at k = r only; column n of B is n - 3 everywhere: C[r][n] = (r + 1) (n - 3).
    static int found[16][8];
    REQUIRE(fault_of(
                [](const void *) {
                    const unsigned lane = threadIdx.x, group = lane / 4, place = lane % 4;
                    uint32_t a[4] = {}, b[2] = {};
                    for (unsigned i = 0; i < 4; ++i)
                        for (unsigned byte = 0; byte < 4; ++byte) {
                            const unsigned row = group + i % 2 * 8, k = place * 4 + byte + i / 2 * 16;
                            if (k == row) a[i] |= (row + 1) << (8 * byte);
                        }
                    for (uint32_t &word : b) word = static_cast<uint8_t>(static_cast<int>(group) - 3) * 0x01010101u;
                    int sum[4] = {};
                    device::multiply_u8_s8(sum, a, b);
                    for (unsigned i = 0; i < 4; ++i) found[group + i / 2 * 8][place * 2 + i % 2] = sum[i];
                },
                nullptr, 32)
                .empty());
    for (int row = 0; row < 16; ++row)
        for (int column = 0; column < 8; ++column) REQUIRE(found[row][column] == (row + 1) * (column - 3));
    REQUIRE(device::dot_u8_s8(0xFF010203u, 0x80FF0201u, 5) == 5 - 255 * 128 - 1 + 2 * 2 + 3);
    static float lanes[32];
    REQUIRE(fault_of(
                [](const void *) {
                    const float other = __shfl_xor_sync(0xFFFFFFFFu, static_cast<float>(threadIdx.x), 8, 16);
                    lanes[threadIdx.x] = other + 100 * __shfl_sync(0xFFFFFFFFu, static_cast<float>(threadIdx.x), 3, 16);
                },
                nullptr, 32)
                .empty());
    for (int i = 0; i < 32; ++i) REQUIRE(lanes[i] == static_cast<float>((i ^ 8) + 100 * (i / 16 * 16 + 3)));
}

TEST_CASE("a warp's products of bf16 are those of the PTX manual") {
    // Row r of A is r + 1 at k = r only; column n of B is n - 3 everywhere: C[r][n] = (r + 1) (n - 3).
    static float found[16][8];
    REQUIRE(fault_of(
                [](const void *) {
                    const unsigned lane = threadIdx.x, group = lane / 4, place = lane % 4;
                    auto half = [](float x) { return std::bit_cast<uint32_t>(x) >> 16; };
                    uint32_t a[4] = {}, b[2];
                    for (unsigned i = 0; i < 4; ++i)
                        for (unsigned part = 0; part < 2; ++part) {
                            const unsigned row = group + i % 2 * 8, k = place * 2 + part + i / 2 * 8;
                            if (k == row) a[i] |= half(static_cast<float>(row + 1)) << (16 * part);
                        }
                    for (uint32_t &word : b) word = half(static_cast<float>(group) - 3) * 0x00010001u;
                    float sum[4] = {};
                    device::multiply_bf16(sum, a, b);
                    for (unsigned i = 0; i < 4; ++i) found[group + i / 2 * 8][place * 2 + i % 2] = sum[i];
                },
                nullptr, 32)
                .empty());
    for (int row = 0; row < 16; ++row)
        for (int column = 0; column < 8; ++column)
            REQUIRE(found[row][column] == static_cast<float>((row + 1) * (column - 3)));
}
