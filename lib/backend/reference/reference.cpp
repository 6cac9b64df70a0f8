// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/reference.hpp"

#include "plan/binding.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {
namespace {

class ReferenceBackend final : public Backend {
  public:
    std::string_view name() const override { return "reference"; }

    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision) override {
        const Bytes *file = bundle->file("model.plan");
        if (!file)
            return Status::failure(WB_BACKEND_UNAVAILABLE,
                                   "reference: the bundle has no model.plan: compile it first or allow torchscript");
        auto plan = read_plan(*file);
        if (!plan) return plan.status();
        if (!precision.empty() && precision != "fp32")
            return Status::failure(WB_BACKEND_UNAVAILABLE,
                                   "reference: expected precision '{}' in model.plan, found fp32", precision);
        if (Status status = check_binding(**plan, bundle->manifest()); !status.ok()) return status;
        std::vector<std::string> names;
        for (const TensorSpec &tensor : bundle->manifest().tensors) names.push_back(tensor.name);
        return make_reference_program(*plan, std::move(names));
    }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace weighbridge::lib
