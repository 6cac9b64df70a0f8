// SPDX-License-Identifier: Apache-2.0
// The operator `require`: rows pass as they are where their bool is true, and else are refused with the model's words.
#include "graph/requirement.hpp"

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "graph/passes/pipeline.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op, lib::ValueId;

std::vector<int64_t> characters(const std::string &text) { return {text.begin(), text.end()}; }

// x [batch, 4] as it is, where x[:, 0] <= 1.
struct Guarded : test::GraphBuilder {
    ValueId x = input(0, DType::float32, {Extent::rows(), Extent::of(4)});
    ValueId first = add(Op::slice, {x}, {.axis = 1, .start = Extent::of(0), .size = Extent::of(1)});
    ValueId holds = add(Op::less_equal, {add(Op::reshape, {first}, {.shape = {Extent::rows()}}), floats({1}, {1.0f})});
    ValueId words(const std::string &text) { return integers({static_cast<int64_t>(text.size())}, characters(text)); }
};

std::vector<std::shared_ptr<const lib::Program>> programs(const test::GraphBuilder &build) {
    const auto plan = build.plan();
    std::vector<std::shared_ptr<const lib::Program>> made{lib::make_reference_program(plan, WB_PRECISION_FP32, {"x"})};
    for (lib::native::Level level : test::cpu_levels())
        made.push_back(*lib::make_native_program(plan, WB_PRECISION_FP32, level, {"x"}));
    return made;
}

lib::Expected<test::Outputs> run(const lib::Program &program, const lib::Graph &graph, std::vector<float> x) {
    auto executor = lib::make_lone_executor(program, 0, 8);
    const auto rows = static_cast<int64_t>(x.size() / 4);
    x.resize(x.size() + 16);
    const lib::TensorView view{DType::float32, {2, {rows, 4}}, x.data()};
    return test::run(**executor, graph, std::span(&view, 1), rows, 0);
}

}  // namespace

TEST_CASE("a row whose bool is false is refused with the model's own words", "[require]") {
    Guarded build;
    const ValueId turned = build.add(Op::neg, {build.x});
    build.output(build.add(Op::require, {turned, build.holds, build.words("amount above 1: refused")}));
    auto after = lib::optimise(build.graph);
    REQUIRE(after);
    build.graph = *std::move(after);
    for (const auto &program : programs(build)) {
        auto found = run(*program, build.graph, {1, 2, 3, 4, -5, 6, 7, 8});
        REQUIRE(found);
        REQUIRE((*found)[0] == std::vector<float>{-1, -2, -3, -4, 5, -6, -7, -8});
        for (const std::vector<float> &x : {std::vector<float>{2, 0, 0, 0}, {0, 0, 0, 0, 1.5f, 1, 1, 1}}) {
            found = run(*program, build.graph, x);
            REQUIRE_FALSE(found);
            REQUIRE(found.status().code == WB_INVALID_INPUT);
            REQUIRE(std::string(found.status().message) == "the model refuses the row: amount above 1: refused");
        }
    }
}

TEST_CASE("what is required holds though its value is the same everywhere", "[require]") {
    Guarded build;
    const ValueId half =
        build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.5, .shape = {Extent::rows(), Extent::of(2)}});
    build.output(build.add(Op::require, {half, build.holds, build.words("no")}));
    auto after = lib::optimise(build.graph);
    REQUIRE(after);
    build.graph = *std::move(after);
    for (const auto &program : programs(build)) {
        REQUIRE(run(*program, build.graph, {1, 2, 3, 4}));
        REQUIRE_FALSE(run(*program, build.graph, {9, 2, 3, 4}));
    }
}

TEST_CASE("a condition that always holds requires nothing", "[require]") {
    Guarded build;
    const ValueId always = build.add(Op::full, {}, {.dtype = DType::boolean, .value = 1, .shape = {Extent::rows()}});
    build.output(build.add(Op::require, {build.x, always, build.words("no")}));
    auto after = lib::optimise(build.graph);
    REQUIRE(after);
    for (const lib::Node &node : after->nodes()) REQUIRE(node.op != Op::require);
}

TEST_CASE("a text that is no text and operands that do not fit are refused", "[require]") {
    Guarded build;
    const ValueId text = build.words("no");
    const auto refuses = [&](std::vector<ValueId> operands) { return !build.graph.add(Op::require, operands); };
    REQUIRE(refuses({build.x, build.holds}));
    REQUIRE(refuses({build.x, build.add(Op::less, {build.x, build.x}), text}));
    REQUIRE(refuses({build.floats({4}, {1, 2, 3, 4}), build.holds, text}));
    REQUIRE(refuses({build.x, build.holds, build.words(std::string(lib::kMaxRequireText + 1, 'a'))}));
    REQUIRE(refuses({build.x, build.holds, build.add(Op::neg, {text})}));
    for (const int64_t code : {int64_t{31}, int64_t{127}, int64_t{256 + 'a'}, int64_t{-1}}) {
        Guarded other;
        other.output(other.add(Op::require, {other.x, other.holds, other.integers({2}, {'a', code})}));
        auto plan = lib::Plan::make(other.graph, {}, {WB_PRECISION_FP32});
        REQUIRE_FALSE(plan);
        REQUIRE(std::string(plan.status().message).find("require: expected printable ASCII") != std::string::npos);
    }
}
