// SPDX-License-Identifier: Apache-2.0
// Recurrences: each kernel has its twin's bits, whole plans those of the reference, alone, in batches and packed, and
// all of them are what the formulas say.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "backend/reference/twins.hpp"
#include "native_kernels.hpp"
#include "support/catch.hpp"
#include "support/graphs.hpp"
#include "support/levels.hpp"
#include "support/packed_rows.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
namespace twins = weighbridge::lib::reference::twins;
using lib::Recurrence, lib::DType, lib::Extent, lib::Op;
using native_kernels::Guarded, native_kernels::Random;

constexpr Recurrence kAll[] = {Recurrence::lstm, Recurrence::gru, Recurrence::tanh, Recurrence::relu};

int64_t extent(int64_t rows, int64_t stride, int64_t width) { return (rows - 1) * stride + width; }

void require_twins_bits(Recurrence cell, int64_t rows, int64_t width, Random &random) {
    const int64_t gates = lib::gates_of(cell) * width, states = lib::states_of(cell) * width;
    lib::kernel::Gates g{};
    g.cell = cell;
    g.rows = rows;
    g.width = width;
    g.x_stride = gates + random.between(0, 3);
    g.a_stride = random.between(0, 2) == 0 ? 0 : gates + random.between(0, 3);
    g.before_stride = states + random.between(0, 3);
    g.y_stride = states + random.between(0, 3);
    Guarded<float> x(extent(rows, g.x_stride, gates)), a(extent(rows, g.a_stride, gates)),
        before(extent(rows, g.before_stride, states)), expected(extent(rows, g.y_stride, states)),
        found(expected.size());
    for (auto *each : {&x, &a, &before}) random.normals(*each);
    const float specials[] = {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(),
                              0.0f,
                              -0.0f,
                              1e-40f,
                              3e38f,
                              -95.0f,
                              200.0f};
    x[random.between(0, x.size() - 1)] = specials[random.between(0, 8)];
    a[random.between(0, a.size() - 1)] = specials[random.between(0, 8)];
    g.x = x.data();
    g.a = random.between(0, 4) == 0 ? nullptr : a.data();
    g.before = random.between(0, 4) == 0 ? nullptr : before.data();
    expected.fill(-7.0f);
    g.y = expected.data();
    twins::gates(g);
    for (const auto &level : native_kernels::tested_levels()) {
        found.fill(-7.0f);
        g.y = found.data();
        level.kernels->gates(g);
        const int64_t at = native_kernels::first_difference(expected.data(), found.data(), found.size());
        CAPTURE(level.name, static_cast<int>(cell), rows, width, at);
        REQUIRE(at < 0);
    }
}

struct Layer {
    Recurrence cell = Recurrence::lstm;
    int64_t width = 1;
    bool bias = true, reverse = false, state = false;
    std::vector<float> weights, biases;
};

// Gates [batch, (2,) t, g h] are an argument, and the state [batch, (2,) s h] where there is one.
test::GraphBuilder graph_of(Layer &layer, const Extent &places, bool heads, int64_t largest_length) {
    test::GraphBuilder build(largest_length);
    const int64_t gates = lib::gates_of(layer.cell) * layer.width, states = lib::states_of(layer.cell) * layer.width;
    lib::Extents x{Extent::rows()}, state{Extent::rows()};
    if (heads) {
        x.push_back(Extent::of(2));
        state.push_back(Extent::of(2));
    }
    x.push_back(places);
    x.push_back(Extent::of(gates));
    state.push_back(Extent::of(states));
    layer.weights = test::fixed_numbers(gates * layer.width, 5, 1.5f / std::sqrt(static_cast<float>(layer.width)));
    layer.biases = test::fixed_numbers(gates, 6, 0.5f);
    std::vector<lib::ValueId> operands{build.input(0, DType::float32, x),
                                       build.floats({gates, layer.width}, layer.weights)};
    if (layer.bias) operands.push_back(build.floats({gates}, layer.biases));
    if (layer.state) operands.push_back(build.input(1, DType::float32, state));
    build.output(build.add(Op::recurrent, operands,
                           {.bias = layer.bias, .cell = layer.cell, .reverse = layer.reverse, .state = layer.state}));
    return build;
}

test::Outputs ran(lib::Executor &executor, const lib::Graph &graph, std::span<const lib::TensorView> inputs,
                  int64_t rows, int64_t length) {
    auto outputs = test::run(executor, graph, inputs, rows, length);
    INFO(outputs.status().message);
    REQUIRE(outputs);
    return *outputs;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The formulas of LibTorch's documentation, in double.
std::vector<double> by_formula(const Layer &layer, std::span<const float> x, std::span<const float> state,
                               int64_t places) {
    const auto h = static_cast<size_t>(layer.width), states = static_cast<size_t>(lib::states_of(layer.cell));
    const size_t gates = static_cast<size_t>(lib::gates_of(layer.cell)) * h;
    std::vector<double> all(static_cast<size_t>(places) * states * h), before(2 * h, 0.0);
    std::copy(state.begin(), state.end(), before.begin());
    for (int64_t i = 0; i < places; ++i) {
        const auto place = static_cast<size_t>(layer.reverse ? places - 1 - i : i);
        std::vector<double> a(gates, 0.0);
        for (size_t n = 0; n < gates; ++n) {
            if (layer.bias) a[n] = layer.biases[n];
            for (size_t k = 0; k < h; ++k) a[n] += layer.weights[n * h + k] * before[k];
        }
        std::vector<double> now(2 * h, 0.0);
        for (size_t n = 0; n < h; ++n) {
            auto in = [&](size_t part) { return static_cast<double>(x[place * gates + part * h + n]); };
            auto u = [&](size_t part) { return in(part) + a[part * h + n]; };
            if (layer.cell == Recurrence::lstm) {
                now[h + n] = sigmoid(u(1)) * before[h + n] + sigmoid(u(0)) * std::tanh(u(2));
                now[n] = sigmoid(u(3)) * std::tanh(now[h + n]);
            } else if (layer.cell == Recurrence::gru) {
                const double fresh = std::tanh(in(2) + sigmoid(u(0)) * a[2 * h + n]);
                now[n] = (1 - sigmoid(u(1))) * fresh + sigmoid(u(1)) * before[n];
            } else {
                now[n] = layer.cell == Recurrence::tanh ? std::tanh(u(0)) : std::max(u(0), 0.0);
            }
        }
        before = now;
        std::copy_n(now.begin(), states * h, all.begin() + static_cast<ptrdiff_t>(place * states * h));
    }
    return all;
}

}  // namespace

TEST_CASE("a recurrence's gates have their twin's bits at every level", "[recurrent]") {
    Random random(31);
    for (Recurrence cell : kAll) {
        for (int64_t width = 1; width <= 50; ++width) require_twins_bits(cell, random.between(1, 6), width, random);
        for (int64_t width : {64, 128, 200}) require_twins_bits(cell, 3, width, random);
    }
}

TEST_CASE("a recurrence is what its formula says", "[recurrent]") {
    for (Recurrence cell : kAll)
        for (int turn = 0; turn < 8; ++turn) {
            Layer layer{cell, turn < 4 ? 7 : 33, (turn & 1) != 0, (turn & 2) != 0, turn % 3 == 1, {}, {}};
            const auto build = graph_of(layer, Extent::length(), false, 12);
            auto program = lib::make_reference_program(build.plan(), WB_PRECISION_FP32, test::input_names(build.graph));
            auto executor = *lib::make_lone_executor(*program, 0, 4);
            const auto inputs = test::random_inputs(build.graph, 1, 9, static_cast<uint32_t>(turn) + 1);
            const auto found = ran(*executor, build.graph, inputs.views, 1, 9);
            auto floats = [&](size_t index) {
                const auto &memory = inputs.memory[index];
                return std::span(reinterpret_cast<const float *>(memory.data()), memory.size() / sizeof(float));
            };
            const auto expected = by_formula(layer, floats(0), layer.state ? floats(1) : std::span<const float>(), 9);
            CAPTURE(static_cast<int>(cell), turn);
            double size = 1;
            for (double each : expected) size = std::max(size, std::fabs(each));
            REQUIRE(found[0].size() == expected.size());
            for (size_t i = 0; i < expected.size(); ++i)
                REQUIRE(std::fabs(static_cast<double>(found[0][i]) - expected[i]) <= 3e-6 * size);
            if (cell != Recurrence::relu)
                for (size_t i = 0; i < found[0].size(); ++i) {
                    const bool h = static_cast<int64_t>(i) % (lib::states_of(cell) * layer.width) < layer.width;
                    if (h) REQUIRE(std::fabs(found[0][i]) <= (layer.state ? 2.0f : 1.0f));
                }
        }
}

TEST_CASE("recurrences have the reference's bits at every level and precision, alone and in batches", "[recurrent]") {
    uint32_t seed = 0;
    for (Recurrence cell : kAll)
        for (int64_t width : {3, 32, 40, 70})
            for (int turn = 0; turn < 4; ++turn) {
                Layer layer{cell, width, (turn & 1) != 0, (turn & 2) != 0, turn >= 2, {}, {}};
                const bool heads = turn == 3;
                const auto build = graph_of(layer, Extent::of(6), heads, 0);
                const auto inputs = test::random_inputs(build.graph, 21, 0, ++seed);
                for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8, WB_PRECISION_BF16}) {
                    const auto plan = build.plan({WB_PRECISION_FP32, WB_PRECISION_INT8, WB_PRECISION_BF16});
                    auto twin = lib::make_reference_program(plan, precision, test::input_names(build.graph));
                    const auto expected =
                        ran(**lib::make_lone_executor(*twin, 0, 21), build.graph, inputs.views, 21, 0);
                    for (lib::native::Level level : test::cpu_levels()) {
                        auto program = lib::make_native_program(plan, precision, level, test::input_names(build.graph));
                        if (precision == WB_PRECISION_BF16 && (!program || level == lib::native::Level::amx)) continue;
                        auto executor = *lib::make_lone_executor(**program, 0, 21);
                        CAPTURE(static_cast<int>(cell), width, turn, precision, lib::native::name_of(level));
                        REQUIRE(test::same_bits(expected, ran(*executor, build.graph, inputs.views, 21, 0)));
                        const auto alone = ran(*executor, build.graph, inputs.row(20), 1, 0);
                        REQUIRE(test::same_bits(alone[0], std::span(expected[0]).last(alone[0].size())));
                    }
                }
            }
}

TEST_CASE("recurrences packed have the bits of each sequence alone", "[recurrent][packed]") {
    for (Recurrence cell : kAll) {
        Layer layer{cell, 19, true, cell == Recurrence::gru, false, {}, {}};
        const auto build = graph_of(layer, Extent::length(), false, 40);
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
            const auto plan = build.plan({precision});
            auto twin = *lib::make_lone_executor(*lib::make_reference_program(plan, precision, {"x"}), 0, 16);
            const test::PackedRows rows(build.graph, {3, 0, 17, 17, 40, 1}, 9);
            test::Outputs expected;
            REQUIRE(rows.run_alone(*twin, expected).ok());
            for (lib::native::Level level : test::cpu_levels()) {
                auto executor =
                    *lib::make_lone_executor(**lib::make_native_program(plan, precision, level, {"x"}), 0, 16);
                test::Outputs found;
                REQUIRE(rows.run(*executor, found).ok());
                REQUIRE(test::same_bits(expected, found));
            }
        }
    }
}
