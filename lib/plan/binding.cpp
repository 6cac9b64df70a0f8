// SPDX-License-Identifier: Apache-2.0
#include "plan/binding.hpp"

namespace weighbridge::lib {
namespace {

Status check_tensor(const TensorSpec &tensor, const PlanInput &input) {
    const Shape &shape = tensor.shape;
    if (shape.rank < 1 || shape.rank > 2 || (shape.rank == 2 && shape.size[1] < 1))
        return Status::failure(
            WB_INVALID_BUNDLE,
            "model.plan: tensor '{}': expected [batch] or [batch, width] in manifest.json (plan version 0 "
            "has no sequences), found rank {} with a symbolic size",
            tensor.name, shape.rank);
    int64_t width = shape.rank == 2 ? shape.size[1] : 1;
    if (tensor.dtype != input.dtype || shape.rank != input.rank || width != input.width)
        return Status::failure(
            WB_INVALID_BUNDLE,
            "model.plan: tensor '{}': expected {} of rank {} and width {} as in manifest.json, found {} of "
            "rank {} and width {}",
            tensor.name, name_of(tensor.dtype), shape.rank, width, name_of(input.dtype), input.rank, input.width);
    return Status();
}

}  // namespace

Status check_binding(const Plan &plan, const Manifest &manifest) {
    const PlanData &data = plan.data();
    if (data.inputs.size() != manifest.tensors.size())
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected {} inputs as in manifest.json, found {}",
                               manifest.tensors.size(), data.inputs.size());
    for (size_t i = 0; i < data.inputs.size(); ++i)
        if (Status status = check_tensor(manifest.tensors[i], data.inputs[i]); !status.ok()) return status;
    if (data.outputs.size() != manifest.outputs.size())
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected {} outputs as in manifest.json, found {}",
                               manifest.outputs.size(), data.outputs.size());
    for (size_t i = 0; i < data.outputs.size(); ++i) {
        const Output &output = manifest.outputs[i];
        if (plan.width(data.outputs[i]) != output.width)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "model.plan: output '{}': expected width {} as in manifest.json, found {}",
                                   output.name, output.width, plan.width(data.outputs[i]));
    }
    return Status();
}

}  // namespace weighbridge::lib
