// SPDX-License-Identifier: Apache-2.0
#include "model/binding.hpp"

#include <algorithm>

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

// The symbolic size of a tensor after the rows; kBatch where it has none.
int64_t symbol_of(const TensorSpec &tensor) {
    const auto first = tensor.shape.size.begin(), last = first + tensor.shape.rank;
    const auto found = std::find_if(first, last, [](int64_t size) { return size == kLength || size == kTokens; });
    return found == last ? kBatch : *found;
}

}  // namespace

int64_t most_tokens(const Feature &text) {
    for (const Encoding &step : text.encoding)
        if (const auto *tokenise = std::get_if<Tokenise>(&step)) return tokenise->max_tokens;
    return 0;
}

Expected<int64_t> largest_size(const Manifest &manifest, std::span<const TensorSpec *const> tensors) {
    const TensorSpec *first = nullptr;
    for (const TensorSpec *tensor : tensors) {
        const int64_t symbol = symbol_of(*tensor);
        if (symbol == kBatch) continue;
        if (!first) first = tensor;
        if (symbol_of(*first) != symbol)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "tensors '{}' and '{}': expected one symbolic size, found length and tokens; give "
                                   "the text a fixed size",
                                   first->name, tensor->name);
        if (symbol == kTokens && first->features != tensor->features)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "tensors '{}' and '{}': expected tokens of one text, found two texts; give one of "
                                   "them a fixed size",
                                   first->name, tensor->name);
    }
    if (!first) return int64_t{0};
    return symbol_of(*first) == kLength ? manifest.limits.length
                                        : most_tokens(manifest.features[first->features.front()]);
}

Status check_binding(const Plan &plan, const Manifest &manifest) {
    const Graph &graph = plan.graph();
    if (graph.inputs() > static_cast<int64_t>(manifest.tensors.size()))
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected {} inputs at most as in manifest.json, found {}",
                               manifest.tensors.size(), graph.inputs());
    std::vector<const TensorSpec *> used;
    for (const Node &node : graph.nodes()) {
        if (node.op != Op::input) continue;
        const TensorSpec &tensor = manifest.tensors[static_cast<size_t>(node.attributes.index)];
        if (node.type != type_of(tensor))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "model.plan: tensor '{}': expected {} as in manifest.json, found {}", tensor.name,
                                   to_string(type_of(tensor)), to_string(node.type));
        used.push_back(&tensor);
    }
    const auto largest = largest_size(manifest, used);
    if (!largest) return Status::failure(largest.status().code, "model.plan: {}", largest.status().message);
    if (graph.largest_length < *largest)
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected lengths up to {} as limits.length or max_tokens in "
                               "manifest.json, found {}: compile the bundle again",
                               *largest, graph.largest_length);
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
    const auto module = manifest.files.find(kModuleFile);
    if (module != manifest.files.end() && module->second.sha256 != hex(plan.module()))
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected a plan of the bundle's model.ts (sha256 {}), found one of {}: "
                               "compile the bundle again",
                               module->second.sha256, hex(plan.module()));
    return Status();
}

}  // namespace weighbridge::lib
