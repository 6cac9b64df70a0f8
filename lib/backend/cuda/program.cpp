// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/program.hpp"

#include "backend/cuda/executor.hpp"
#include "backend/plan_linear.hpp"
#include "backend/plan_run.hpp"

namespace weighbridge::lib {
namespace cuda {
namespace {

constexpr int64_t kTileRows = 1024;
constexpr int64_t kSequenceTileRows = 256;

class CudaProgram final : public Program {
  public:
    explicit CudaProgram(std::shared_ptr<const DevicePlan> shared) : shared_(std::move(shared)) {}

    Traits traits() const override { return {.inline_safe = true, .cancellable = false, .batch_invariant = true}; }
    Device device() const override { return {Device::Kind::cuda, shared_->device->context()->ordinal()}; }
    int32_t backend() const override { return WB_BACKEND_CUDA; }
    int32_t precision() const override { return shared_->precision; }
    int32_t numerics() const override { return static_cast<int32_t>(kNumericsV1); }
    int64_t tile_rows() const override { return shared_->sequences ? kSequenceTileRows : kTileRows; }
    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        return CudaExecutor::make(shared_, tile_rows);
    }
    int64_t scratch_bytes(int64_t) const override { return 0; }  // its memory is the device's
    int64_t weight_bytes() const override { return shared_->weights->bytes(); }
    int packed_input() const override { return lib::packed_input(shared_->plan->graph()); }

  private:
    const std::shared_ptr<const DevicePlan> shared_;
};

}  // namespace
}  // namespace cuda

Expected<std::shared_ptr<const Program>> make_cuda_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                           std::shared_ptr<const cuda::GpuDevice> device,
                                                           std::vector<std::string> tensor_names,
                                                           const StopSource &stop) {
    if (!device->context()->driver().of_this_process())
        return Status::failure(WB_BACKEND_UNAVAILABLE, "{} belongs to the process that this one was forked from",
                               device->context()->name());
    auto shared = std::make_shared<cuda::DevicePlan>();
    auto schedule = Schedule::make(plan->graph());
    if (!schedule) return schedule.status();
    const cuda::Bucket smallest{1, plan->graph().largest_length, plan->graph().largest_length};
    if (auto tried = cuda::make_launches(*plan, *schedule, precision, {}, smallest, device->resources()); !tried)
        return tried.status();
    auto linears = Linears::make(*plan, precision, stop);
    if (!linears) return linears.status();
    auto weights = cuda::DeviceWeights::make(device->context(), *plan, *linears);
    if (!weights) return weights.status();
    shared->device = std::move(device);
    shared->plan = std::move(plan);
    shared->precision = precision;
    shared->tensor_names = std::move(tensor_names);
    shared->schedule = *std::move(schedule);
    shared->sequences = has_length(shared->plan->graph());
    shared->inputs = input_nodes(shared->plan->graph());
    shared->weights = *std::move(weights);
    return std::shared_ptr<const Program>(std::make_shared<const cuda::CudaProgram>(std::move(shared)));
}

}  // namespace weighbridge::lib
