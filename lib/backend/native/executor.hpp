// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/native/step.hpp"
#include "backend/program.hpp"
#include "backend/schedule.hpp"

namespace weighbridge::lib::native {

// What every executor of a program reads. Constant once made.
struct Shared {
    std::shared_ptr<const Plan> plan;
    int32_t precision = 0;
    const Kernels *kernels = nullptr;
    std::vector<std::string> tensor_names;
    Schedule schedule;
    bool sequences = false;
    std::unique_ptr<const Linears> linears;
    std::unique_ptr<const Forests> forests;
    std::unique_ptr<const Factors> factors;
    std::vector<ValueId> inputs;  // the graph's input nodes

    StepContext step_context() const {
        return {plan.get(), kernels, precision, linears.get(), forests.get(), factors.get()};
    }
    // The cache block: rows of one length that pass through all steps together, of at most `tile_rows`. Enough to reuse
    // each panel of weights, few enough that their intermediate values stay in the second-level cache.
    int64_t rows_together(int64_t length, int64_t tile_rows) const;
};

// The memory of runs of at most `tile_rows` rows.
struct RunMemory {
    std::vector<int64_t> room;  // elements, by storage
    MemoryPlan arena;
    int64_t scratch_bytes = 0;  // of steps, behind the arena
    int64_t bytes() const { return arena.bytes + scratch_bytes; }
};

using Steps = std::vector<std::unique_ptr<Step>>;
Steps make_steps(const Shared &shared);

// Binds the steps to the largest runs.
RunMemory plan_run_memory(const Shared &shared, const Steps &steps, int64_t tile_rows);

// Takes a run's rows through the steps in blocks that stay in cache. A block of rows of one length is bound as a whole;
// in a block of a packed run whose lengths differ each step goes over the sequences as it merges.
class NativeExecutor final : public Executor {
  public:
    NativeExecutor(std::shared_ptr<const Shared> shared, int64_t tile_rows);
    Status run(Run &run) override;

  private:
    // Rows and length that a step is bound to.
    struct Binding {
        int64_t rows = -1, length = -1;
        bool operator==(const Binding &) const = default;
    };
    struct Opened;

    void lie_in(std::byte *arena);
    void enter(const Run &run, const Before &before);
    void bind(size_t step, Binding to);
    Status run_alike(const Run &run, const Before &before, int64_t rows, int64_t length);
    Status run_packed(const Run &run);
    Status run_sequences(const Run &run, const Before &before, int64_t rows);
    Status fit(const Before &all);
    Status run_step(size_t step, Binding to, const StepRun &run, int64_t &work);
    Status run_pieces(size_t step, std::span<const Before> befores, StepRun run, int64_t &work);
    void leave(const Run &run, const Before &before, const Before &all) const;
    void fence(size_t step) const;
    std::byte *scratch() const { return arena_ + memory_.arena.bytes; }
    size_t arena_bytes() const { return static_cast<size_t>(memory_.bytes()); }

    const std::shared_ptr<const Shared> shared_;
    const int64_t tile_rows_;
    Steps steps_;
    RunMemory memory_;
    std::vector<Binding> bindings_;    // by step
    Binding whole_;                    // of all steps, where they have one
    std::vector<int64_t> elements_;    // in use by this block, by storage
    std::vector<Before> befores_;      // of the sequences of a block, and of its end
    std::vector<std::byte *> bases_;   // by storage
    std::vector<std::byte *> pieces_;  // by storage: of one sequence
    std::byte *arena_ = nullptr;       // where bases_ lie
};

}  // namespace weighbridge::lib::native
