// SPDX-License-Identifier: Apache-2.0
// Inputs for graphs, and runs of them.
#include <cmath>
#include <cstring>
#include <random>

#include "support/random_graph.hpp"

namespace weighbridge::test {

Inputs random_inputs(const lib::Graph &graph, int64_t rows, int64_t length, uint32_t seed) {
    std::mt19937 random(seed);
    Inputs inputs;
    inputs.memory.resize(static_cast<size_t>(graph.inputs()));
    inputs.views.resize(inputs.memory.size());
    for (const lib::Node &node : graph.nodes()) {
        if (node.op != lib::Op::input) continue;
        const auto index = static_cast<size_t>(node.attributes.index);
        lib::TensorView &view = inputs.views[index];
        view.dtype = node.type.dtype;
        view.shape.rank = static_cast<int32_t>(node.type.rank());
        for (size_t i = 0; i < node.type.rank(); ++i) view.shape.size[i] = node.type.shape[i].at(rows, length);
        auto &memory = inputs.memory[index];
        memory.resize(static_cast<size_t>(view.shape.elements()) * size_of(view.dtype));
        auto fill = [&](auto zero, auto make) {
            using T = decltype(zero);
            for (size_t at = 0; at < memory.size(); at += sizeof(T)) {
                const T value = static_cast<T>(make());
                std::memcpy(memory.data() + at, &value, sizeof(T));
            }
        };
        auto real = [&] { return static_cast<double>(random()) / 1431655765.0 - 1.5; };
        auto small = [&] { return random() % 5; };
        switch (view.dtype) {
            case lib::DType::float32:
                fill(float{}, real);
                break;
            case lib::DType::float64:
                fill(double{}, real);
                break;
            case lib::DType::int64:
                fill(int64_t{}, small);
                break;
            case lib::DType::int32:
                fill(int32_t{}, small);
                break;
            case lib::DType::boolean:
                fill(uint8_t{}, [&] { return random() % 2; });
        }
        view.data = memory.data();
    }
    return inputs;
}

std::vector<lib::TensorView> Inputs::row(int64_t index) const {
    std::vector<lib::TensorView> one = views;
    for (lib::TensorView &view : one) {
        const int64_t rows = view.shape.size[0];
        if (rows == 0) continue;
        const int64_t bytes = view.shape.elements() / rows * static_cast<int64_t>(size_of(view.dtype));
        view.data = static_cast<const std::byte *>(view.data) + index * bytes;
        view.shape.size[0] = 1;
    }
    return one;
}

int64_t row_floats(const lib::Graph &graph, size_t output, int64_t length) {
    return lib::product(graph.type(graph.outputs()[output]).shape)->at(1, length);
}

lib::Expected<Outputs> run(lib::Executor &executor, const lib::Graph &graph, std::span<const lib::TensorView> inputs,
                           int64_t rows, int64_t length, const lib::StopSource &stop) {
    Outputs outputs;
    std::vector<float *> places;
    for (size_t i = 0; i < graph.outputs().size(); ++i)
        outputs.emplace_back(static_cast<size_t>(rows * row_floats(graph, i, length)), 12345.0f);
    for (auto &output : outputs) places.push_back(output.data());
    lib::Run one;
    one.inputs = inputs;
    one.outputs = places;
    one.rows = rows;
    one.stop = stop;
    if (lib::Status status = executor.run(one); !status.ok()) return status;
    return outputs;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
    return true;
}

bool same_bits(const Outputs &a, const Outputs &b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
        if (!same_bits(std::span<const float>(a[i]), std::span<const float>(b[i]))) return false;
    return true;
}

std::vector<std::string> input_names(const lib::Graph &graph) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < graph.inputs(); ++i) names.push_back("input " + std::to_string(i));
    return names;
}

}  // namespace weighbridge::test
