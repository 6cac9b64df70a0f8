// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/cuda/arguments.hpp"
#include "backend/plan_linear.hpp"
#include "backend/schedule.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib::cuda {

// A kernel's launch: its name in kernels.def, its grid, and the struct of arguments.hpp that it takes, as bytes.
struct Launch {
    const char *kernel = nullptr;
    unsigned blocks_x = 1, blocks_y = 1, blocks_z = 1;
    unsigned threads = 0;
    int64_t shared_bytes = 0;
    std::vector<std::byte> arguments;
};

// The largest run that grids and scratch are made for. What a run has is data: smaller ones take the same launches.
struct Bucket {
    int64_t sequences = 1;
    int64_t tokens = 0;   // of all sequences
    int64_t longest = 0;  // of one sequence

    Before most() const { return {sequences, tokens, tokens * longest}; }
};

// Device addresses that launches are made of. All null where only the sizes are asked for.
struct Places {
    std::vector<std::byte *> storages;   // by storage of the schedule
    std::vector<LinearWeights> linears;  // by node
    Sequences run{};
    uint8_t *quantised = nullptr;  // rows of the int8 or bf16 layer that runs
    float *scales = nullptr;       // of these rows
    float *scores = nullptr;       // of the attention that runs, where they do not fit in shared memory
    std::byte *dense = nullptr;    // copies of what the step that runs does not take as it lies
};

// A plan's steps as launches, in order, with the scratch that they share.
struct Launches {
    std::vector<Launch> list;
    int64_t quantised_bytes = 0;
    int64_t scales = 0;
    int64_t scores = 0;  // floats
    int64_t dense_bytes = 0;
};

// What a device has.
struct Resources {
    int multiprocessors = 1;
    int64_t shared_bytes = 48 << 10;  // of a block, at most
};

// The launches of a plan. WB_BACKEND_UNAVAILABLE names a step that the device kernels do not take: such
// plans stay on the CPU. A launch's fault (Sequences::faults) is the step's number in the schedule, from 1.
Expected<Launches> make_launches(const Plan &plan, const Schedule &schedule, int32_t precision, const Places &places,
                                 const Bucket &bucket, const Resources &resources);

// What a step's fault says of a row: as the CPU's step says it.
Status failure_of_step(const Plan &plan, const Schedule &schedule, int32_t fault);

}  // namespace weighbridge::lib::cuda
