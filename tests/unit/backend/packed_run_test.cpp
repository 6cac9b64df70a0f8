// SPDX-License-Identifier: Apache-2.0
// Packed runs: sequences of any lengths in one run have the bits that each of them has alone.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "backend/native/native.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "backend/schedule.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/packed_rows.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Merge, lib::Op;

constexpr int64_t kTile = 32;

// Executors of every kind, each held against rows that the reference runs alone.
class Packed {
  public:
    Packed(std::shared_ptr<const lib::Plan> plan, int32_t precision) : plan_(std::move(plan)) {
        const auto names = test::input_names(plan_->graph());
        reference_ = *lib::make_lone_executor(*lib::make_reference_program(plan_, precision, names), 0, kTile);
        executors_.push_back(*lib::make_lone_executor(*lib::make_reference_program(plan_, precision, names), 0, kTile));
        for (lib::native::Level level : test::cpu_levels())
            executors_.push_back(
                *lib::make_lone_executor(**lib::make_native_program(plan_, precision, level, names), 0, kTile));
    }
    void require(const std::vector<int64_t> &lengths, uint32_t seed) {
        CAPTURE(lengths);
        const test::PackedRows rows(plan_->graph(), lengths, seed);
        test::Outputs expected;
        const lib::Status alone = rows.run_alone(*reference_, expected);
        INFO(alone.message);
        REQUIRE(alone.ok());
        for (size_t i = 0; i < executors_.size(); ++i) {
            CAPTURE(i);
            test::Outputs found;
            const lib::Status ran = rows.run(*executors_[i], found);
            INFO(ran.message);
            REQUIRE(ran.ok());
            REQUIRE(test::same_bits(expected, found));
        }
    }

  private:
    std::shared_ptr<const lib::Plan> plan_;
    std::unique_ptr<lib::Executor> reference_;
    std::vector<std::unique_ptr<lib::Executor>> executors_;
};

std::shared_ptr<const lib::Plan> plan_of(const lib::Graph &graph, int32_t precision) {
    auto plan = lib::Plan::make(graph, {}, {precision});
    INFO(plan.status().message);
    REQUIRE(plan);
    return *plan;
}

Merge merge_of(const lib::Schedule &schedule, const lib::Graph &graph, Op op) {
    for (const lib::StepPlan &step : schedule.steps)
        if (!step.copies && graph.node(step.node).op == op) return step.merge;
    FAIL("no step of " << lib::name_of(op));
    return Merge::none;
}

}  // namespace

TEST_CASE("a packed transformer gives each sequence the bits it has alone", "[packed]") {
    for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
        Packed packed(test::transformer_graph(80, 140).plan({precision}), precision);
        packed.require({7}, 1);
        packed.require({3, 3, 3}, 2);
        packed.require({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 3);
        packed.require({140, 1, 139, 1, 128, 127, 2, 60, 68}, 4);
        packed.require({64, 64, 5, 5, 1}, 5);
        packed.require(std::vector<int64_t>(kTile, 1), 6);
        std::mt19937 random(7);
        for (int turn = 0; turn < (test::kSanitized ? 3 : 12); ++turn) {
            std::vector<int64_t> lengths(1 + random() % kTile);
            for (int64_t &length : lengths) length = 1 + random() % (random() % 4 == 0 ? 140 : 24);
            packed.require(lengths, 100 + static_cast<uint32_t>(turn));
        }
    }
}

TEST_CASE("random graphs packed give each sequence the bits it has alone", "[packed]") {
    const int graphs = std::getenv("WB_FULL") ? 3000 : test::kSanitized ? 16 : 120;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = true;
        options.least_length = seed % 3;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        INFO(graph.text());
        if (lib::packed_input(graph) < 0) continue;
        std::mt19937 random(static_cast<uint32_t>(seed));
        const auto some = [&] {
            const int64_t span = graph.largest_length - graph.least_length + 1;
            return graph.least_length + static_cast<int64_t>(random()) % span;
        };
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
            Packed packed(plan_of(graph, precision), precision);
            packed.require({graph.largest_length, graph.least_length}, 1);
            std::vector<int64_t> lengths(2 + random() % (kTile - 1));
            for (int64_t &length : lengths) length = some();
            packed.require(lengths, 2);
            const int64_t other = some();
            packed.require({other, other, some(), other}, 3);
        }
    }
}

TEST_CASE("what is computed by place merges the places of all sequences, what is not does not", "[packed]") {
    const auto build = test::transformer_graph(16, 40);
    const auto schedule = lib::Schedule::make(build.graph);
    REQUIRE(schedule);
    REQUIRE(merge_of(*schedule, build.graph, Op::embedding) == Merge::places);
    REQUIRE(merge_of(*schedule, build.graph, Op::linear) == Merge::places);
    REQUIRE(merge_of(*schedule, build.graph, Op::layer_norm) == Merge::places);
    REQUIRE(merge_of(*schedule, build.graph, Op::attention) == Merge::none);
}

TEST_CASE("a token before each sequence merges with its places", "[packed]") {
    test::GraphBuilder build(40);
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(4)});
    const auto first = build.add(Op::expand, {build.floats({1, 1, 4}, {1, 2, 3, 4})},
                                 {.shape = {Extent::rows(), Extent::of(1), Extent::of(4)}});
    auto all = build.add(Op::concat, {first, x}, {.axis = 1});
    all = build.linear(all, 8, test::fixed_numbers(32, 1), test::fixed_numbers(8, 2), lib::Activation::relu);
    const auto head = build.add(Op::slice, {all}, {.axis = 1, .start = Extent::of(0), .size = Extent::of(1)});
    build.output(build.add(Op::reshape, {head}, {.shape = {Extent::rows(), Extent::of(8)}}));
    build.output(build.add(Op::reduce_mean, {all}, {.axis = 1}));
    REQUIRE(merge_of(*lib::Schedule::make(build.graph), build.graph, Op::linear) == Merge::places);
    Packed packed(build.plan(), WB_PRECISION_FP32);
    packed.require({3, 40, 0, 1, 17}, 1);
    packed.require(std::vector<int64_t>(kTile, 2), 2);
}

TEST_CASE("a value of a sequence's length that has no rows is each sequence's own", "[packed]") {
    test::GraphBuilder build(40);
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length()});
    const auto places = build.add(Op::iota, {}, {.size = Extent::length()});
    const auto floats = build.add(Op::cast, {places}, {.dtype = DType::float32});
    const auto last = build.add(Op::reduce_max, {floats}, {.axis = 0});
    build.output(build.add(Op::reduce_sum, {build.add(Op::mul, {build.add(Op::add, {x, floats}), last})}, {.axis = 1}));
    Packed packed(build.plan(), WB_PRECISION_FP32);
    packed.require({3, 40, 1, 17}, 1);
}

TEST_CASE("rows that are not a value's outermost axis keep to their sequences", "[packed]") {
    test::GraphBuilder build(40);
    build.graph.least_length = 1;
    const Extent rows = Extent::rows(), one = Extent::of(1), wide = Extent::of(4);
    const auto x = build.input(0, DType::float32, {rows, Extent::length(), wide});
    const auto pooled = [&](Op op) {
        return build.add(Op::reshape, {build.add(op, {x}, {.axis = 1})}, {.shape = {one, rows, wide}});
    };
    const auto both = build.add(Op::concat, {pooled(Op::reduce_mean), pooled(Op::reduce_max)}, {.axis = 0});
    const auto second = build.add(Op::slice, {both}, {.axis = 0, .start = one, .size = one});
    const auto flat = build.add(Op::reshape, {second}, {.shape = {rows, wide}});
    build.output(build.linear(flat, 8, test::fixed_numbers(32, 1), test::fixed_numbers(8, 2)));
    build.output(build.add(Op::reshape, {build.add(Op::permute, {both}, {.order = {1, 0, 2}})},
                           {.shape = {rows, Extent::of(8)}}));
    Packed packed(build.plan(), WB_PRECISION_FP32);
    packed.require({3, 5}, 1);
    packed.require({7, 7, 1, 40}, 2);
}

TEST_CASE("terms that are huge and come to little get the room that their values need", "[packed]") {
    // (32 - t) + t L and (64 - u) + u L are 32 and 64 at the only length, 1; their product's terms reach 2^55.
    test::GraphBuilder build(1);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length()});
    const auto wide = build.add(Op::full, {},
                                {.dtype = DType::float32,
                                 .value = 0.5,
                                 .shape = {Extent::rows(), Extent::length(16602889, 32 - 16602889),
                                           Extent::length(1736026118, 64 - 1736026118)}});
    build.output(build.add(Op::reduce_sum, {build.add(Op::reduce_sum, {build.add(Op::tanh, {wide})}, {.axis = 2})},
                           {.axis = 1}));
    build.output(x);
    auto program = lib::make_native_program(build.plan(), WB_PRECISION_FP32, lib::native::Level::portable,
                                            test::input_names(build.graph));
    REQUIRE(program);
    REQUIRE((*program)->scratch_bytes(kTile) >= int64_t{kTile} * 32 * 64 * 4);
}

TEST_CASE("offsets that do not fit are refused", "[packed]") {
    const auto build = test::transformer_graph(16, 40);
    auto program = lib::make_native_program(build.plan(), WB_PRECISION_FP32, lib::native::Level::portable,
                                            test::input_names(build.graph));
    auto executor = *lib::make_lone_executor(**program, 0, kTile);
    test::PackedRows rows(build.graph, {3, 5}, 1);
    test::Outputs outputs;
    REQUIRE(rows.run(*executor, outputs).ok());
    const auto refused = [&](std::vector<int64_t> offsets, int32_t code) {
        rows.offsets = std::move(offsets);
        // Outputs are sized by lengths, which may be nonsense here.
        std::vector<float> memory(4096);
        std::vector<float *> places(build.graph.outputs().size(), memory.data());
        lib::Run run;
        run.inputs = rows.views;
        run.offsets = rows.offsets;
        run.outputs = places;
        run.rows = 2;
        REQUIRE(executor->run(run).code == code);
    };
    refused({0, 3}, WB_INTERNAL);
    refused({1, 3, 8}, WB_INTERNAL);
    refused({0, 3, 9}, WB_INTERNAL);
    refused({0, 8, 8}, WB_BACKEND_FAILED);  // a length of 0
    refused({0, 9, 8}, WB_BACKEND_FAILED);  // a negative one
    refused({0, -1, 8}, WB_BACKEND_FAILED);
}
