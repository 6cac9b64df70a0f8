// SPDX-License-Identifier: Apache-2.0
// Rows of different lengths in one packed run.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "support/random_graph.hpp"

namespace weighbridge::test {

// Rows of the lengths given, each with inputs of its own, packed.
struct PackedRows {
    PackedRows(const lib::Graph &of, const std::vector<int64_t> &lengths, uint32_t seed) : graph(of) {
        memory.resize(static_cast<size_t>(graph.inputs()));
        for (int64_t length : lengths) {
            rows.push_back(random_inputs(graph, 1, length, seed++));
            offsets.push_back(offsets.back() + length);
            for (size_t i = 0; i < memory.size(); ++i)
                memory[i].insert(memory[i].end(), rows.back().memory[i].begin(), rows.back().memory[i].end());
        }
        views.resize(memory.size());
        for (const lib::Node &node : graph.nodes()) {
            if (node.op != lib::Op::input) continue;
            const auto index = static_cast<size_t>(node.attributes.index);
            const auto &shape = node.type.shape;
            const bool has_length = std::find(shape.begin(), shape.end(), lib::Extent::length()) != shape.end();
            views[index] = rows[0].views[index];
            views[index].data = memory[index].data();
            for (size_t i = 0; i < shape.size(); ++i)
                views[index].shape.size[i] =
                    has_length ? shape[i].at(1, offsets.back()) : shape[i].at(static_cast<int64_t>(rows.size()), 0);
        }
    }

    int64_t length(size_t row) const { return offsets[row + 1] - offsets[row]; }
    // Of an output, of all rows.
    size_t floats(size_t output) const {
        int64_t floats = 0;
        for (size_t row = 0; row < rows.size(); ++row) floats += row_floats(graph, output, length(row));
        return static_cast<size_t>(floats);
    }

    lib::Status run(lib::Executor &executor, Outputs &outputs) const {
        std::vector<float *> places;
        outputs.clear();
        for (size_t i = 0; i < graph.outputs().size(); ++i) outputs.emplace_back(floats(i), 12345.0f);
        for (auto &output : outputs) places.push_back(output.data());
        lib::Run run;
        run.inputs = views;
        run.offsets = offsets;
        run.outputs = places;
        run.rows = static_cast<int64_t>(rows.size());
        return executor.run(run);
    }
    // Each row by itself; the first failure, if there is one.
    lib::Status run_alone(lib::Executor &executor, Outputs &outputs) const {
        outputs.assign(graph.outputs().size(), {});
        for (size_t row = 0; row < rows.size(); ++row) {
            auto one = test::run(executor, graph, rows[row].views, 1, length(row));
            if (!one) return one.status();
            for (size_t i = 0; i < outputs.size(); ++i)
                outputs[i].insert(outputs[i].end(), (*one)[i].begin(), (*one)[i].end());
        }
        return {};
    }

    const lib::Graph &graph;
    std::vector<Inputs> rows;
    std::vector<int64_t> offsets{0};
    std::vector<std::vector<std::byte>> memory;
    std::vector<lib::TensorView> views;
};

}  // namespace weighbridge::test
