// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/reference.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/numerics.hpp"
#include "plan/builder.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "unit/plan/plans.hpp"

using namespace weighbridge::lib;
using weighbridge::test::ManualClock;
using Floats = std::vector<float>;

namespace {

TensorView view(DType dtype, int64_t rows, int64_t width, const void *data, int32_t rank = 2) {
    TensorView tensor;
    tensor.dtype = dtype;
    tensor.shape.rank = rank;
    tensor.shape.size[0] = rows;
    if (rank == 2) tensor.shape.size[1] = width;
    tensor.data = data;
    return tensor;
}

std::unique_ptr<Executor> executor_of(const std::shared_ptr<const Plan> &plan, int64_t rows = 64) {
    std::vector<std::string> names;
    for (size_t i = 0; i < plan->data().inputs.size(); ++i) names.push_back("t" + std::to_string(i));
    auto made = make_reference_program(plan, std::move(names))->make_executor(0, rows);
    REQUIRE(made);
    return *std::move(made);
}

// Runs an executor; outputs[i] gets rows * width floats.
Status run(Executor &executor, const Plan &plan, std::vector<TensorView> inputs, int64_t rows,
           std::vector<Floats> &outputs, StopSource stop = {&steady_clock(), nullptr, WB_NO_DEADLINE}) {
    outputs.clear();
    std::vector<float *> data;
    for (uint32_t value : plan.data().outputs)
        outputs.emplace_back(static_cast<size_t>(rows * plan.width(value)), -99.0f);
    for (Floats &output : outputs) data.push_back(output.data());
    Run call;
    call.inputs = inputs;
    call.outputs = data;
    call.rows = rows;
    call.stop = stop;
    return executor.run(call);
}

// One operation over float32 rows of width `width`.
template <class Make>
Floats apply(const Floats &x, int64_t width, Make &&make) {
    PlanBuilder builder;
    builder.output(make(builder, builder.input(DType::float32, width)));
    auto plan = builder.build();
    REQUIRE(plan);
    auto rows = static_cast<int64_t>(x.size()) / width;
    std::vector<Floats> outputs;
    REQUIRE(run(*executor_of(*plan), **plan, {view(DType::float32, rows, width, x.data())}, rows, outputs).ok());
    return outputs[0];
}

bool same_bits(const Floats &a, const Floats &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Numbers without a pattern, the same on each machine.
struct Random {
    uint64_t state = 42;
    uint64_t next() {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth, MMIX
        return state >> 33;
    }
    Floats floats(size_t count) {
        Floats values(count);
        for (float &value : values) value = static_cast<float>(next()) / 1073741824.0f - 1.0f;
        return values;
    }
};

}  // namespace

TEST_CASE("an MLP gives the values computed by hand") {
    auto plan = weighbridge::test::small_mlp();
    // Row 0: [1, 2, table[1]] = [1, 2, 1, 2]; hidden [0.5 + 1+4+3+8, relu(-1 -1+1-2+2)] = [16.5, 0];
    // row 1: [-1, 0.5, table[2]] = [-1, 0.5, -1, 0.25]; hidden [relu(0.5 -1+1-3+1), -1 +1+0.25+2+0.25] = [0, 2.5].
    Floats numbers{1, 2, -1, 0.5f};
    std::vector<int64_t> categories{1, 2};
    std::vector<Floats> outputs;
    Status status =
        run(*executor_of(plan), *plan,
            {view(DType::float32, 2, 2, numbers.data()), view(DType::int64, 2, 1, categories.data(), 1)}, 2, outputs);
    REQUIRE(status.ok());
    REQUIRE(outputs[1] == Floats{16.5f, 0.0f, 0.0f, 2.5f});
    REQUIRE(outputs[0] == Floats{numerics::sigmoid(16.5f * 0.25f + 0.125f), numerics::sigmoid(-1.125f)});
    REQUIRE(outputs[0][0] == Approx(1.0 / (1.0 + std::exp(-4.25))));
}

TEST_CASE("the program says what it is") {
    auto program = make_reference_program(weighbridge::test::small_mlp(), {"numbers", "country"});
    REQUIRE(program->traits().inline_safe);
    REQUIRE(program->traits().cancellable);
    REQUIRE(program->traits().batch_invariant);
    REQUIRE(program->backend() == WB_BACKEND_REFERENCE);
    REQUIRE(program->precision() == WB_PRECISION_FP32);
    REQUIRE(program->numerics() == 1);
    REQUIRE(program->tile_rows() == 64);
    REQUIRE(program->executor_bytes(64) == 64 * (2 + 4 + 2 + 2 + 1 + 1) * 4);
    REQUIRE(program->executor_bytes(1) == 6 * 64);
}

TEST_CASE("linear rounds as a chain of fused multiply-adds that starts from the bias") {
    Random random;
    Floats x = random.floats(37), w = random.floats(37), bias = random.floats(1);
    float sum = bias[0];
    for (size_t k = 0; k < 37; ++k) sum = std::fma(w[k], x[k], sum);
    Floats y = apply(x, 37, [&](PlanBuilder &builder, auto in) { return builder.linear(in, w, bias); });
    REQUIRE(same_bits(y, {sum}));
    // 2^-24 survives only where product and sum are rounded once.
    Floats fused = apply({1.0f + 0x1p-12f, 1.0f}, 2, [&](PlanBuilder &builder, auto in) {
        return builder.linear(in, Floats{1.0f + 0x1p-12f, -0x1p-11f}, Floats{-1.0f});
    });
    REQUIRE(fused[0] == 0x1p-24f);
}

TEST_CASE("activations are the library's own functions") {
    Floats x{-3.0f, -0.5f, -0.0f, 0.0f, 0.5f, 3.0f, 100.0f, -100.0f};
    auto each = [&](auto function) {
        Floats y;
        for (float value : x) y.push_back(function(value));
        return y;
    };
    REQUIRE(same_bits(apply(x, 8, [](PlanBuilder &b, auto in) { return b.sigmoid(in); }),
                      each([](float v) { return numerics::sigmoid(v); })));
    REQUIRE(same_bits(apply(x, 8, [](PlanBuilder &b, auto in) { return b.tanh(in); }),
                      each([](float v) { return numerics::tanh(v); })));
    Floats gelu = apply(x, 8, [](PlanBuilder &b, auto in) { return b.gelu(in); });
    for (size_t i = 0; i < x.size(); ++i) {
        double exact = 0.5 * static_cast<double>(x[i]) * (1.0 + std::erf(static_cast<double>(x[i]) / std::sqrt(2.0)));
        REQUIRE(static_cast<double>(gelu[i]) == Approx(exact).margin(1e-7));
    }
}

TEST_CASE("relu keeps NaN and negative zero") {
    Floats y =
        apply({-2.0f, 2.0f, std::numeric_limits<float>::quiet_NaN(), -0.0f, std::numeric_limits<float>::infinity()}, 5,
              [](PlanBuilder &builder, auto in) { return builder.relu(in); });
    REQUIRE((y[0] == 0.0f && !std::signbit(y[0])));
    REQUIRE(y[1] == 2.0f);
    REQUIRE(std::isnan(y[2]));
    REQUIRE((y[3] == 0.0f && std::signbit(y[3])));
    REQUIRE(std::isinf(y[4]));
}

TEST_CASE("layer_norm: values by hand, and the order of its sums") {
    Floats y = apply({1, 3, 5, 7}, 4, [](PlanBuilder &builder, auto in) {
        return builder.layer_norm(in, Floats{1, 1, 2, 1}, Floats{0, 0, 0, 10}, 0.0f);
    });
    double root = std::sqrt(5.0);
    REQUIRE(static_cast<double>(y[0]) == Approx(-3.0 / root));
    REQUIRE(static_cast<double>(y[1]) == Approx(-1.0 / root));
    REQUIRE(static_cast<double>(y[2]) == Approx(2.0 / root));
    REQUIRE(static_cast<double>(y[3]) == Approx(10.0 + 3.0 / root));

    Random random;
    Floats wide = random.floats(53), ones(53, 1.0f), zeros(53, 0.0f);
    auto reduce = [](const Floats &values) {
        float lanes[16] = {};
        for (size_t i = 0; i < values.size(); ++i) lanes[i % 16] += values[i];
        for (size_t apart : {8, 4, 2, 1})
            for (size_t lane = 0; lane < apart; ++lane) lanes[lane] += lanes[lane + apart];
        return lanes[0];
    };
    float mean = reduce(wide) / 53.0f;
    Floats squares(16, 0.0f);
    for (size_t i = 0; i < 53; ++i) squares[i % 16] = std::fma(wide[i] - mean, wide[i] - mean, squares[i % 16]);
    float inverse = 1.0f / std::sqrt(reduce(squares) / 53.0f + 1e-5f);
    Floats expected;
    for (float value : wide) expected.push_back((value - mean) * inverse);
    REQUIRE(same_bits(apply(wide, 53, [&](PlanBuilder &b, auto in) { return b.layer_norm(in, ones, zeros, 1e-5f); }),
                      expected));
}

TEST_CASE("add, affine, slice and concat") {
    Floats x{1, 2, 3, 4, 5, 6};
    auto y = apply(x, 3, [](PlanBuilder &builder, auto in) {
        auto scaled = builder.affine(in, Floats{1, 10, 100}, Floats{0.5f, 0, -1});
        auto sum = builder.add(scaled, in);
        return builder.concat({builder.slice(sum, 1, 2), in, builder.slice(sum, 0, 1)});
    });
    REQUIRE(y == Floats{22, 302, 1, 2, 3, 2.5f, 55, 605, 4, 5, 6, 8.5f});
}

TEST_CASE("casts round to the nearest float") {
    PlanBuilder builder;
    std::vector<PlanBuilder::Value> parts;
    auto flags = builder.input(DType::boolean, 2), longs = builder.input(DType::int64, 2),
         ints = builder.input(DType::int32, 1, 1), doubles = builder.input(DType::float64, 1);
    for (auto value : {flags, longs, ints, doubles}) parts.push_back(builder.cast(value));
    builder.output(builder.concat(parts));
    auto plan = *builder.build();
    const uint8_t flag_data[] = {0, 1};
    const int64_t long_data[] = {16777217, INT64_MIN};
    const int32_t int_data[] = {-5};
    const double double_data[] = {0.1};
    std::vector<Floats> outputs;
    REQUIRE(run(*executor_of(plan), *plan,
                {view(DType::boolean, 1, 2, flag_data), view(DType::int64, 1, 2, long_data),
                 view(DType::int32, 1, 1, int_data, 1), view(DType::float64, 1, 1, double_data)},
                1, outputs)
                .ok());
    REQUIRE(outputs[0] == Floats{0, 1, 16777216.0f, -0x1p63f, -5, 0.1f});
}

TEST_CASE("an input may be an output, and an operation may use a value twice") {
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 2);
    builder.output(x);
    builder.output(builder.add(x, x));
    auto plan = *builder.build();
    Floats data{1, 2, 3, 4};
    std::vector<Floats> outputs;
    REQUIRE(run(*executor_of(plan), *plan, {view(DType::float32, 2, 2, data.data())}, 2, outputs).ok());
    REQUIRE(outputs[0] == data);
    REQUIRE(outputs[1] == Floats{2, 4, 6, 8});
}

TEST_CASE("an index outside the table fails the run, names the tensor and reads nothing") {
    auto plan = weighbridge::test::small_mlp();
    auto program = make_reference_program(plan, {"numbers", "country"});
    auto executor = *program->make_executor(0, 4);
    Floats numbers(8, 0.0f);
    std::vector<Floats> outputs;
    for (int64_t bad : {int64_t{3}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
        std::vector<int64_t> categories{0, 1, bad, 2};
        Status status = run(
            *executor, *plan,
            {view(DType::float32, 4, 2, numbers.data()), view(DType::int64, 4, 1, categories.data(), 1)}, 4, outputs);
        REQUIRE(status.code == WB_BACKEND_FAILED);
        REQUIRE(std::string(status.message) ==
                "tensor 'country': expected indices in [0, 3) as the model's table has rows, got one outside it");
        REQUIRE(outputs[0] == Floats(4, -99.0f));
    }
}

TEST_CASE("int32 indices are looked up") {
    PlanBuilder builder;
    builder.output(builder.embedding(builder.input(DType::int32, 2), Floats{1, 2, 3, 4, 5, 6}, 2));
    auto plan = *builder.build();
    const int32_t indices[] = {2, 0, 1, 1};
    std::vector<Floats> outputs;
    REQUIRE(run(*executor_of(plan), *plan, {view(DType::int32, 2, 2, indices)}, 2, outputs).ok());
    REQUIRE(outputs[0] == Floats{5, 6, 1, 2, 3, 4, 3, 4});
}

TEST_CASE("a row has the same bits alone and in any batch, in any executor") {
    Random random;
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 19);
    auto indices = builder.input(DType::int64, 3);
    auto table = builder.embedding(indices, random.floats(50 * 7), 7);
    auto h = builder.concat({x, table});
    for (int i = 0; i < 2; ++i) {
        auto next = builder.gelu(builder.linear(h, random.floats(40 * 40), random.floats(40)));
        h = builder.layer_norm(builder.add(h, next), random.floats(40), random.floats(40), 1e-5f);
    }
    builder.output(builder.sigmoid(builder.linear(builder.tanh(h), random.floats(40), random.floats(1))));
    builder.output(h);
    auto plan = *builder.build();

    constexpr int64_t kRows = 150;
    Floats numbers = random.floats(kRows * 19);
    std::vector<int64_t> categories;
    for (int64_t i = 0; i < kRows * 3; ++i) categories.push_back(static_cast<int64_t>(random.next() % 50));
    auto slice = [&](int64_t begin, int64_t rows) {
        return std::vector<TensorView>{view(DType::float32, rows, 19, numbers.data() + begin * 19),
                                       view(DType::int64, rows, 3, categories.data() + begin * 3)};
    };
    std::vector<Floats> whole, part;
    auto wide = executor_of(plan, kRows), narrow = executor_of(plan, 64);
    REQUIRE(run(*wide, *plan, slice(0, kRows), kRows, whole).ok());
    for (int64_t rows : {1, 2, 3, 7, 64}) {
        for (int64_t begin = 0; begin + rows <= kRows; begin += rows) {
            REQUIRE(run(*narrow, *plan, slice(begin, rows), rows, part).ok());
            for (size_t i = 0; i < 2; ++i) {
                size_t width = i == 0 ? 1 : 40;
                auto *expected = whole[i].data() + static_cast<size_t>(begin) * width;
                REQUIRE(std::memcmp(part[i].data(), expected, part[i].size() * sizeof(float)) == 0);
            }
        }
    }
}

TEST_CASE("a plan from its file computes the same bits") {
    auto plan = weighbridge::test::small_mlp();
    auto back = *read_plan(*write_plan(*plan));
    Floats numbers{0.3f, -0.7f};
    std::vector<int64_t> category{0};
    std::vector<TensorView> inputs{view(DType::float32, 1, 2, numbers.data()),
                                   view(DType::int64, 1, 1, category.data(), 1)};
    std::vector<Floats> first, second;
    REQUIRE(run(*executor_of(plan), *plan, inputs, 1, first).ok());
    REQUIRE(run(*executor_of(back), *back, inputs, 1, second).ok());
    REQUIRE(same_bits(first[0], second[0]));
}

TEST_CASE("a set token and a past deadline stop a run, and outputs stay untouched") {
    auto plan = weighbridge::test::small_mlp();
    auto executor = executor_of(plan);
    Floats numbers(2);
    std::vector<int64_t> category(1);
    std::vector<TensorView> inputs{view(DType::float32, 1, 2, numbers.data()),
                                   view(DType::int64, 1, 1, category.data(), 1)};
    std::vector<Floats> outputs;
    ManualClock clock(100);
    CancelToken token;
    REQUIRE(run(*executor, *plan, inputs, 1, outputs, {&clock, &token, 101}).ok());
    Status late = run(*executor, *plan, inputs, 1, outputs, {&clock, &token, 100});
    REQUIRE(late.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(std::string(late.message) == "the deadline passed while the model ran");
    REQUIRE(outputs[0] == Floats{-99.0f});
    token.set(true);
    REQUIRE(run(*executor, *plan, inputs, 1, outputs, {&clock, &token, WB_NO_DEADLINE}).code == WB_CANCELLED);
    REQUIRE(outputs[1] == Floats{-99.0f, -99.0f});
    token.set(false);
    REQUIRE(run(*executor, *plan, inputs, 1, outputs, {&clock, &token, WB_NO_DEADLINE}).ok());
}

TEST_CASE("a large operation polls while it runs") {
    // Each reading moves this clock on, so that the deadline tells how often it was read.
    struct CountingClock final : Clock {
        int64_t now_ns() const override { return ++readings; }
        mutable int64_t readings = 0;
    } clock;
    PlanBuilder builder;
    auto x = builder.input(DType::float32, 512);
    builder.output(builder.linear(x, Floats(512 * 512), Floats(512)));
    auto plan = *builder.build();
    Floats data(64 * 512);
    std::vector<Floats> outputs;
    REQUIRE(
        run(*executor_of(plan), *plan, {view(DType::float32, 8, 512, data.data())}, 8, outputs, {&clock, nullptr, 1000})
            .ok());
    REQUIRE(clock.readings == 8);
    Status late = run(*executor_of(plan), *plan, {view(DType::float32, 64, 512, data.data())}, 64, outputs,
                      {&clock, nullptr, 11});
    REQUIRE(late.code == WB_DEADLINE_EXCEEDED);
    REQUIRE(clock.readings == 11);
}

TEST_CASE("tensors of another form are refused") {
    auto plan = weighbridge::test::small_mlp();
    auto executor = executor_of(plan, 2);
    Floats numbers(8);
    std::vector<int64_t> categories(4);
    std::vector<Floats> outputs;
    auto code = [&](TensorView a, TensorView b, int64_t rows) {
        return run(*executor, *plan, {a, b}, rows, outputs).code;
    };
    auto good_a = view(DType::float32, 2, 2, numbers.data()), good_b = view(DType::int64, 2, 1, categories.data(), 1);
    REQUIRE(code(good_a, good_b, 2) == WB_OK);
    REQUIRE(code(good_a, good_b, 1) == WB_INTERNAL);
    REQUIRE(code(view(DType::float32, 2, 3, numbers.data()), good_b, 2) == WB_INTERNAL);
    REQUIRE(code(view(DType::float64, 2, 2, numbers.data()), good_b, 2) == WB_INTERNAL);
    REQUIRE(code(good_a, view(DType::int64, 2, 1, categories.data(), 2), 2) == WB_INTERNAL);
    REQUIRE(code(view(DType::float32, 3, 2, numbers.data()), view(DType::int64, 3, 1, categories.data(), 1), 3) ==
            WB_INTERNAL);
    REQUIRE(run(*executor, *plan, {good_a}, 2, outputs).code == WB_INTERNAL);
}

TEST_CASE("no rows are no work") {
    auto plan = weighbridge::test::small_mlp();
    std::vector<Floats> outputs;
    REQUIRE(run(*executor_of(plan), *plan, {view(DType::float32, 0, 2, nullptr), view(DType::int64, 0, 1, nullptr, 1)},
                0, outputs)
                .ok());
}
