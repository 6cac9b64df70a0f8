// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/program.hpp"
#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "model/backend.hpp"
#include "model/binding.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {
namespace {

struct ChosenPlan {
    std::shared_ptr<const Plan> plan;
    int32_t precision;
    std::vector<std::string> tensor_names;
};

// The bundle's plan, bound to its manifest, and the precision that a load asks for. WB_BACKEND_UNAVAILABLE where the
// bundle has no plan or the plan not that precision; as Backend::prepare.
Expected<ChosenPlan> choose_plan(const std::shared_ptr<const Bundle> &bundle, std::string_view precision,
                                 const StopSource &stop) {
    const Bytes *file = bundle->file("model.plan");
    if (!file)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "the bundle has no model.plan: compile it first or allow torchscript");
    auto plan = read_plan(*file, bundle, Checksum::compared, stop);  // with the manifest's
    if (!plan) return plan.status();
    if (Status status = check_binding(**plan, bundle->manifest()); !status.ok()) return status;
    ChosenPlan chosen{*std::move(plan), 0, {}};
    chosen.precision = chosen.plan->precisions()[0];
    if (!precision.empty()) {
        auto parsed = precision_of(precision);
        if (!parsed) return parsed.status();
        chosen.precision = *parsed;
        if (!chosen.plan->has(*parsed)) {
            std::string there;
            for (int32_t one : chosen.plan->precisions())
                there += (there.empty() ? "" : ", ") + std::string(precision_name(one));
            return Status::failure(WB_BACKEND_UNAVAILABLE, "expected precision {} in model.plan, found {}", precision,
                                   there);
        }
    }
    for (const TensorSpec &tensor : bundle->manifest().tensors) chosen.tensor_names.push_back(tensor.name);
    return chosen;
}

class NativeBackend final : public Backend {
  public:
    explicit NativeBackend(native::Level level) : level_(level) {}
    std::string_view name() const override { return "native"; }
    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision, const StopSource &stop) override {
        auto chosen = choose_plan(bundle, precision, stop);
        if (!chosen) return chosen.status();
        return make_native_program(chosen->plan, chosen->precision, level_, std::move(chosen->tensor_names), stop);
    }

  private:
    const native::Level level_;
};

class ReferenceBackend final : public Backend {
  public:
    std::string_view name() const override { return "reference"; }

    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision, const StopSource &stop) override {
        auto chosen = choose_plan(bundle, precision, stop);
        if (!chosen) return chosen.status();
        if (needs_bf16_instructions(chosen->precision))
            return Status::failure(WB_BACKEND_UNAVAILABLE,
                                   "expected fp32 or int8, got {}, which only CPUs with bf16 instructions "
                                   "serve",
                                   precision_name(chosen->precision));
        return make_reference_program(chosen->plan, chosen->precision, std::move(chosen->tensor_names));
    }
};

class CudaBackend final : public Backend {
  public:
    explicit CudaBackend(std::shared_ptr<const cuda::GpuDevice> device) : device_(std::move(device)) {}
    std::string_view name() const override { return "cuda"; }

    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision, const StopSource &stop) override {
        auto chosen = choose_plan(bundle, precision, stop);
        if (!chosen) return chosen.status();
        return make_cuda_program(chosen->plan, chosen->precision, device_, std::move(chosen->tensor_names), stop);
    }

  private:
    const std::shared_ptr<const cuda::GpuDevice> device_;
};

}  // namespace

std::unique_ptr<Backend> make_native_backend(native::Level level) { return std::make_unique<NativeBackend>(level); }

std::unique_ptr<Backend> make_cuda_backend(std::shared_ptr<const cuda::GpuDevice> device) {
    return std::make_unique<CudaBackend>(std::move(device));
}

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace weighbridge::lib
