// SPDX-License-Identifier: Apache-2.0
// Layouts that the native backend computes through views, each where a view once went wrong or nearly did.
#include <algorithm>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "backend/schedule.hpp"
#include "support/catch.hpp"
#include "support/graphs.hpp"
#include "support/levels.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Extents, lib::Op;
using test::GraphBuilder;

const Extent kRows = Extent::rows();
Extent of(int64_t number) { return Extent::of(number); }

void require_same(const GraphBuilder &build, std::vector<std::pair<int64_t, int64_t>> runs,
                  std::vector<int32_t> precisions = {WB_PRECISION_FP32, WB_PRECISION_INT8}, int64_t tile = 64) {
    for (int32_t precision : precisions) {
        const auto plan = build.plan({precision});
        const auto names = test::input_names(build.graph);
        auto reference = *lib::make_lone_executor(*lib::make_reference_program(plan, precision, names), 0, tile);
        auto program = lib::make_native_program(plan, precision, test::cpu_levels().back(), names);
        INFO(program.status().message);
        REQUIRE(program);
        auto native = *lib::make_lone_executor(**program, 0, tile);
        for (const auto &[rows, length] : runs) {
            CAPTURE(precision, rows, length);
            const auto inputs = test::random_inputs(build.graph, rows, length, 3);
            auto expected = test::run(*reference, build.graph, inputs.views, rows, length);
            INFO(expected.status().message);
            REQUIRE(expected);
            auto found = test::run(*native, build.graph, inputs.views, rows, length);
            INFO(found.status().message);
            REQUIRE(found);
            REQUIRE(test::same_bits(*expected, *found));
        }
    }
}

std::vector<float> numbers(int64_t count) {
    std::vector<float> made;
    for (int64_t i = 0; i < count; ++i) made.push_back(static_cast<float>(i * 37 % 23 - 11) / 16.0f);
    return made;
}

}  // namespace

TEST_CASE("results that a stack places beside each other along a new last axis") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(3), of(4)});
    const auto ids = build.input(1, DType::int64, {kRows, of(3)});
    const auto turned = build.add(Op::permute, {x}, {.order = {0, 2, 1}});
    auto stack = [&](lib::ValueId a, lib::ValueId b) {
        std::vector<lib::ValueId> parts;
        for (lib::ValueId part : {a, b}) {
            Extents shape = build.graph.type(part).shape;
            shape.push_back(of(1));
            parts.push_back(build.add(Op::reshape, {part}, {.shape = shape}));
        }
        build.output(build.add(Op::concat, parts, {.axis = static_cast<int64_t>(build.graph.type(a).rank())}));
    };
    stack(build.linear(x, 5, numbers(20)), build.linear(x, 5, numbers(20), numbers(5)));
    stack(build.add(Op::softmax, {x}),
          build.add(Op::layer_norm, {x, build.floats({4}, numbers(4)), build.floats({4}, numbers(4))},
                    {.epsilon = 1e-5}));
    stack(build.add(Op::matmul, {x, turned}), build.add(Op::matmul, {x, turned}));
    const auto q = build.add(Op::reshape, {x}, {.shape = {kRows, of(1), of(3), of(4)}});
    stack(build.add(Op::attention, {q, q, q}, {}), build.add(Op::tanh, {q}));
    stack(build.add(Op::embedding, {build.floats({5, 4}, numbers(20)), ids}), build.add(Op::neg, {x}));
    stack(build.add(Op::reduce_sum, {x}, {.axis = 1}), build.add(Op::reduce_max, {x}, {.axis = 1}));
    require_same(build, {{1, 0}, {7, 0}, {64, 0}});
}

TEST_CASE("windows of a sequence are a view whose rows overlap") {
    const auto taps = GENERATE(2, 3, 5);
    const auto stride = GENERATE(1, 2);
    GraphBuilder build(stride == 1 ? 24 : 0);
    const Extent places = stride == 1 ? Extent::length() : of(24);
    const auto x = build.input(0, DType::float32, {kRows, places, of(64)});
    const auto zeros =
        build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.0, .shape = {kRows, of(taps - 1), of(64)}});
    const auto padded = build.add(Op::concat, {zeros, build.add(Op::tanh, {x})}, {.axis = 1});
    std::vector<lib::ValueId> parts;
    for (int64_t i = 0; i < taps; ++i)
        parts.push_back(
            build.add(Op::slice, {padded},
                      {.axis = 1, .step = stride, .start = of(i), .size = stride == 1 ? places : of((24 + 1) / 2)}));
    const auto windows = build.add(Op::concat, parts, {.axis = 2});
    const auto y = build.linear(windows, 65, numbers(65 * 64 * taps), numbers(65), lib::Activation::relu);
    build.output(y);
    build.output(build.add(
        Op::layer_norm,
        {windows, build.floats({64 * taps}, numbers(64 * taps)), build.floats({64 * taps}, numbers(64 * taps))},
        {.epsilon = 1e-5}));
    std::swap(parts.front(), parts.back());
    build.output(build.linear(build.add(Op::concat, parts, {.axis = 2}), 65, numbers(65 * 64 * taps)));
    const auto schedule = lib::Schedule::make(build.graph);
    REQUIRE(schedule);
    // What is copied: the windows in another order, part by part.
    REQUIRE(std::count_if(schedule->steps.begin(), schedule->steps.end(),
                          [](const lib::StepPlan &step) { return step.copies; }) == taps);
    if (stride == 1)
        require_same(build, {{1, 24}, {1, 1}, {3, 7}, {64, 24}});
    else
        require_same(build, {{1, 0}, {3, 0}, {64, 0}});
}

TEST_CASE("products with a constant, packed at load, and with values") {
    const auto n = GENERATE(1, 7, 8, 24, 33, 64);
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(6), of(10)});
    const auto turned = build.add(Op::permute, {x}, {.order = {1, 0, 2}});
    // A layer of each feature's own: [6, rows, 10] x [6, 10, n].
    const auto own = build.add(Op::matmul, {turned, build.floats({6, 10, n}, numbers(60 * n))});
    build.output(build.add(Op::permute, {own}, {.order = {1, 0, 2}}));
    const auto shared = build.floats({10, n}, numbers(10 * n));
    build.output(build.add(Op::matmul, {x, shared}));
    // Not dense, and the constant twice.
    const auto across =
        build.add(Op::permute, {build.add(Op::reshape, {x}, {.shape = {kRows, of(10), of(6)}})}, {.order = {0, 2, 1}});
    build.output(build.add(Op::matmul, {across, shared}));
    // A product of its own for each of two groups.
    const auto four = build.add(Op::reshape, {x}, {.shape = {kRows, of(2), of(3), of(10)}});
    build.output(build.add(Op::matmul, {four, build.floats({2, 10, n}, numbers(20 * n))}));
    require_same(build, {{1, 0}, {3, 0}, {64, 0}});
}

TEST_CASE("int8 layers on views whose rows join only for some sizes") {
    SECTION("a part of the tokens, at length 1") {
        GraphBuilder build(2);
        build.graph.least_length = 1;
        const auto x = build.input(0, DType::float32, {kRows, Extent::length(), of(4)});
        const auto longer = build.add(Op::concat, {x, x}, {.axis = 1});
        const auto part =
            build.add(Op::slice, {longer}, {.axis = 1, .start = Extent::length(), .size = Extent::length()});
        build.output(build.linear(part, 300, numbers(1200)));
        require_same(build, {{1, 2}, {32, 1}, {64, 1}, {3, 2}});
    }
    SECTION("one row of many tokens in front of it") {
        GraphBuilder build;
        const auto x = build.input(0, DType::float32, {kRows, of(90), of(4)});
        const auto turned = build.add(Op::permute, {x}, {.order = {1, 0, 2}});
        const auto y = build.linear(turned, 40, numbers(160));
        build.output(build.add(Op::permute, {y}, {.order = {1, 0, 2}}));
        require_same(build, {{1, 0}, {64, 0}, {2, 0}});
    }
}

TEST_CASE("sizes that shrink as the sequence grows") {
    GraphBuilder build(40);
    const auto x = build.input(0, DType::float32, {kRows, Extent::length()});
    const auto zero =
        build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.5, .shape = {kRows, Extent::length(-1, 40)}});
    const auto padding = build.add(Op::tanh, {zero});
    build.output(build.add(Op::concat, {x, padding}, {.axis = 1}));
    require_same(build, {{1, 0}, {64, 0}, {3, 40}, {1, 40}, {33, 1}});
}

TEST_CASE("an output that is an input, a constant for each row, or a view") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(2), of(3)});
    build.output(x);
    build.output(build.add(Op::permute, {x}, {.order = {0, 2, 1}}));
    build.output(build.add(Op::expand, {build.floats({1, 3}, {1, 2, 3})}, {.shape = {kRows, of(3)}}));
    build.output(build.add(Op::slice, {x}, {.axis = 2, .step = 2, .start = of(0), .size = of(2)}));
    require_same(build, {{1, 0}, {5, 0}, {64, 0}});
}

TEST_CASE("a plan whose output does not begin with the rows is refused") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(2)});
    SECTION("a constant") { build.output(build.floats({2}, {1, 2})); }
    SECTION("one number") { build.output(build.add(Op::full, {}, {.dtype = DType::float32, .value = 1.0})); }
    SECTION("rows last") { build.output(build.add(Op::permute, {x}, {.order = {1, 0}})); }
    SECTION("integers") { build.output(build.add(Op::argmax, {x}, {.axis = 1})); }
    auto program = lib::make_native_program(build.plan(), WB_PRECISION_FP32, lib::native::Level::portable, {"x"});
    REQUIRE(program.status().code == WB_INVALID_BUNDLE);
    REQUIRE(std::string_view(program.status().message).find("outputs: expected") != std::string::npos);
}

TEST_CASE("int8 layers of odd sizes that are large enough to be int8") {
    for (const auto &[outputs, inputs] :
         {std::pair{65, 64}, std::pair{33, 125}, std::pair{129, 37}, std::pair{4, 1031}}) {
        for (lib::Range range : {lib::Range::symmetric, lib::Range::nonnegative, lib::Range::gelu}) {
            GraphBuilder build;
            auto x = build.input(0, DType::float32, {kRows, of(inputs)});
            if (range == lib::Range::nonnegative) x = build.add(Op::relu, {x});
            if (range == lib::Range::gelu) x = build.add(Op::gelu, {x});
            lib::Attributes attributes;
            attributes.bias = true;
            attributes.range = range;
            attributes.activation = lib::Activation::silu;
            const auto y = build.add(Op::linear,
                                     {x, build.floats({outputs, inputs}, numbers(outputs * inputs)),
                                      build.floats({outputs}, numbers(outputs))},
                                     attributes);
            build.output(y);
            require_same(build, {{1, 0}, {2, 0}, {3, 0}, {7, 0}, {64, 0}});
        }
    }
}
