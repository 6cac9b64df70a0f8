// SPDX-License-Identifier: Apache-2.0
// The native backend on random graphs: the reference's bits, at every CPU level, for any rows and lengths.
#include "backend/native/native.hpp"

#include <algorithm>

#include "backend/reference/reference.hpp"
#include "support/catch.hpp"
#include "support/graphs.hpp"
#include "support/levels.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;
using lib::native::Level;

constexpr int64_t kTile = 70;

struct Pair {
    std::unique_ptr<lib::Executor> reference;
    std::vector<std::unique_ptr<lib::Executor>> native;  // by level
};

std::unique_ptr<lib::Executor> executor(const std::shared_ptr<const lib::Plan> &plan, int32_t precision, Level level,
                                        int64_t tile = kTile) {
    auto program = lib::make_native_program(plan, precision, level, test::input_names(plan->graph()));
    INFO(program.status().message);
    REQUIRE(program);
    auto made = lib::make_lone_executor(**program, 0, tile);
    REQUIRE(made);
    return *std::move(made);
}

Pair make_pair_of(const std::shared_ptr<const lib::Plan> &plan, int32_t precision) {
    Pair pair;
    pair.reference = *lib::make_lone_executor(
        *lib::make_reference_program(plan, precision, test::input_names(plan->graph())), 0, kTile);
    for (Level level : test::cpu_levels()) pair.native.push_back(executor(plan, precision, level));
    return pair;
}

// A few runs that change rows and length in between, each compared with the reference's.
void require_same(const lib::Graph &graph, uint32_t seed, int32_t precision) {
    auto plan = lib::Plan::make(graph, {}, {precision});
    INFO(plan.status().message);
    REQUIRE(plan);
    Pair pair = make_pair_of(*plan, precision);
    const bool sequences = graph.largest_length > 0;
    const int64_t least = graph.least_length, most = graph.largest_length;
    std::mt19937 random(seed);
    auto number = [&](int64_t a, int64_t b) {
        return a + static_cast<int64_t>(random() % static_cast<uint32_t>(b - a + 1));
    };
    std::vector<std::pair<int64_t, int64_t>> runs{
        {1, number(least, most)},
        {number(1, 8), least},
        {2, most},
        {number(1, kTile), number(least, std::min<int64_t>(most, least + 6))}};
    if (!sequences) runs.push_back({kTile, 0});
    for (const auto &[rows, length] : runs) {
        CAPTURE(rows, length);
        const auto inputs = test::random_inputs(graph, rows, length, seed + static_cast<uint32_t>(rows * 41 + length));
        auto expected = test::run(*pair.reference, graph, inputs.views, rows, length);
        INFO(expected.status().message);
        REQUIRE(expected);
        for (size_t level = 0; level < pair.native.size(); ++level) {
            CAPTURE(lib::native::name_of(test::cpu_levels()[level]));
            auto found = test::run(*pair.native[level], graph, inputs.views, rows, length);
            INFO(found.status().message);
            REQUIRE(found);
            REQUIRE(test::same_bits(*expected, *found));
            const int64_t row = number(0, rows - 1);
            auto alone = test::run(*pair.native[level], graph, inputs.row(row), 1, length);
            REQUIRE(alone);
            for (size_t i = 0; i < expected->size(); ++i) {
                const auto width = static_cast<size_t>(test::row_floats(graph, i, length));
                REQUIRE(test::same_bits((*alone)[i],
                                        std::span((*expected)[i]).subspan(static_cast<size_t>(row) * width, width)));
            }
        }
    }
}

}  // namespace

TEST_CASE("native gives the reference's bits on random graphs, at every level, for any rows and lengths",
          "[one-thread]") {
    const int graphs = std::getenv("WB_FULL") ? 3000 : test::kSanitized ? 24 : 120;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = seed % 2 == 1;
        options.least_length = seed % 3;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        INFO(graph.text());
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8})
            require_same(graph, static_cast<uint32_t>(seed), precision);
    }
}

TEST_CASE("an index outside its table fails the run, and the next run is right again") {
    test::GraphBuilder build;
    const auto ids = build.input(0, DType::int64, {Extent::rows(), Extent::of(2)});
    const auto x = build.input(1, DType::float32, {Extent::rows(), Extent::of(3)});
    const auto rows = build.add(Op::embedding, {build.floats({3, 2}, {1, 2, 3, 4, 5, 6}), ids});
    build.output(build.add(Op::reshape, {rows}, {.shape = {Extent::rows(), Extent::of(4)}}));
    build.output(build.add(Op::gather, {x, ids}, {.axis = 1}));
    for (Level level : test::cpu_levels()) {
        auto run = executor(build.plan(), WB_PRECISION_FP32, level);
        std::vector<int64_t> chosen{0, 2, 1, 1};
        const std::vector<float> numbers{7, 8, 9, 10, 11, 12};
        const std::vector<lib::TensorView> views{{DType::int64, {2, {2, 2}}, chosen.data()},
                                                 {DType::float32, {2, {2, 3}}, numbers.data()}};
        const test::Outputs right{{1, 2, 5, 6, 3, 4, 3, 4}, {7, 9, 11, 11}};
        for (int64_t bad : {int64_t{3}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
            REQUIRE(*test::run(*run, build.graph, views, 2, 0) == right);
            chosen[3] = bad;
            auto failed = test::run(*run, build.graph, views, 2, 0);
            REQUIRE(failed.status().code == WB_BACKEND_FAILED);
            REQUIRE(std::string_view(failed.status().message).find("[0, 3)") != std::string::npos);
            chosen[3] = 1;
        }
        REQUIRE(*test::run(*run, build.graph, views, 2, 0) == right);
    }
}

TEST_CASE("an integer division by 0 fails the run") {
    test::GraphBuilder build;
    const auto x = build.input(0, DType::int64, {Extent::rows()});
    const auto y = build.add(Op::remainder, {x, x});
    build.output(build.add(Op::cast, {y}, {.dtype = DType::float32}));
    auto run = executor(build.plan(), WB_PRECISION_FP32, Level::portable);
    std::vector<int64_t> numbers{5, 0};
    REQUIRE(test::run(*run, build.graph, std::vector<lib::TensorView>{{DType::int64, {1, {2}}, numbers.data()}}, 2, 0)
                .status()
                .code == WB_BACKEND_FAILED);
    numbers[1] = INT64_MIN;
    REQUIRE(*test::run(*run, build.graph, std::vector<lib::TensorView>{{DType::int64, {1, {2}}, numbers.data()}}, 2,
                       0) == test::Outputs{{0, 0}});
}

TEST_CASE("a run that does not fit is refused by the tensor's name") {
    test::GraphBuilder build(5);
    build.graph.least_length = 2;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(3)});
    const auto s = build.input(1, DType::float32, {Extent::rows(), Extent::length()});
    const auto sum = build.add(Op::reduce_sum, {s}, {.axis = 1});
    build.output(build.add(Op::add, {x, sum}));
    const std::vector<float> numbers(100, 1.0f);
    auto view = [&](DType dtype, std::initializer_list<int64_t> sizes) {
        lib::TensorView made{dtype, {}, numbers.data()};
        for (int64_t size : sizes) made.shape.size[static_cast<size_t>(made.shape.rank++)] = size;
        return made;
    };
    const auto good = view(DType::float32, {2, 3}), sequence = view(DType::float32, {2, 4});
    for (Level level : test::cpu_levels()) {
        auto run = executor(build.plan(), WB_PRECISION_FP32, level, 8);
        auto refused = [&](std::vector<lib::TensorView> views, int64_t rows, int32_t code, const std::string &text) {
            auto found = test::run(*run, build.graph, views, rows, 4);
            INFO(found.status().message);
            REQUIRE(found.status().code == code);
            REQUIRE(std::string_view(found.status().message).find(text) != std::string::npos);
        };
        REQUIRE(*test::run(*run, build.graph, std::vector{good, sequence}, 2, 4) == test::Outputs{{5, 5, 5, 5, 5, 5}});
        refused({view(DType::float64, {2, 3}), sequence}, 2, WB_INTERNAL, "input 0");
        refused({view(DType::float32, {2, 4}), sequence}, 2, WB_INTERNAL, "input 0");
        refused({view(DType::float32, {2, 3, 1}), sequence}, 2, WB_INTERNAL, "input 0");
        refused({good, view(DType::float32, {3, 4})}, 2, WB_INTERNAL, "input 1");
        refused({good, view(DType::int64, {2, 4})}, 2, WB_INTERNAL, "input 1");
        refused({good, view(DType::float32, {2, 1})}, 2, WB_BACKEND_FAILED, "[2, 5]");
        refused({good, view(DType::float32, {2, 6})}, 2, WB_BACKEND_FAILED, "[2, 5]");
        refused({good}, 2, WB_INTERNAL, "2 inputs");
        refused({good, sequence}, 9, WB_INTERNAL, "8 rows");
        REQUIRE(test::run(*run, build.graph, std::vector{good, sequence}, 2, 4));
    }
}
