// SPDX-License-Identifier: Apache-2.0
// The exact operators, on numbers worked out by hand.
#include "graph/dense.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/graphs.hpp"

namespace {

namespace lib = weighbridge::lib;
using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op;
using weighbridge::test::GraphBuilder;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class T>
lib::ValueId constant(GraphBuilder &build, DType dtype, std::vector<int64_t> shape, const std::vector<T> &values) {
    return build.graph.add_constant(lib::Constant::copy(dtype, std::move(shape), values.data()));
}

// Evaluates one operator on constants; `Result` as its dtype has elements.
template <class Result>
lib::Expected<std::vector<Result>> evaluated(GraphBuilder &build, Op op, std::vector<lib::ValueId> operands,
                                             Attributes attributes = {}) {
    const lib::ValueId id = build.add(op, operands, std::move(attributes));
    const lib::Node &node = build.graph.node(id);
    REQUIRE(lib::is_exact(build.graph, node));
    std::vector<lib::Dense> inputs;
    for (lib::ValueId operand : operands) {
        const lib::Constant &from = build.graph.constant_of(operand);
        inputs.push_back({from.dtype, from.shape, const_cast<std::byte *>(from.data.get())});
    }
    REQUIRE(size_of(node.type.dtype) == sizeof(Result));
    lib::Dense result{node.type.dtype, lib::sizes_at(node.type, 2, 3), nullptr};
    std::vector<Result> memory(static_cast<size_t>(result.elements()) + 1, Result{77});
    result.data = memory.data();
    if (lib::Status status = lib::evaluate_exact(node, inputs, result, 2, 3); !status.ok()) return status;
    REQUIRE(memory.back() == Result{77});
    memory.pop_back();
    return memory;
}

}  // namespace

TEST_CASE("layouts") {
    GraphBuilder build(3);
    const auto x = build.floats({2, 3}, {1, 2, 3, 4, 5, 6});
    REQUIRE(*evaluated<float>(build, Op::permute, {x}, {.order = {1, 0}}) == std::vector<float>{1, 4, 2, 5, 3, 6});
    REQUIRE(*evaluated<float>(build, Op::slice, {x},
                              {.axis = 1, .step = 2, .start = Extent::of(0), .size = Extent::of(2)}) ==
            std::vector<float>{1, 3, 4, 6});
    REQUIRE(*evaluated<float>(build, Op::reshape, {x}, {.shape = {Extent::of(3), Extent::of(2)}}) ==
            std::vector<float>{1, 2, 3, 4, 5, 6});
    const auto column = build.floats({2, 1}, {7, 8});
    REQUIRE(*evaluated<float>(build, Op::expand, {column}, {.shape = {Extent::of(2), Extent::of(2)}}) ==
            std::vector<float>{7, 7, 8, 8});
    REQUIRE(*evaluated<float>(build, Op::concat, {x, column}, {.axis = 1}) ==
            std::vector<float>{1, 2, 3, 7, 4, 5, 6, 8});
    REQUIRE(*evaluated<int64_t>(build, Op::iota, {}, {.size = Extent::length()}) == std::vector<int64_t>{0, 1, 2});
    REQUIRE(*evaluated<int64_t>(build, Op::full, {},
                                {.dtype = DType::int64, .integer = Extent::length(2), .shape = {Extent::rows()}}) ==
            std::vector<int64_t>{6, 6});
}

TEST_CASE("integers wrap, divide towards minus infinity and refuse 0") {
    GraphBuilder build;
    const auto a = build.integers({4}, {7, -7, INT64_MIN, INT64_MAX}), b = build.integers({4}, {3, 3, -1, 1});
    REQUIRE(*evaluated<int64_t>(build, Op::floor_divide, {a, b}) == std::vector<int64_t>{2, -3, INT64_MIN, INT64_MAX});
    REQUIRE(*evaluated<int64_t>(build, Op::remainder, {a, b}) == std::vector<int64_t>{1, 2, 0, 0});
    REQUIRE(*evaluated<int64_t>(build, Op::add, {a, b}) == std::vector<int64_t>{10, -4, INT64_MAX, INT64_MIN});
    REQUIRE(*evaluated<int64_t>(build, Op::neg, {a}) == std::vector<int64_t>{-7, 7, INT64_MIN, -INT64_MAX});
    REQUIRE(*evaluated<int64_t>(build, Op::abs, {a}) == std::vector<int64_t>{7, 7, INT64_MIN, INT64_MAX});
    const auto zero = build.integers({1}, {0});
    REQUIRE(evaluated<int64_t>(build, Op::remainder, {a, zero}).status().code == WB_BACKEND_FAILED);
    REQUIRE(evaluated<int64_t>(build, Op::floor_divide, {a, zero}).status().code == WB_BACKEND_FAILED);
}

TEST_CASE("NaN wins a maximum and a minimum, and is the largest for argmax") {
    GraphBuilder build;
    const auto x = build.floats({2, 3}, {1, kNan, 3, -1, -2, -3}), y = build.floats({1, 3}, {2, 2, kNan});
    auto most = *evaluated<float>(build, Op::maximum, {x, y});
    REQUIRE(most[0] == 2);
    REQUIRE(std::isnan(most[1]));
    REQUIRE(std::isnan(most[2]));
    REQUIRE(*evaluated<int64_t>(build, Op::argmax, {x}, {.axis = 1}) == std::vector<int64_t>{1, 0});
    REQUIRE(std::isnan((*evaluated<float>(build, Op::reduce_max, {x}, {.axis = 1}))[0]));
    REQUIRE(*evaluated<float>(build, Op::cumsum, {build.floats({3}, {1, 2, 4})}, {.axis = 0}) ==
            std::vector<float>{1, 3, 7});
    const auto empty = build.floats({2, 0}, {});
    REQUIRE(*evaluated<float>(build, Op::reduce_max, {empty}, {.axis = 1}) == std::vector<float>{-INFINITY, -INFINITY});
    REQUIRE(*evaluated<int64_t>(build, Op::reduce_sum, {constant<int64_t>(build, DType::int64, {0}, {})},
                                {.axis = 0}) == std::vector<int64_t>{0});
}

TEST_CASE("casts go towards zero, and what int64 cannot hold is its least") {
    GraphBuilder build;
    const auto x = build.floats({6}, {1.9f, -1.9f, 1e30f, kNan, -0.0f, -INFINITY});
    REQUIRE(*evaluated<int64_t>(build, Op::cast, {x}, {.dtype = DType::int64}) ==
            std::vector<int64_t>{1, -1, INT64_MIN, INT64_MIN, 0, INT64_MIN});
    REQUIRE(*evaluated<uint8_t>(build, Op::cast, {x}, {.dtype = DType::boolean}) ==
            std::vector<uint8_t>{1, 1, 1, 1, 0, 1});
    const auto i = build.integers({2}, {16777217, -3});
    REQUIRE(*evaluated<float>(build, Op::cast, {i}, {.dtype = DType::float32}) ==
            std::vector<float>{16777216.0f, -3.0f});
}

TEST_CASE("look-ups") {
    GraphBuilder build;
    const auto table = build.floats({3, 2}, {1, 2, 3, 4, 5, 6});
    REQUIRE(*evaluated<float>(build, Op::embedding, {table, build.integers({2}, {2, 0})}) ==
            std::vector<float>{5, 6, 1, 2});
    for (int64_t bad : {int64_t{3}, int64_t{-1}, INT64_MIN, INT64_MAX})
        REQUIRE(evaluated<float>(build, Op::embedding, {table, build.integers({1}, {bad})}).status().code ==
                WB_BACKEND_FAILED);
    REQUIRE(*evaluated<float>(build, Op::gather, {table, build.integers({3, 1}, {1, 0, 1})}, {.axis = 1}) ==
            std::vector<float>{2, 3, 6});
    REQUIRE(
        evaluated<float>(build, Op::gather, {table, build.integers({3, 1}, {1, 0, 2})}, {.axis = 1}).status().code ==
        WB_BACKEND_FAILED);
    const auto x = build.floats({4}, {-1, 0.5f, 2, kNan}), ends = build.floats({3}, {0, 0.5f, 1});
    REQUIRE(*evaluated<int64_t>(build, Op::bucketize, {x, ends}, {.right = false}) == std::vector<int64_t>{0, 1, 3, 3});
    REQUIRE(*evaluated<int64_t>(build, Op::bucketize, {x, ends}, {.right = true}) == std::vector<int64_t>{0, 2, 3, 3});
}

TEST_CASE("comparisons, choices and broadcasts") {
    GraphBuilder build;
    const auto a = build.floats({2, 1}, {1, 2}), b = build.floats({3}, {1, 2, kNan});
    REQUIRE(*evaluated<uint8_t>(build, Op::less_equal, {a, b}) == std::vector<uint8_t>{1, 1, 0, 0, 1, 0});
    REQUIRE(*evaluated<uint8_t>(build, Op::not_equal, {a, b}) == std::vector<uint8_t>{0, 1, 1, 1, 0, 1});
    const auto flags = constant<uint8_t>(build, DType::boolean, {2, 1}, {1, 0});
    REQUIRE(*evaluated<uint8_t>(build, Op::logical_xor, {flags, flags}) == std::vector<uint8_t>{0, 0});
    auto chosen = *evaluated<float>(build, Op::where, {flags, a, b});
    REQUIRE(std::vector<float>(chosen.begin(), chosen.begin() + 5) == std::vector<float>{1, 1, 1, 1, 2});
    REQUIRE(std::isnan(chosen[5]));
}

TEST_CASE("float64, which all backends compute here", "[float64]") {
    GraphBuilder build;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const auto x = constant<double>(build, DType::float64, {2, 3}, {1e300, 0.1, 5e-324, -2.5, 3.5, 1e-300});
    const auto y = constant<double>(build, DType::float64, {3}, {1e300, 3, 2});
    using Doubles = std::vector<double>;
    REQUIRE(*evaluated<double>(build, Op::div, {x, y}) == Doubles{1, 0.1 / 3, 0.0, -2.5 / 1e300, 3.5 / 3, 1e-300 / 2});
    REQUIRE(*evaluated<double>(build, Op::mul, {x, y}) == Doubles{kInfinity, 0.1 * 3, 1e-323, -2.5e300, 10.5, 2e-300});
    REQUIRE(*evaluated<double>(build, Op::reduce_mean, {x}, {.axis = 1}) ==
            Doubles{1e300 / 3, (-2.5 + 3.5 + 1e-300) / 3});
    REQUIRE(*evaluated<double>(build, Op::reduce_sum, {x}, {.axis = 0}) == Doubles{1e300 - 2.5, 0.1 + 3.5, 1e-300});
    REQUIRE(*evaluated<double>(build, Op::cumsum, {y}, {.axis = 0}) == Doubles{1e300, 1e300, 1e300});
    REQUIRE(*evaluated<double>(build, Op::round, {x}) == Doubles{1e300, 0, 0, -2, 4, 0});
    REQUIRE(*evaluated<double>(build, Op::relu, {x}) == Doubles{1e300, 0.1, 5e-324, 0, 3.5, 1e-300});
    REQUIRE(*evaluated<double>(build, Op::sqrt, {y}) == Doubles{std::sqrt(1e300), std::sqrt(3.0), std::sqrt(2.0)});
    REQUIRE(*evaluated<double>(build, Op::clamp, {x}, {.least = -1.1, .largest = 0.3}) ==
            Doubles{0.3, 0.1, 5e-324, -1.1, 0.3, 1e-300});
    REQUIRE(*evaluated<uint8_t>(build, Op::greater, {x, y}) == std::vector<uint8_t>{0, 0, 0, 0, 1, 0});
    const auto to_float = *evaluated<float>(build, Op::cast, {x}, {.dtype = DType::float32});
    REQUIRE(to_float == std::vector<float>{std::numeric_limits<float>::infinity(), 0.1f, 0.0f, -2.5f, 3.5f, 0.0f});
    const auto f = build.floats({2}, {0.1f, kNan});
    const auto back = *evaluated<double>(build, Op::cast, {f}, {.dtype = DType::float64});
    REQUIRE(back[0] == static_cast<double>(0.1f));
    REQUIRE(std::isnan(back[1]));
    REQUIRE(*evaluated<double>(build, Op::full, {},
                               {.dtype = DType::float64, .value = 0.1, .shape = {Extent::of(2)}}) == Doubles{0.1, 0.1});
    const auto ids = build.integers({2}, {1, 1});
    REQUIRE(*evaluated<double>(build, Op::embedding, {x, ids}) == Doubles{-2.5, 3.5, 1e-300, -2.5, 3.5, 1e-300});
}

TEST_CASE("places go in row-major order, none where a size is 0, one where there are no axes") {
    std::vector<int64_t> seen;
    lib::for_each_place({2, 2}, {{1, 10}}, [&](const std::vector<int64_t> &at) { seen.push_back(at[0]); });
    REQUIRE(seen == std::vector<int64_t>{0, 10, 1, 11});
    seen.clear();
    lib::for_each_place({2, 0}, {{1, 10}}, [&](const std::vector<int64_t> &at) { seen.push_back(at[0]); });
    REQUIRE(seen.empty());
    lib::for_each_place({}, {{}}, [&](const std::vector<int64_t> &at) { seen.push_back(at[0]); });
    REQUIRE(seen == std::vector<int64_t>{0});
    REQUIRE(lib::broadcast_strides({3, 1}, {2, 3, 4}) == std::vector<int64_t>{0, 1, 0});
}
