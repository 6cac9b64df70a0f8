// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/reference.hpp"

#include "backend/plan_backend.hpp"

namespace weighbridge::lib {
namespace {

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

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace weighbridge::lib
