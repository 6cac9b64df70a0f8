// SPDX-License-Identifier: Apache-2.0
// The device kernels of lib/backend/cuda/kernels, compiled for the CPU, by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace cuda_sim {

struct Dim {
    unsigned x = 1, y = 1, z = 1;
};

// Which thread of a block goes on first, and in which order the others follow, between any two barriers.
enum class Order { ascending, descending, shuffled };

struct Grid {
    Dim blocks, threads;
    size_t shared_bytes = 0;  // dynamic
    Order order = Order::ascending;
    uint64_t seed = 1;  // of a shuffled order
};

// What a launch did wrong: threads that wait at different barriers, shared memory past its end, an address that is not
// aligned as the instruction wants it.
class LaunchFault : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Kernel {
    const char *name;
    size_t argument_bytes;  // of its one argument
    unsigned threads;       // that a block must have, all in x
    // Runs the whole grid on the calling thread. Throws LaunchFault. Thread-safe.
    void (*launch)(const void *argument, const Grid &grid);
};

// Null where there is none of that name.
const Kernel *find_kernel(std::string_view name);

}  // namespace cuda_sim
