// SPDX-License-Identifier: Apache-2.0
#include "backend/plan_run.hpp"

#include <algorithm>

namespace weighbridge::lib {

std::vector<ValueId> input_nodes(const Graph &graph) {
    std::vector<ValueId> inputs;
    for (ValueId id = 0; id < graph.nodes().size(); ++id)
        if (graph.node(id).op == Op::input) inputs.push_back(id);
    return inputs;
}

namespace {

bool has_length(const Type &type) {
    return std::find(type.shape.begin(), type.shape.end(), Extent::length()) != type.shape.end();
}

Status check_length(const Graph &graph, int64_t length) {
    if (length >= graph.least_length && length <= graph.largest_length) return {};
    return Status::failure(WB_BACKEND_FAILED, "sequences: expected a length in [{}, {}] as the plan takes, got {}{}",
                           graph.least_length, graph.largest_length, length,
                           length < graph.least_length ? "; pack again with that limits.least_length" : "");
}

Status check_offsets(const Run &run, const Graph &graph) {
    if (run.offsets.size() != static_cast<size_t>(run.rows) + 1 || run.offsets[0] != 0)
        return Status::failure(WB_INTERNAL, "packed run: expected {} offsets from 0 on, found {}", run.rows + 1,
                               run.offsets.size());
    for (size_t row = 0; row + 1 < run.offsets.size(); ++row)
        if (Status status = check_length(graph, run.offsets[row + 1] - run.offsets[row]); !status.ok()) return status;
    return {};
}

// Whether an input has the sizes of its type, in a run whose sequences have `length` places, or in a packed one as many
// together.
bool fits(const Type &type, const TensorView &view, const Run &run, int64_t length) {
    if (view.dtype != type.dtype || view.shape.rank != static_cast<int32_t>(type.rank())) return false;
    const int64_t rows = run.offsets.empty() || !has_length(type) ? run.rows : 1;
    for (size_t i = 0; i < type.rank(); ++i)
        if (view.shape.size[i] != type.shape[i].at(rows, length)) return false;
    return true;
}

}  // namespace

bool has_length(const Graph &graph) { return packed_input(graph) >= 0; }

int packed_input(const Graph &graph) {
    for (ValueId id : input_nodes(graph))
        if (has_length(graph.type(id))) return static_cast<int>(graph.node(id).attributes.index);
    return -1;
}

Expected<int64_t> check_run(const Run &run, const Graph &graph, std::span<const ValueId> inputs, int64_t tile_rows,
                            const std::vector<std::string> &tensor_names) {
    if (run.rows < 0 || run.rows > tile_rows)
        return Status::failure(WB_INTERNAL, "expected 0 to {} rows, found {}", tile_rows, run.rows);
    if (run.inputs.size() != tensor_names.size() || run.outputs.size() != graph.outputs().size())
        return Status::failure(WB_INTERNAL, "expected {} inputs and {} outputs, found {} and {}", tensor_names.size(),
                               graph.outputs().size(), run.inputs.size(), run.outputs.size());
    if (!run.offsets.empty())
        if (Status status = check_offsets(run, graph); !status.ok()) return status;
    int64_t length = run.offsets.empty() ? -1 : run.offsets.back();
    for (ValueId id : inputs) {
        const Node &node = graph.node(id);
        const auto index = static_cast<size_t>(node.attributes.index);
        const TensorView &view = run.inputs[index];
        for (size_t i = 0; length < 0 && i < node.type.rank() && view.shape.rank > static_cast<int32_t>(i); ++i)
            if (node.type.shape[i] == Extent::length()) length = view.shape.size[i];
        if (!fits(node.type, view, run, std::max<int64_t>(length, 0)))
            return Status::failure(WB_INTERNAL, "tensor '{}': expected {} for {} rows, found {} of rank {}",
                                   tensor_names[index], to_string(node.type), run.rows, name_of(view.dtype),
                                   view.shape.rank);
    }
    if (length < 0) return 0;
    if (run.offsets.empty())
        if (Status status = check_length(graph, length); !status.ok()) return status;
    return length;
}

}  // namespace weighbridge::lib
