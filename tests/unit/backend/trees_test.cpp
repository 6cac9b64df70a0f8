// SPDX-License-Identifier: Apache-2.0
// Trees by the native backend: the reference's bits for any number of trees, rows, values and levels.
#include <cmath>

#include "backend/native/native.hpp"
#include "backend/plan_trees.hpp"
#include "backend/reference/reference.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/random_trees.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;

constexpr int64_t kTile = 64;

std::vector<float> specials(int64_t count, uint32_t seed) {
    std::vector<float> numbers = test::fixed_numbers(count, seed);
    const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, std::nanf(""), 1e-41f, 1e30f};
    for (size_t i = seed % 5; i < numbers.size(); i += 6) numbers[i] = special[i / 6 % std::size(special)];
    return numbers;
}

test::Outputs run(const std::shared_ptr<const lib::Program> &program, const lib::Graph &graph, std::vector<float> &x,
                  const lib::Shape &shape, int64_t length) {
    auto executor = lib::make_lone_executor(*program, 0, kTile);
    REQUIRE(executor);
    const lib::TensorView view{DType::float32, shape, x.data()};
    auto found = test::run(**executor, graph, std::span(&view, 1), shape.size[0], length);
    INFO(found.status().message);
    REQUIRE(found);
    return *found;
}

void require_same(const test::GraphBuilder &build, const lib::Shape &shape, int64_t length = 0) {
    const auto plan = build.plan();
    std::vector<float> x = specials(shape.elements(), static_cast<uint32_t>(shape.size[0]));
    x.resize(x.size() + 16);
    const auto names = test::input_names(build.graph);
    const auto expected =
        run(lib::make_reference_program(plan, WB_PRECISION_FP32, names), build.graph, x, shape, length);
    for (lib::native::Level level : test::cpu_levels()) {
        auto program = lib::make_native_program(plan, WB_PRECISION_FP32, level, names);
        REQUIRE(program);
        CAPTURE(lib::native::name_of(level));
        REQUIRE(test::same_bits(expected, run(*program, build.graph, x, shape, length)));
    }
}

}  // namespace

TEST_CASE("trees side by side have the reference's bits", "[trees]") {
    for (const int64_t trees : {1, 2, 15, 16, 17, 100})
        for (const int64_t width : {1, 3}) {
            CAPTURE(trees, width);
            test::GraphBuilder build;
            const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(11)});
            build.output(test::RandomTrees(static_cast<uint32_t>(trees), 11, trees, 7, width).operation(build, x));
            for (const int64_t rows : {1, 2, 17, 64}) require_same(build, {2, {rows, 11}});
        }
}

TEST_CASE("trees of a part of a row, of every place of a sequence and beside others in one result", "[trees]") {
    test::GraphBuilder part;
    const auto x = part.input(0, DType::float32, {Extent::rows(), Extent::of(12)});
    const auto every = part.add(Op::slice, {x}, {.axis = 1, .step = 2, .start = Extent::of(1), .size = Extent::of(5)});
    const auto few = test::RandomTrees(3, 5, 12, 5, 2).operation(part, every);
    const auto more = test::RandomTrees(5, 12, 3, 4, 1).operation(part, x);
    part.output(part.add(Op::concat, {few, x, more}, {.axis = 1}));
    for (const int64_t rows : {1, 9}) require_same(part, {2, {rows, 12}});

    test::GraphBuilder sequence(6);
    const auto past = sequence.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(4)});
    const auto found = test::RandomTrees(7, 4, 10, 4, 1).operation(sequence, past);
    sequence.output(sequence.add(Op::reduce_sum, {found}, {.axis = 1}));
    for (const int64_t length : {0, 1, 6}) require_same(sequence, {3, {5, length, 4}}, length);
}

TEST_CASE("a run of many trees ends soon where it is cancelled", "[trees]") {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(4)});
    const auto wide = build.add(Op::reshape, {x}, {.shape = {Extent::rows(), Extent::of(1), Extent::of(4)}});
    const auto places = build.add(Op::expand, {wide}, {.shape = {Extent::rows(), Extent::of(4000), Extent::of(4)}});
    const auto found = test::RandomTrees(2, 4, 60, 8, 1).operation(build, places);
    build.output(build.add(Op::reduce_sum, {found}, {.axis = 1}));
    auto program = lib::make_native_program(build.plan(), WB_PRECISION_FP32, lib::native::Level::portable, {"x"});
    REQUIRE(program);
    auto executor = lib::make_lone_executor(**program, 0, 2);
    std::vector<float> numbers = specials(2 * 4, 1);
    numbers.resize(64);
    const lib::TensorView view{DType::float32, {2, {2, 4}}, numbers.data()};
    lib::CancelToken cancel;
    cancel.set(true);
    auto ended =
        test::run(**executor, build.graph, std::span(&view, 1), 2, 0, {&lib::steady_clock(), &cancel, WB_NO_DEADLINE});
    REQUIRE_FALSE(ended);
    REQUIRE(ended.status().code == WB_CANCELLED);
}

TEST_CASE("what the forests of a plan keep beside it counts as its memory", "[trees]") {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(4)});
    const test::RandomTrees trees(2, 4, 60, 8, 1);
    build.output(trees.operation(build, x));
    const auto plan = build.plan();
    auto program = lib::make_native_program(plan, WB_PRECISION_FP32, lib::native::Level::portable, {"x"});
    REQUIRE((*program)->weight_bytes() == plan->bytes(WB_PRECISION_FP32) + trees.count() * 16 + trees.trees() * 8);
}
