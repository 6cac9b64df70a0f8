// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <vector>

#include "plan/plan_file.hpp"
#include "support/graphs.hpp"

namespace weighbridge::test {

// Numbers in [-1, 1) from a fixed recurrence, so that the same plan is made everywhere.
inline std::vector<float> fixed_numbers(int64_t count, uint32_t seed, float size = 1.0f) {
    std::vector<float> numbers;
    for (int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        numbers.push_back(static_cast<float>(static_cast<int32_t>(seed >> 8) - (1 << 23)) / 8388608.0f * size);
    }
    return numbers;
}

// Numbers [batch, width] and a category [batch] of five, hidden layers, one output of one and one of two.
inline GraphBuilder mlp_graph(int64_t width = 6, int64_t hidden = 8) {
    using namespace lib;
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(width)});
    const auto category = build.input(1, DType::int64, {Extent::rows()});
    const auto table = build.floats({5, 4}, fixed_numbers(20, 1));
    const auto joined = build.add(Op::concat, {x, build.add(Op::embedding, {table, category})}, {.axis = 1});
    auto linear = [&](GraphBuilder::Value from, int64_t n, uint32_t seed, Activation activation, Range range) {
        const int64_t k = build.graph.type(from).shape.back().terms[0];
        Attributes attributes;
        attributes.bias = true;
        attributes.activation = activation;
        attributes.range = range;
        return build.add(Op::linear,
                         {from, build.floats({n, k}, fixed_numbers(n * k, seed, 0.5f)),
                          build.floats({n}, fixed_numbers(n, seed + 7))},
                         attributes);
    };
    const auto first = linear(joined, hidden, 2, Activation::relu, Range::symmetric);
    const auto second = linear(first, hidden, 3, Activation::gelu, Range::nonnegative);
    build.output(build.add(Op::sigmoid, {linear(second, 1, 4, Activation::none, Range::gelu)}));
    build.output(build.add(Op::softmax, {linear(second, 2, 5, Activation::none, Range::gelu)}));
    return build;
}

// Tokens [batch, length] of eleven and numbers [batch, length, 3], two heads, one layer, one output of the last token.
inline GraphBuilder transformer_graph(int64_t width = 8, int64_t largest_length = 12) {
    using namespace lib;
    GraphBuilder build(largest_length);
    build.graph.least_length = 1;
    const Extent rows = Extent::rows(), length = Extent::length(), wide = Extent::of(width);
    const auto ids = build.input(0, DType::int64, {rows, length});
    const auto past = build.input(1, DType::float32, {rows, length, Extent::of(3)});
    auto linear = [&](GraphBuilder::Value from, int64_t n, uint32_t seed, Activation activation = Activation::none,
                      Range range = Range::symmetric, std::vector<GraphBuilder::Value> residual = {}) {
        const int64_t k = build.graph.type(from).shape.back().terms[0];
        Attributes attributes;
        attributes.bias = true;
        attributes.activation = activation;
        attributes.range = range;
        attributes.residual = !residual.empty();
        std::vector<GraphBuilder::Value> operands{from, build.floats({n, k}, fixed_numbers(n * k, seed, 0.5f)),
                                                  build.floats({n}, fixed_numbers(n, seed + 7))};
        operands.insert(operands.end(), residual.begin(), residual.end());
        return build.add(Op::linear, operands, attributes);
    };
    auto norm = [&](GraphBuilder::Value from, uint32_t seed) {
        return build.add(Op::layer_norm,
                         {from, build.floats({width}, fixed_numbers(width, seed)),
                          build.floats({width}, fixed_numbers(width, seed + 1))},
                         {.epsilon = 1e-5});
    };
    const auto table = build.floats({11, width}, fixed_numbers(11 * width, 1));
    const auto x = build.add(Op::add, {build.add(Op::embedding, {table, ids}), linear(past, width, 2)});
    const auto merged = linear(x, 3 * width, 3);
    auto part = [&](int64_t index) {
        const auto own = build.add(Op::slice, {merged}, {.axis = 2, .start = Extent::of(index * width), .size = wide});
        const auto apart =
            build.add(Op::reshape, {own}, {.shape = {rows, length, Extent::of(2), Extent::of(width / 2)}});
        return build.add(Op::permute, {apart}, {.order = {0, 2, 1, 3}});
    };
    Attributes attributes;
    attributes.scale = 0.5;
    const auto attended = build.add(Op::attention, {part(0), part(1), part(2)}, attributes);
    const auto joined = build.add(Op::reshape, {build.add(Op::permute, {attended}, {.order = {0, 2, 1, 3}})},
                                  {.shape = {rows, length, wide}});
    const auto after = norm(linear(joined, width, 4, Activation::none, Range::symmetric, {x}), 5);
    const auto hidden = linear(after, 2 * width, 6, Activation::gelu);
    const auto last = norm(linear(hidden, width, 8, Activation::none, Range::gelu, {after}), 9);
    const auto token = build.add(Op::slice, {last}, {.axis = 1, .start = Extent::length(1, -1), .size = Extent::of(1)});
    const auto flat = build.add(Op::reshape, {token}, {.shape = {rows, wide}});
    build.output(build.add(Op::sigmoid, {linear(flat, 1, 10)}));
    return build;
}

// A plan's bytes with a checksum that fits again.
inline lib::Bytes resealed(lib::Bytes file) {
    if (file.size() < 32) return file;
    auto digest = *lib::sha256(lib::ByteView(file).first(file.size() - 32));
    std::memcpy(file.data() + file.size() - 32, digest.data(), 32);
    return file;
}

// Reads bytes as a plan, from their own memory at a multiple of 64.
inline lib::Expected<std::shared_ptr<const lib::Plan>> read_copy(lib::ByteView bytes,
                                                                 lib::Checksum checksum = lib::Checksum::compare) {
    auto memory = std::make_shared<lib::AlignedBuffer>(bytes.size() + 1);
    if (!bytes.empty()) std::memcpy(memory->data(), bytes.data(), bytes.size());
    const lib::ByteView view(memory->data(), bytes.size());
    return lib::read_plan(view, std::move(memory), checksum);
}

}  // namespace weighbridge::test
