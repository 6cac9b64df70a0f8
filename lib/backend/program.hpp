// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/cancel.hpp"
#include "base/device.hpp"
#include "base/expected.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// Whether a row that waits gains by running with others, by what a run of several saves of runs of one: nothing, more
// than it takes to hand a row over in a list, or more than it takes to wake the thread that waits for it as well.
enum class Joining : uint8_t { none, submits, calls };

// What a pool may assume of a backend.
struct Traits {
    bool inline_safe;      // runs on the caller's thread; no thread of its own
    bool cancellable;      // polls StopSource between tiles
    bool batch_invariant;  // a row's bits do not depend on the rows beside it
    Joining joining = Joining::none;
};

// One run: dense inputs for `rows` rows, and where each output's floats go (rows * width of them).
struct Run {
    std::span<const TensorView> inputs;  // by tensor of the manifest
    // Of a packed run, whose rows have lengths of their own: rows + 1 ascending from 0. A tensor with a length is
    // [1, places of all rows, ...] then, and row r has places [offsets[r], offsets[r + 1]) of it, unpadded. Empty
    // where the rows have one length, or none.
    std::span<const int64_t> offsets;
    std::span<float *const> outputs;  // by output of the manifest; written only where run() succeeds
    int64_t rows = 0;
    StopSource stop;
    std::byte *scratch = nullptr;  // the program's scratch_bytes(), at a multiple of 64; holds anything
    // Where run() returns early (deadline, cancel) while the backend is still at work on inputs, outputs and scratch,
    // it sets `abandoned` and calls done(done_arg) exactly once, from another thread, when they are free again.
    void (*done)(void *) = nullptr;
    void *done_arg = nullptr;
    bool abandoned = false;
};

// Runs a program in a context, one run at a time. It keeps a small state between runs and, for LibTorch, uses the
// context's thread; its memory is the run's scratch.
class Executor {
  public:
    virtual ~Executor() = default;
    virtual Status run(Run &run) = 0;
};

// A model made ready by a backend. Immutable; shared by all contexts.
class Program {
  public:
    virtual ~Program() = default;
    virtual Traits traits() const = 0;
    virtual Device device() const { return {}; }               // whose contexts run it: by default the CPU's
    virtual int32_t backend() const = 0;                       // WB_BACKEND_*
    virtual int32_t precision() const = 0;                     // WB_PRECISION_*
    virtual int32_t numerics() const = 0;                      // id of results, 0 where no plan runs
    virtual std::string_view cpu_level() const { return {}; }  // of its kernels, where it has levels
    // Most rows of one run (a tile); `context` is its index in the pool. May throw std::bad_alloc.
    virtual int64_t tile_rows() const = 0;
    virtual Expected<std::unique_ptr<Executor>> make_executor(int context, int64_t tile_rows) const = 0;
    // What a run needs.
    virtual int64_t scratch_bytes(int64_t tile_rows) const = 0;
    virtual int64_t weight_bytes() const { return 0; }  // that all contexts share; 0: not known
    // The input whose second size is a row's length in packed runs; -1 where the program takes no packed run.
    virtual int packed_input() const { return -1; }
};

// An executor with scratch memory of its own, for who has no context. May throw std::bad_alloc.
Expected<std::unique_ptr<Executor>> make_lone_executor(const Program &program, int context, int64_t tile_rows);

}  // namespace weighbridge::lib
