// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <limits>

#include "plan/builder.hpp"
#include "support/catch.hpp"
#include "unit/plan/plans.hpp"

using namespace weighbridge::lib;
using Floats = std::vector<float>;

namespace {

std::string mistake(PlanBuilder &builder) {
    auto plan = builder.build();
    REQUIRE_FALSE(plan);
    REQUIRE(plan.status().code == WB_INVALID_BUNDLE);
    return plan.status().message;
}

// A sound plan's parts, to be broken: input of width 2, linear to 2, relu.
PlanData parts() {
    PlanData data;
    data.inputs = {{DType::float32, 2, 2}};
    data.constants = {{2, 2, 0}, {1, 2, 16}};
    data.weights = AlignedBuffer(2 * 64);
    data.ops.resize(2);
    data.ops[0] = {OpKind::linear, {0}, {0, 1}, 2, 0, 0.0f};
    data.ops[1] = {OpKind::relu, {1}, {}, 2, 0, 0.0f};
    data.outputs = {2};
    return data;
}

template <class Break>
std::string refusal(Break &&damage) {
    PlanData data = parts();
    damage(data);
    auto plan = Plan::make(std::move(data));
    REQUIRE_FALSE(plan);
    REQUIRE(plan.status().code == WB_INVALID_BUNDLE);
    return plan.status().message;
}

}  // namespace

TEST_CASE("a hand-written MLP is a plan with the widths expected") {
    auto plan = weighbridge::test::small_mlp();
    REQUIRE(plan->data().ops.size() == 6);
    REQUIRE(plan->width(0) == 2);
    REQUIRE(plan->dtype(1) == DType::int64);
    REQUIRE(plan->width(2) == 2);
    REQUIRE(plan->width(3) == 4);
    REQUIRE(plan->dtype(3) == DType::float32);
    REQUIRE(plan->width(plan->data().outputs[0]) == 1);
    REQUIRE(plan->width(plan->data().outputs[1]) == 2);
    for (uint32_t i = 0; i < plan->data().constants.size(); ++i)
        REQUIRE(reinterpret_cast<uintptr_t>(plan->constant(i)) % 64 == 0);
    REQUIRE(plan->constant(0)[3] == 2.0f);
}

TEST_CASE("an embedding of several indices is as wide as all of them") {
    PlanBuilder builder;
    auto indices = builder.input(DType::int32, 3);
    builder.output(builder.embedding(indices, Floats(20, 1.0f), 5));
    auto plan = builder.build();
    REQUIRE(plan);
    REQUIRE((*plan)->width(1) == 15);
}

TEST_CASE("the parts of these tests are sound") { REQUIRE(Plan::make(parts())); }

TEST_CASE("the builder refuses what does not fit") {
    PlanBuilder wide;
    wide.output(wide.linear(wide.input(DType::float32, 3), Floats(4), Floats(2)));
    REQUIRE(mistake(wide) == "model.plan: operation 0 (linear): constant 0: expected 2 x 3, found 2 x 2");

    PlanBuilder ragged;
    ragged.output(ragged.linear(ragged.input(DType::float32, 3), Floats(7), Floats(2)));
    REQUIRE(mistake(ragged) == "model.plan: constant 0: expected rows of 3 elements, found 7 elements");

    PlanBuilder empty;
    empty.output(empty.linear(empty.input(DType::float32, 3), Floats(), Floats()));
    REQUIRE(mistake(empty) == "model.plan: constant 0: expected rows of 0 elements, found 0 elements");

    PlanBuilder uneven;
    auto a = uneven.input(DType::float32, 3), b = uneven.input(DType::float32, 2);
    uneven.output(uneven.add(a, b));
    REQUIRE(mistake(uneven) == "model.plan: operation 0 (add): expected operands of one width, found 3 and 2");

    PlanBuilder integers;
    integers.output(integers.relu(integers.input(DType::int64, 3)));
    REQUIRE(mistake(integers) == "model.plan: operation 0 (relu): expected an operand of float32, found int64");

    PlanBuilder numbers;
    numbers.output(numbers.embedding(numbers.input(DType::float32, 1), Floats(4), 2));
    REQUIRE(mistake(numbers) ==
            "model.plan: operation 0 (embedding): expected an operand of int64 or int32, found float32");

    PlanBuilder pointless;
    pointless.output(pointless.cast(pointless.input(DType::float32, 1)));
    REQUIRE(mistake(pointless) ==
            "model.plan: operation 0 (cast): expected an operand of float64, int64, int32 or bool, found float32");

    PlanBuilder outside;
    outside.output(outside.slice(outside.input(DType::float32, 4), 2, 3));
    REQUIRE(mistake(outside) == "model.plan: operation 0 (slice): expected columns within [0, 4), found 3 from 2");

    PlanBuilder late;
    late.relu(late.input(DType::float32, 4));
    late.input(DType::float32, 4);
    REQUIRE(mistake(late) == "model.plan: expected inputs before operations, found input 1 after 1");

    PlanBuilder sequence;
    sequence.output(sequence.relu(sequence.input(DType::float32, 4, 3)));
    REQUIRE(mistake(sequence) ==
            "model.plan: input 0: expected rank 1 or 2 (plan version 0 has no sequences), found 3");

    PlanBuilder silent;
    silent.input(DType::float32, 4);
    REQUIRE(mistake(silent) == "model.plan: expected 1 to 4096 outputs, found 0");

    PlanBuilder nothing;
    REQUIRE(mistake(nothing) == "model.plan: expected 1 to 4096 inputs, found 0");
}

TEST_CASE("the builder keeps the first mistake and goes on") {
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 2);
    auto bad = builder.slice(x, 5, 1);
    builder.output(builder.add(builder.relu(bad), 77));
    REQUIRE(mistake(builder) == "model.plan: operation 0 (slice): expected columns within [0, 2), found 1 from 5");
}

TEST_CASE("an operand comes before its operation") {
    REQUIRE(refusal([](PlanData &data) { data.ops[0].operands = {1}; }) ==
            "model.plan: operation 0 (linear): expected operands below 1, found 1");
    REQUIRE(refusal([](PlanData &data) { data.ops[1].operands = {0xFFFFFFFF}; }) ==
            "model.plan: operation 1 (relu): expected operands below 2, found 4294967295");
}

TEST_CASE("counts of operands and constants are those of the kind") {
    REQUIRE(refusal([](PlanData &data) { data.ops[1].operands = {}; }) ==
            "model.plan: operation 1 (relu): expected 1 operands, found 0");
    REQUIRE(refusal([](PlanData &data) {
                data.ops[1].operands = {1, 1};
            }) == "model.plan: operation 1 (relu): expected 1 operands, found 2");
    REQUIRE(refusal([](PlanData &data) { data.ops[1] = {OpKind::add, {1}, {}, 2, 0, 0.0f}; }) ==
            "model.plan: operation 1 (add): expected 2 operands, found 1");
    REQUIRE(refusal([](PlanData &data) { data.ops[1] = {OpKind::concat, {}, {}, 0, 0, 0.0f}; }) ==
            "model.plan: operation 1 (concat): expected some operands, found 0");
    REQUIRE(refusal([](PlanData &data) { data.ops[0].constants = {0}; }) ==
            "model.plan: operation 0 (linear): expected 2 constants, found 1");
    REQUIRE(refusal([](PlanData &data) {
                data.ops[0].constants = {0, 2};
            }) == "model.plan: operation 0 (linear): expected constants below 2, found 2");
}

TEST_CASE("kinds, widths and parameters are checked") {
    REQUIRE(refusal([](PlanData &data) { data.ops[1].kind = static_cast<OpKind>(13); }) ==
            "model.plan: operation 1 (unknown): expected a kind in [1, 12], found 13");
    REQUIRE(refusal([](PlanData &data) { data.ops[1].kind = static_cast<OpKind>(0); }) ==
            "model.plan: operation 1 (unknown): expected a kind in [1, 12], found 0");
    REQUIRE(refusal([](PlanData &data) { data.ops[1].width = 3; }) ==
            "model.plan: operation 1 (relu): expected width 2, found 3");
    REQUIRE(refusal([](PlanData &data) { data.ops[1].begin = 1; }) ==
            "model.plan: operation 1 (relu): expected begin 0, found 1");
    REQUIRE(refusal([](PlanData &data) { data.ops[1].epsilon = -0.0f; }) ==
            "model.plan: operation 1 (relu): expected epsilon 0, found -0");
    for (int64_t begin : {int64_t{-1}, int64_t{2}, INT64_MAX, INT64_MIN})
        refusal([&](PlanData &data) { data.ops[1] = {OpKind::slice, {1}, {}, 1, begin, 0.0f}; });
    for (int64_t width : {int64_t{0}, int64_t{-1}, int64_t{3}, INT64_MAX, INT64_MIN})
        refusal([&](PlanData &data) { data.ops[1] = {OpKind::slice, {1}, {}, width, 0, 0.0f}; });
    for (float epsilon : {-1e-5f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
        refusal([&](PlanData &data) { data.ops[1] = {OpKind::layer_norm, {1}, {1, 1}, 2, 0, epsilon}; });
}

TEST_CASE("inputs are checked") {
    REQUIRE(refusal([](PlanData &data) { data.inputs[0].width = 0; }) ==
            "model.plan: input 0: expected a width in [1, 16777216], found 0");
    REQUIRE(refusal([](PlanData &data) { data.inputs[0].rank = 1; }) ==
            "model.plan: input 0: expected a width in [1, 1], found 2");
    REQUIRE(refusal([](PlanData &data) { data.inputs[0].width = kMaxWidth + 1; }) ==
            "model.plan: input 0: expected a width in [1, 16777216], found 16777217");
    REQUIRE(refusal([](PlanData &data) { data.inputs[0].dtype = static_cast<DType>(6); }) ==
            "model.plan: input 0: expected a dtype in [1, 5], found 6");
    REQUIRE(refusal([](PlanData &data) { data.inputs[0].rank = 0; }).find("expected rank 1 or 2") != std::string::npos);
}

TEST_CASE("constants are checked against the weights, without overflow") {
    for (auto [rows, columns] : {std::pair<int64_t, int64_t>{0, 2},
                                 {2, 0},
                                 {-1, -1},
                                 {INT64_MAX, INT64_MAX},
                                 {INT64_MIN, 1},
                                 {int64_t{1} << 31, 2},
                                 {int64_t{1} << 62, 4}})
        REQUIRE(refusal([&, r = rows, c = columns](PlanData &data) {
                    data.constants[1].rows = r;
                    data.constants[1].columns = c;
                }).find("model.plan: constant 1: expected 1 to 2147483648 elements, found ") == 0);
    REQUIRE(refusal([](PlanData &data) { data.constants[1].offset = 4; }) ==
            "model.plan: constant 1: expected offset 16, found 4");
    REQUIRE(refusal([](PlanData &data) { data.weights = AlignedBuffer(64); }) ==
            "model.plan: weights: expected 128 bytes, found 64");
    REQUIRE(refusal([](PlanData &data) { data.constants[1].columns = 17; }) ==
            "model.plan: weights: expected 192 bytes, found 128");
}

TEST_CASE("outputs are values of float32") {
    REQUIRE(refusal([](PlanData &data) { data.outputs = {3}; }) ==
            "model.plan: output 0: expected a value below 3, found 3");
    REQUIRE(refusal([](PlanData &data) {
                data.inputs.push_back({DType::boolean, 2, 2});
                data.ops[1].operands = {2};
                data.outputs = {1};
            }) == "model.plan: output 0: expected a float32 value, found bool");
}

TEST_CASE("numerics and precision are those of this version") {
    REQUIRE(refusal([](PlanData &data) { data.numerics = 2; }) == "model.plan: numerics: expected 1, found 2");
    REQUIRE(refusal([](PlanData &data) { data.precision = WB_PRECISION_BF16; }) ==
            "model.plan: precision: expected 1 (fp32), found 2");
}

TEST_CASE("widths that double with each operation are stopped at the cap") {
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 2);
    for (int i = 0; i < 40; ++i) x = builder.concat({x, x});
    builder.output(x);
    REQUIRE(mistake(builder) == "model.plan: operation 23 (concat): expected a width of at most 16777216, found more");

    PlanBuilder tables;
    auto indices = tables.input(DType::int64, kMaxWidth);
    tables.output(tables.embedding(indices, Floats(2), 2));
    REQUIRE(mistake(tables) ==
            "model.plan: operation 0 (embedding): expected a width of at most 16777216, found 16777216 x 2");
}

TEST_CASE("the number of operations is capped") {
    PlanData data = parts();
    data.ops.resize(1);
    for (uint32_t i = 0; i < kMaxOperations; ++i) data.ops.push_back({OpKind::relu, {1}, {}, 2, 0, 0.0f});
    auto plan = Plan::make(std::move(data));
    REQUIRE(std::string(plan.status().message) == "model.plan: expected at most 65536 operations, found 65537");
}
