// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/native/executor.hpp"
#include "backend/native/native.hpp"
#include "backend/plan_run.hpp"

namespace weighbridge::lib {
namespace native {
namespace {

constexpr int64_t kTileRows = 64;
constexpr int64_t kSequenceTileRows = 32;

// Weights from which rows gain by running together: README.md has what was measured.
constexpr int64_t kWeightsWorthSharing = int64_t{64} << 10;
constexpr int64_t kWeightsWorthWaking = int64_t{1} << 20;

class NativeProgram final : public Program {
  public:
    explicit NativeProgram(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {}

    Traits traits() const override {
        return {.inline_safe = true, .cancellable = true, .batch_invariant = true, .joining = joining()};
    }
    int32_t backend() const override { return WB_BACKEND_NATIVE; }
    int32_t precision() const override { return shared_->precision; }
    int32_t numerics() const override {
        return static_cast<int32_t>(bf16_on_tiles() ? kNumericsV1AmxBf16 : kNumericsV1);
    }
    std::string_view cpu_level() const override { return name_of(shared_->kernels->level); }
    int64_t tile_rows() const override { return shared_->sequences ? kSequenceTileRows : kTileRows; }

    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        return std::unique_ptr<Executor>(std::make_unique<NativeExecutor>(shared_, tile_rows));
    }
    int64_t scratch_bytes(int64_t tile_rows) const override {
        return plan_run_memory(*shared_, make_steps(*shared_), tile_rows).bytes();
    }
    int packed_input() const override { return lib::packed_input(shared_->plan->graph()); }
    int64_t weight_bytes() const override {
        return shared_->plan->bytes(shared_->precision) + shared_->forests->bytes() + shared_->factors->bytes();
    }

  private:
    // int8bf16 has bf16 in attention alone.
    bool bf16_on_tiles() const {
        return shared_->kernels->level == Level::amx && sums_bf16(*shared_->plan, shared_->precision);
    }

    // A run of one row reads all weights for it; the rows of a tile share that. Tokens of a sequence do already.
    Joining joining() const {
        if (shared_->sequences) return Joining::none;
        const int64_t bytes = shared_->plan->weight_bytes(shared_->precision);
        if (bytes >= kWeightsWorthWaking) return Joining::calls;
        return bytes >= kWeightsWorthSharing ? Joining::submits : Joining::none;
    }

    const std::shared_ptr<const Shared> shared_;
};

}  // namespace
}  // namespace native

Expected<std::shared_ptr<const Program>> make_native_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                             native::Level level, std::vector<std::string> tensor_names,
                                                             const StopSource &stop) {
    auto shared = std::make_shared<native::Shared>();
    shared->kernels = &native::kernels(level);
    if (needs_bf16_instructions(precision) && !shared->kernels->linear_bf16)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "precision {} needs a CPU with avx512_bf16, found level {}; load fp32 or int8",
                               precision_name(precision), native::name_of(level));
    auto schedule = Schedule::make(plan->graph());
    if (!schedule) return schedule.status();
    shared->plan = std::move(plan);
    shared->precision = precision;
    shared->tensor_names = std::move(tensor_names);
    shared->schedule = *std::move(schedule);
    shared->sequences = has_length(shared->plan->graph());
    auto linears = Linears::make(*shared->plan, precision, stop);
    if (!linears) return Status::failure(linears.status().code, "model.plan: {}", linears.status().message);
    shared->linears = std::make_unique<const Linears>(*std::move(linears));
    auto forests = Forests::make(*shared->plan, stop);
    if (!forests) return Status::failure(forests.status().code, "model.plan: {}", forests.status().message);
    shared->forests = std::make_unique<const Forests>(*std::move(forests));
    auto factors = native::Factors::make(*shared->plan, stop);
    if (!factors) return Status::failure(factors.status().code, "model.plan: {}", factors.status().message);
    shared->factors = std::make_unique<const native::Factors>(*std::move(factors));
    shared->inputs = input_nodes(shared->plan->graph());
    return std::shared_ptr<const Program>(std::make_shared<const native::NativeProgram>(std::move(shared)));
}

}  // namespace weighbridge::lib
