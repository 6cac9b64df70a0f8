// SPDX-License-Identifier: Apache-2.0
#include "plan/binding.hpp"

namespace weighbridge::lib {
namespace {

// A tensor of the manifest as a graph has it: both symbolic sizes of a manifest are the graph's one length.
Type type_of(const TensorSpec &tensor) {
    Type type{tensor.dtype, {}};
    for (int32_t i = 0; i < tensor.shape.rank; ++i) {
        const int64_t size = tensor.shape.size[static_cast<size_t>(i)];
        type.shape.push_back(size == kBatch                       ? Extent::rows()
                             : size == kLength || size == kTokens ? Extent::length()
                                                                  : Extent::of(size));
    }
    return type;
}

Type type_of(const Output &output) {
    Type type{DType::float32, {Extent::rows()}};
    for (int32_t i = 1; i < output.shape.rank; ++i)
        type.shape.push_back(Extent::of(output.shape.size[static_cast<size_t>(i)]));
    return type;
}

}  // namespace

Status check_binding(const Plan &plan, const Manifest &manifest) {
    const Graph &graph = plan.graph();
    if (graph.inputs() > static_cast<int64_t>(manifest.tensors.size()))
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected {} inputs at most as in manifest.json, found {}",
                               manifest.tensors.size(), graph.inputs());
    bool length = false, tokens = false;
    for (const Node &node : graph.nodes()) {
        if (node.op != Op::input) continue;
        const TensorSpec &tensor = manifest.tensors[static_cast<size_t>(node.attributes.ints[0])];
        if (node.type != type_of(tensor))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "model.plan: tensor '{}': expected {} as in manifest.json, found {}", tensor.name,
                                   to_string(type_of(tensor)), to_string(node.type));
        for (int32_t i = 0; i < tensor.shape.rank; ++i) {
            length = length || tensor.shape.size[static_cast<size_t>(i)] == kLength;
            tokens = tokens || tensor.shape.size[static_cast<size_t>(i)] == kTokens;
        }
    }
    if (length && tokens)
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected tensors of one symbolic size, found length and tokens");
    if (length && graph.largest_length < manifest.limits.length)
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected lengths up to {} as limits.length in manifest.json, found {}",
                               manifest.limits.length, graph.largest_length);
    if (graph.outputs().size() != manifest.outputs.size())
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected {} outputs as in manifest.json, found {}",
                               manifest.outputs.size(), graph.outputs().size());
    for (size_t i = 0; i < graph.outputs().size(); ++i) {
        const Output &output = manifest.outputs[i];
        const Type &type = graph.type(graph.outputs()[i]);
        if (type != type_of(output))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "model.plan: output '{}': expected {} as in manifest.json, found {}", output.name,
                                   to_string(type_of(output)), to_string(type));
    }
    const auto module = manifest.files.find("model.ts");
    if (module != manifest.files.end() && module->second.sha256 != hex(plan.module()))
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected a plan of the bundle's model.ts (sha256 {}), found one of {}: "
                               "compile the bundle again",
                               module->second.sha256, hex(plan.module()));
    return Status();
}

}  // namespace weighbridge::lib
