// SPDX-License-Identifier: Apache-2.0
#include "backend/plan_run.hpp"

namespace weighbridge::lib {

std::vector<ValueId> input_nodes(const Graph &graph) {
    std::vector<ValueId> inputs;
    for (ValueId id = 0; id < graph.nodes().size(); ++id)
        if (graph.node(id).op == Op::input) inputs.push_back(id);
    return inputs;
}

bool has_length(const Graph &graph) {
    for (ValueId id : input_nodes(graph))
        for (const Extent &size : graph.type(id).shape)
            if (size == Extent::length()) return true;
    return false;
}

Expected<int64_t> check_run(const Run &run, const Graph &graph, std::span<const ValueId> inputs, int64_t tile_rows,
                            const std::vector<std::string> &tensor_names) {
    if (run.rows < 0 || run.rows > tile_rows)
        return Status::failure(WB_INTERNAL, "expected 0 to {} rows, found {}", tile_rows, run.rows);
    if (run.inputs.size() != tensor_names.size() || run.outputs.size() != graph.outputs().size())
        return Status::failure(WB_INTERNAL, "expected {} inputs and {} outputs, found {} and {}", tensor_names.size(),
                               graph.outputs().size(), run.inputs.size(), run.outputs.size());
    int64_t length = -1;
    for (ValueId id : inputs) {
        const Node &node = graph.node(id);
        const auto index = static_cast<size_t>(node.attributes.index);
        const TensorView &view = run.inputs[index];
        bool fits = view.dtype == node.type.dtype && view.shape.rank == static_cast<int32_t>(node.type.rank());
        for (size_t i = 0; fits && i < node.type.rank(); ++i) {
            const Extent &size = node.type.shape[i];
            if (length < 0 && size == Extent::length()) length = view.shape.size[i];
            fits = view.shape.size[i] == size.at(run.rows, std::max<int64_t>(length, 0));
        }
        if (!fits)
            return Status::failure(WB_INTERNAL, "tensor '{}': expected {} for {} rows, found {} of rank {}",
                                   tensor_names[index], to_string(node.type), run.rows, name_of(view.dtype),
                                   view.shape.rank);
    }
    if (length < 0) return 0;
    if (length < graph.least_length || length > graph.largest_length)
        return Status::failure(WB_BACKEND_FAILED, "sequences: expected a length in [{}, {}] as the plan takes, got {}",
                               graph.least_length, graph.largest_length, length);
    return length;
}

}  // namespace weighbridge::lib
