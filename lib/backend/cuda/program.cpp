// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/program.hpp"

#include <atomic>

#include "backend/cuda/executor.hpp"
#include "backend/plan_linear.hpp"
#include "backend/plan_run.hpp"
#include "base/lock.hpp"

namespace weighbridge::lib {
namespace cuda {

Expected<std::shared_ptr<const DevicePlan>> DevicePlan::make(std::shared_ptr<const KernelSet> kernels,
                                                             std::shared_ptr<const Plan> plan, int32_t precision,
                                                             std::vector<std::string> tensor_names,
                                                             const StopSource &stop) {
    auto shared = std::make_shared<DevicePlan>();
    auto schedule = Schedule::make(plan->graph());
    if (!schedule) return schedule.status();
    const Bucket smallest{1, plan->graph().largest_length, plan->graph().largest_length};
    if (auto tried = make_launches(*plan, *schedule, precision, {}, smallest, kernels->resources()); !tried)
        return tried.status();
    Expected<const TensorFamily *> family = nullptr;
    if (sums_bf16(*plan, precision)) family = kernels->tensor_family();
    if (!family) return family.status();
    shared->numerics = numerics_of(*family);
    auto linears = Linears::make(*plan, precision, stop);
    if (!linears) return linears.status();
    auto weights = DeviceWeights::make(*kernels, *plan, *linears);
    if (!weights) return weights.status();
    shared->kernels = std::move(kernels);
    shared->plan = std::move(plan);
    shared->precision = precision;
    shared->tensor_names = std::move(tensor_names);
    shared->schedule = *std::move(schedule);
    shared->sequences = has_length(shared->plan->graph());
    shared->inputs = input_nodes(shared->plan->graph());
    shared->weights = *std::move(weights);
    return std::shared_ptr<const DevicePlan>(std::move(shared));
}

namespace {

constexpr int64_t kTileRows = 1024;
constexpr int64_t kSequenceTileRows = 256;

// A program's weights and executors, in the context that its device has now.
class PlacedPlan final : public Resident {
  public:
    // An executor, or its place while it has none.
    struct Seat {
        explicit Seat(int64_t rows) : tile_rows(rows) {}
        const int64_t tile_rows;
        std::atomic<bool> taken{false};  // has an executor
        ForkMutex mutex;                 // held during a run
        std::unique_ptr<CudaExecutor> executor WB_GUARDED_BY(mutex);
    };

    explicit PlacedPlan(std::shared_ptr<const DevicePlan> first)
        : plan(first->plan),
          tensor_names(first->tensor_names),
          precision(first->precision),
          numerics(first->numerics),
          sequences(first->sequences),
          weight_bytes(first->weights->bytes()),
          now_(std::move(first)) {}

    const std::shared_ptr<const Plan> plan;
    const std::vector<std::string> tensor_names;
    const int32_t precision, numerics;
    const bool sequences;
    const int64_t weight_bytes;

    Expected<std::shared_ptr<Seat>> make_seat(const GpuDevice &device, int64_t tile_rows);
    bool leave() override;
    Status settle(const std::shared_ptr<const KernelSet> &kernels) override;

  private:
    std::vector<std::shared_ptr<Seat>> seats() WB_REQUIRES(mutex_);

    ForkMutex mutex_;                                              // before a seat's
    std::shared_ptr<const DevicePlan> now_ WB_GUARDED_BY(mutex_);  // null between two contexts
    std::vector<std::weak_ptr<Seat>> seats_ WB_GUARDED_BY(mutex_);
};

std::vector<std::shared_ptr<PlacedPlan::Seat>> PlacedPlan::seats() {
    std::erase_if(seats_, [](const auto &seat) { return seat.expired(); });
    std::vector<std::shared_ptr<Seat>> all;
    for (const auto &seat : seats_)
        if (auto one = seat.lock()) all.push_back(std::move(one));
    return all;
}

// It is in the list before it has something in a context, so that it is asked to leave that.
Expected<std::shared_ptr<PlacedPlan::Seat>> PlacedPlan::make_seat(const GpuDevice &device, int64_t tile_rows) {
    auto seat = std::make_shared<Seat>(tile_rows);
    std::shared_ptr<const DevicePlan> now;
    {
        const Lock lock(mutex_);
        now = now_;
        seats_.push_back(seat);
    }
    if (!now) return device.absent();
    auto executor = CudaExecutor::make(now, tile_rows);
    if (!executor) return executor.status();
    const Lock lock(mutex_), seated(seat->mutex);
    if (now_ != now) return device.absent();
    seat->executor = *std::move(executor);
    seat->taken.store(true);
    return seat;
}

bool PlacedPlan::leave() {
    const Lock lock(mutex_);
    now_.reset();
    bool all = true;
    for (const auto &seat : seats()) {
        if (!seat->mutex.try_lock()) {
            all = false;
            continue;
        }
        const Lock seated(seat->mutex, std::adopt_lock);
        seat->executor.reset();
        seat->taken.store(false);
    }
    return all;
}

Status PlacedPlan::settle(const std::shared_ptr<const KernelSet> &kernels) {
    std::shared_ptr<const DevicePlan> now;
    std::vector<std::shared_ptr<Seat>> all;
    {
        const Lock lock(mutex_);
        now = now_;
        all = seats();
    }
    if (!now) {
        auto made = DevicePlan::make(kernels, plan, precision, tensor_names);
        if (!made) return made.status();
        now = *std::move(made);  // of the same device: the same numerics
        const Lock lock(mutex_);
        now_ = now;
    }
    for (const auto &seat : all) {
        if (seat->taken.load()) continue;
        auto executor = CudaExecutor::make(now, seat->tile_rows);
        if (!executor) return executor.status();
        // Never waits: a run that holds it may wait for this very thread.
        if (!seat->mutex.try_lock())
            return Status::failure(WB_BACKEND_UNAVAILABLE, "a seat is in use: tried again in a second");
        const Lock seated(seat->mutex, std::adopt_lock);
        if (!seat->executor) seat->executor = *std::move(executor);
        seat->taken.store(true);
    }
    return {};
}

class SeatedExecutor final : public Executor {
  public:
    SeatedExecutor(std::shared_ptr<const GpuDevice> device, std::shared_ptr<PlacedPlan> placed,
                   std::shared_ptr<PlacedPlan::Seat> seat)
        : device_(std::move(device)), placed_(std::move(placed)), seat_(std::move(seat)) {}

    Status run(Run &run) override {
        if (!device_->of_this_process() || !seat_->mutex.try_lock()) return device_->absent();
        const Lock lock(seat_->mutex, std::adopt_lock);
        if (!seat_->executor) return device_->absent();
        Status status = seat_->executor->run(run);
        if (status.code == WB_BACKEND_UNAVAILABLE) device_->look_after();
        return status;
    }

  private:
    const std::shared_ptr<const GpuDevice> device_;
    const std::shared_ptr<PlacedPlan> placed_;  // which has the seat taken anew
    const std::shared_ptr<PlacedPlan::Seat> seat_;
};

class CudaProgram final : public Program {
  public:
    CudaProgram(std::shared_ptr<const GpuDevice> device, std::shared_ptr<PlacedPlan> placed)
        : device_(std::move(device)), placed_(std::move(placed)) {}

    // Starting a run costs a GPU more than a row more in it.
    Traits traits() const override {
        return {.inline_safe = true, .cancellable = false, .batch_invariant = true, .joining = Joining::calls};
    }
    Device device() const override { return {Device::Kind::cuda, device_->ordinal()}; }
    int32_t backend() const override { return WB_BACKEND_CUDA; }
    int32_t precision() const override { return placed_->precision; }
    int32_t numerics() const override { return placed_->numerics; }
    int64_t tile_rows() const override { return placed_->sequences ? kSequenceTileRows : kTileRows; }
    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        auto seat = placed_->make_seat(*device_, tile_rows);
        if (seat)
            return std::unique_ptr<Executor>(std::make_unique<SeatedExecutor>(device_, placed_, *std::move(seat)));
        device_->look_after();
        return seat.status();
    }
    int64_t scratch_bytes(int64_t) const override { return 0; }  // its memory is the device's
    int64_t weight_bytes() const override { return placed_->weight_bytes; }
    int packed_input() const override { return lib::packed_input(placed_->plan->graph()); }

  private:
    const std::shared_ptr<const GpuDevice> device_;
    const std::shared_ptr<PlacedPlan> placed_;
};

}  // namespace
}  // namespace cuda

Expected<std::shared_ptr<const Program>> make_cuda_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                           std::shared_ptr<const cuda::GpuDevice> device,
                                                           std::vector<std::string> tensor_names,
                                                           const StopSource &stop) {
    auto kernels = device->kernels();
    if (!kernels) return kernels.status();
    auto made = cuda::DevicePlan::make(*std::move(kernels), std::move(plan), precision, std::move(tensor_names), stop);
    if (!made) {
        device->look_after();
        return made.status();
    }
    auto placed = std::make_shared<cuda::PlacedPlan>(*std::move(made));
    device->adopt(placed);
    return std::shared_ptr<const Program>(
        std::make_shared<const cuda::CudaProgram>(std::move(device), std::move(placed)));
}

}  // namespace weighbridge::lib
