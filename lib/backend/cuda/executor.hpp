// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cuda/device.hpp"
#include "backend/cuda/weights.hpp"
#include "backend/program.hpp"

namespace weighbridge::lib::cuda {

// What every executor of a program reads, in one context. Constant once made.
struct DevicePlan {
    // As make_cuda_program.
    static Expected<std::shared_ptr<const DevicePlan>> make(std::shared_ptr<const KernelSet> kernels,
                                                            std::shared_ptr<const Plan> plan, int32_t precision,
                                                            std::vector<std::string> tensor_names,
                                                            const StopSource &stop = {});

    std::shared_ptr<const KernelSet> kernels;
    std::shared_ptr<const Plan> plan;
    int32_t precision = 0;
    int32_t numerics = 0;  // as Program::numerics
    std::vector<std::string> tensor_names;
    Schedule schedule;
    bool sequences = false;
    std::vector<ValueId> inputs;  // the graph's input nodes
    std::shared_ptr<const DeviceWeights> weights;

    // The largest runs that pass at once, from the smallest to that of a whole tile.
    std::vector<Bucket> buckets(int64_t tile_rows) const;
    // Takes the largest away: larger runs go in blocks. False where what is left did not hold every single row.
    bool drop_largest(std::vector<Bucket> &buckets) const;
    // The most elements that a storage has in such a run.
    static int64_t room(const Storage &storage, const Before &most);
};

// Bytes from the beginning of a run's memory on. On the device and in pinned memory alike what is copied to the device
// lies first, then what only one of them has.
struct RunLayout {
    int64_t count = 0, offsets = 0, squares = 0, faults = 0, control_bytes = 0;
    std::vector<int64_t> inputs;   // by storage; -1 for what is no input
    int64_t copied_bytes = 0;      // control and inputs
    MemoryPlan arena;              // behind them on the device
    std::vector<int64_t> outputs;  // by output, behind them in pinned memory
    int64_t faults_back = 0, pinned_bytes = 0;

    static RunLayout make(const Schedule &schedule, const Before &most);
    int64_t scratch() const { return copied_bytes + arena.bytes; }
};

// Runs packed sequences on a device: copies, kernels and copies back in one stream, by a graph of the smallest bucket
// that holds them, and waits for the end.
class CudaExecutor final : public Executor {
  public:
    // With as many buckets as the device has memory for; WB_OUT_OF_MEMORY with both figures where that is none.
    static Expected<std::unique_ptr<CudaExecutor>> make(const std::shared_ptr<const DevicePlan> &shared,
                                                        int64_t tile_rows);
    // Waits a second for what a stopped run left; a device that is not through then is left with all that it has.
    ~CudaExecutor() override;

    Status run(Run &run) override;

  private:
    struct Start {
        LaunchConfig config;
        FunctionHandle kernel;
        std::vector<std::max_align_t> arguments;
    };
    struct Prepared {
        Bucket bucket;
        std::vector<Start> starts;
        GraphExec graph;  // none where it could not be made: its work is started one by one then
    };

    CudaExecutor(std::shared_ptr<const DevicePlan> shared, int64_t tile_rows, std::vector<Bucket> buckets);
    Status prepare();
    Status take_memory(const Launches &sizes);
    Places places() const;
    std::vector<Start> starts(const Launches &launches) const;
    GraphExec capture(const Prepared &prepared) const;

    template <class T>
    T *pinned(int64_t begin) const {
        return reinterpret_cast<T *>(static_cast<std::byte *>(pinned_.get()) + begin);
    }
    Before write_block(const Run &run, const Before &before, int64_t length);
    void write_inputs(const Run &run, const Before &before);
    const Prepared &bucket_of_block() const;
    Status run_block(const StopSource &stop);
    Result record() const;
    Status wait(const StopSource &stop, std::string_view what);
    Status take_back(const StopSource &stop);
    Result submit(const Prepared &prepared, const Before &sizes) const;
    Status check_faults() const;
    void leave(const Run &run, const Before &before) const;

    const std::shared_ptr<const DevicePlan> shared_;
    const int64_t tile_rows_;
    const std::vector<Bucket> buckets_;
    const Before most_;  // of a block
    const RunLayout layout_;
    PinnedMemory pinned_;
    DeviceMemory memory_;
    int64_t quantised_ = 0, scales_ = 0, scores_ = 0, dense_ = 0;  // where the scratch lies
    Stream stream_;
    std::shared_ptr<Watch::Look> done_;  // behind a block's work
    bool left_ = false;                  // a run's work may go on behind its end
    std::vector<Prepared> prepared_;     // by bucket
    Before all_;                         // of the block that passes
    int64_t longest_ = 0;
};

}  // namespace weighbridge::lib::cuda
