// SPDX-License-Identifier: Apache-2.0
// Plans as large as the caps of graph.hpp and plan.hpp let them be, made to keep load busy: each is ready within a
// second or two on two busy cores, and each took minutes, or gigabytes, before the cap or the algorithm that its
// comment names.
#include <chrono>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;

constexpr double kSeconds = test::kSanitized ? 200 : 20;  // far above what any takes, far below what they took

// Seconds of what a load does with a plan's bytes, until a context could run.
double seconds_to_load(const lib::Bytes &file, int32_t precision) {
    const auto start = std::chrono::steady_clock::now();
    auto plan = test::read_copy(file, lib::Checksum::compared);
    INFO(plan.status().message);
    REQUIRE(plan);
    auto program =
        lib::make_native_program(*plan, precision, lib::native::best_level(false), test::input_names((*plan)->graph()));
    INFO(program.status().message);
    REQUIRE(program);
    REQUIRE((*program)->scratch_bytes((*program)->tile_rows()) < int64_t{1} << 30);
    REQUIRE(lib::make_lone_executor(**program, 0, (*program)->tile_rows()));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return taken.count();
}

lib::Bytes file_of(const test::GraphBuilder &build, lib::Precisions precisions = {WB_PRECISION_FP32}) {
    return *lib::write_plan(*build.plan(std::move(precisions)));
}

// Sums of two until one value is left, which is an output.
void sum_up(test::GraphBuilder &build, std::vector<lib::ValueId> values) {
    while (values.size() > 1) {
        std::vector<lib::ValueId> sums;
        for (size_t i = 0; i + 1 < values.size(); i += 2)
            sums.push_back(build.add(Op::add, {values[i], values[i + 1]}));
        if (values.size() % 2 == 1) sums.push_back(values.back());
        values = sums;
    }
    build.output(values[0]);
}

}  // namespace

TEST_CASE("a plan of as many operators as there may be, whose values are all in use together, loads in time") {
    test::GraphBuilder build;  // plan_memory: 80 s
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(1)});
    std::vector<lib::ValueId> values;
    while (values.size() < (lib::kMaxNodes - 2) / 2) values.push_back(build.add(Op::neg, {x}));
    sum_up(build, values);
    REQUIRE(build.graph.nodes().size() > lib::kMaxNodes - 4);
    REQUIRE(seconds_to_load(file_of(build), WB_PRECISION_FP32) < kSeconds);
    lib::Status last;
    for (int i = 0; i < 4; ++i) last = build.graph.add(Op::neg, {x}).status();
    REQUIRE(std::string_view(last.message).find("65536 operators") != std::string_view::npos);
}

TEST_CASE("a plan of as many copies as there may be loads in time") {
    test::GraphBuilder build(lib::kMaxLength);  // kMaxOperands: a kilobyte and a half for each four bytes of the file
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(1)});
    std::vector<lib::ValueId> values;
    lib::ValueId last = x;
    size_t operands = 0;
    for (; operands + lib::kMaxArguments < lib::kMaxOperands - 1000; operands += lib::kMaxArguments) {
        last = build.add(Op::slice, {last}, {.axis = 1, .start = Extent::of(0), .size = Extent::of(0)});
        last = build.add(Op::concat, std::vector<lib::ValueId>(lib::kMaxArguments, last), {.axis = 1});
    }
    build.output(build.add(Op::reduce_sum, {last}, {.axis = 1}));
    REQUIRE(seconds_to_load(file_of(build), WB_PRECISION_FP32) < kSeconds);
    const std::vector<lib::ValueId> many(lib::kMaxArguments, last);
    auto refused = build.graph.add(Op::concat, many, {.axis = 1});
    REQUIRE(std::string_view(refused.status().message).find("131072 operands") != std::string_view::npos);
}

TEST_CASE("a plan whose layers share one constant loads in a time of the file's size") {
    // Linears: it summed the constant for each layer, 60,000 times 2^20 weights. kMaxLinearOutputs: 512 KiB a layer.
    constexpr int64_t n = 256, k = 4096;
    test::GraphBuilder build;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(k)});
    const auto weights = build.floats({n, k}, test::fixed_numbers(n * k, 1));
    lib::Attributes attributes;
    attributes.range = lib::Range::gelu;
    auto sum = build.add(Op::linear, {x, weights}, attributes);
    while (build.graph.nodes().size() + 2 <= lib::kMaxNodes)
        sum = build.add(Op::add, {sum, build.add(Op::linear, {x, weights}, attributes)});
    build.output(sum);
    REQUIRE(seconds_to_load(file_of(build, {WB_PRECISION_INT8}), WB_PRECISION_INT8) < kSeconds);
    test::GraphBuilder wide;
    const auto one = wide.input(0, DType::float32, {Extent::rows(), Extent::of(1)});
    const auto column = wide.floats({1 << 20, 1}, test::fixed_numbers(1 << 20, 1));
    for (int i = 0; i < 17; ++i) wide.output(wide.add(Op::linear, {one, column}, attributes));
    auto refused = lib::Plan::make(wide.graph, {}, {WB_PRECISION_FP32});
    REQUIRE(std::string_view(refused.status().message).find("16777216 outputs of all linear layers") !=
            std::string_view::npos);
}

TEST_CASE("a plan of sequences whose every step is sized for every number of rows loads in time") {
    test::GraphBuilder build(64);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(2), Extent::length(), Extent::of(2)});
    const auto turned = build.add(Op::permute, {x}, {.order = {0, 1, 3, 2}});
    std::vector<lib::ValueId> values;
    while (values.size() < (lib::kMaxNodes - 3) / 2) values.push_back(build.add(Op::matmul, {turned, x}));
    sum_up(build, values);
    REQUIRE(seconds_to_load(file_of(build), WB_PRECISION_FP32) < kSeconds);
}
