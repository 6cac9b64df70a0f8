// SPDX-License-Identifier: Apache-2.0
#include "backend/plan_backend.hpp"

#include "plan/binding.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {

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
        auto wanted = precision_of(precision);
        if (!wanted) return wanted.status();
        chosen.precision = *wanted;
        if (!chosen.plan->has(*wanted)) {
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
        const auto index = static_cast<size_t>(node.attributes.ints[0]);
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
