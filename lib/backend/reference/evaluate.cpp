// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/evaluate.hpp"

#include "backend/reference/reference.hpp"

namespace weighbridge::lib {

Status evaluate(const Graph &graph, std::span<const TensorView> inputs, int64_t rows, int64_t length,
                std::vector<AlignedBuffer> &outputs) {
    auto plan = Plan::make(graph, {}, {WB_PRECISION_FP32});
    if (!plan) return plan.status();
    std::vector<std::string> names;
    for (size_t i = 0; i < inputs.size(); ++i) names.push_back(std::to_string(i));
    auto executor = make_lone_executor(*make_reference_program(*plan, WB_PRECISION_FP32, names), 0, rows);
    if (!executor) return executor.status();
    std::vector<float *> places;
    outputs.clear();
    for (ValueId id : graph.outputs()) {
        const int64_t elements = product(graph.type(id).shape)->at(rows, length);
        outputs.emplace_back(static_cast<size_t>(elements) * sizeof(float) + 64);
        places.push_back(reinterpret_cast<float *>(outputs.back().data()));
    }
    Run run;
    run.inputs = inputs;
    run.outputs = places;
    run.rows = rows;
    return (*executor)->run(run);
}

}  // namespace weighbridge::lib
