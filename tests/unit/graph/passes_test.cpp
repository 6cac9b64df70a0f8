// SPDX-License-Identifier: Apache-2.0
// Each pass on a graph made for it; optimise() on random graphs.
#include <algorithm>
#include <cmath>

#include "backend/reference/evaluate.hpp"
#include "graph/graph_file.hpp"
#include "graph/passes/pipeline.hpp"
#include "graph/passes/rewrite.hpp"
#include "support/catch.hpp"
#include "support/counting_clock.hpp"
#include "support/graphs.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op, lib::ValueId;
using test::GraphBuilder;

const Extent kRows = Extent::rows();
const Extent kLength = Extent::length();
Extent of(int64_t number) { return Extent::of(number); }
Attributes to(DType dtype) { return {.dtype = dtype}; }

test::Outputs evaluated(const lib::Graph &graph, const test::Inputs &inputs, int64_t rows, int64_t length) {
    std::vector<lib::AlignedBuffer> outputs;
    lib::Status status = lib::evaluate(graph, inputs.views, rows, length, outputs);
    INFO(status.message);
    REQUIRE(status.ok());
    test::Outputs found;
    for (size_t i = 0; i < outputs.size(); ++i) {
        const auto *from = reinterpret_cast<const float *>(outputs[i].data());
        found.emplace_back(from, from + rows * test::row_floats(graph, i, length));
    }
    return found;
}

// The largest difference in parts of the largest number of an output.
double difference(const test::Outputs &a, const test::Outputs &b) {
    double worst = 0;
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) {
        REQUIRE(a[i].size() == b[i].size());
        double largest = 1e-3, apart = 0;
        for (size_t j = 0; j < a[i].size(); ++j) {
            if (std::isnan(a[i][j]) || std::isnan(b[i][j])) {
                if (std::isnan(a[i][j]) != std::isnan(b[i][j])) return INFINITY;
                continue;
            }
            if (a[i][j] == b[i][j]) continue;  // infinities too
            largest = std::max<double>(largest, std::fabs(a[i][j]));
            apart = std::max<double>(apart, std::fabs(static_cast<double>(a[i][j]) - b[i][j]));
        }
        worst = std::max(worst, apart / largest);
    }
    return worst;
}

// Optimises, and compares before with after for a few runs.
lib::Graph require_same(const lib::Graph &graph, uint32_t seed = 1, double most = 1e-5) {
    auto after = lib::optimise(graph);
    INFO(after.status().message);
    REQUIRE(after);
    INFO("before\n" << graph.text() << "after\n" << after->text());
    for (int64_t rows : {int64_t{1}, int64_t{3}})
        for (int64_t length :
             {graph.least_length, (graph.least_length + graph.largest_length) / 2, graph.largest_length}) {
            CAPTURE(rows, length);
            const auto inputs = test::random_inputs(graph, rows, length, seed);
            REQUIRE(difference(evaluated(graph, inputs, rows, length), evaluated(*after, inputs, rows, length)) <=
                    most);
        }
    return *std::move(after);
}

int64_t count(const lib::Graph &graph, Op op) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                         [&](const lib::Node &node) { return node.op == op; });
}
const lib::Node &only(const lib::Graph &graph, Op op) {
    INFO(graph.text());
    REQUIRE(count(graph, op) == 1);
    return *std::find_if(graph.nodes().begin(), graph.nodes().end(),
                         [&](const lib::Node &node) { return node.op == op; });
}
std::vector<float> numbers(int64_t size, uint32_t seed = 1) {
    std::vector<float> made;
    for (int64_t i = 0; i < size; ++i) made.push_back(static_cast<float>((i * 37 + seed * 11) % 29 - 14) / 16.0f);
    return made;
}
ValueId swapped(GraphBuilder &build, ValueId x) {
    std::vector<int64_t> order;
    const auto rank = static_cast<int64_t>(build.graph.type(x).rank());
    for (int64_t i = 0; i < rank; ++i) order.push_back(i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2);
    return build.add(Op::permute, {x}, {.order = order});
}
// [batch, length, h d] as [batch, h, length, d].
ValueId heads(GraphBuilder &build, ValueId x, int64_t h, int64_t d) {
    const auto apart = build.add(Op::reshape, {x}, {.shape = {kRows, kLength, of(h), of(d)}});
    return build.add(Op::permute, {apart}, {.order = {0, 2, 1, 3}});
}

}  // namespace

TEST_CASE("optimise keeps the results of random graphs and gives the same bytes twice") {
    const int graphs = std::getenv("WB_FULL") ? 2000 : 100;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.smooth = true;
        options.sequences = seed % 2 == 1;
        options.least_length = 1 + seed % 2;
        options.largest_length = 12;
        const lib::Graph graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        const lib::Graph after = require_same(graph, static_cast<uint32_t>(seed));
        REQUIRE(lib::write_graph(after) == lib::write_graph(*lib::optimise(graph)));
        REQUIRE(after.inputs() == graph.inputs());
        REQUIRE(after.outputs().size() == graph.outputs().size());
        for (size_t i = 0; i < graph.outputs().size(); ++i)
            REQUIRE(after.type(after.outputs()[i]) == graph.type(graph.outputs()[i]));
    }
}

TEST_CASE("passes run in the order of the pipeline, and each leaves a sound graph") {
    const lib::Graph graph = test::random_graph(5, {.sequences = true, .least_length = 1});
    std::vector<std::string> names;
    REQUIRE(lib::optimise(graph, [&](std::string_view name, const lib::Graph &left) {
        names.emplace_back(name);
        REQUIRE(lib::validate(left).ok());
    }));
    REQUIRE(names.size() == lib::pipeline().size() + 1);
    REQUIRE(names[0] == "imported");
    for (size_t i = 0; i < lib::pipeline().size(); ++i) REQUIRE(names[i + 1] == lib::pipeline()[i].name);
}

TEST_CASE("constants of a crafted graph are folded up to a limit, until their caller says so") {
    constexpr int64_t kElements = int64_t{1} << 22;
    GraphBuilder build;
    ValueId sum = build.input(0, DType::float32, {kRows, of(1)});
    ValueId made = build.add(Op::full, {}, {.dtype = DType::boolean, .shape = {of(kElements)}});
    for (int i = 0; i < 135; ++i) {
        made = build.add(Op::logical_not, {made});
        const ValueId one = build.add(Op::slice, {made}, {.axis = 0, .start = of(i), .size = of(1)});
        sum = build.add(Op::add, {sum, build.add(Op::cast, {one}, to(DType::float32))});
    }
    build.output(sum);
    const auto folded = lib::fold_constants(build.graph, {});
    INFO(folded.status().message);
    REQUIRE(folded);
    CHECK(std::count_if(folded->nodes().begin(), folded->nodes().end(), [](const lib::Node &node) {
              return node.op == Op::logical_not;
          }) == 8);  // 128 would be 2^29 bytes
    const test::CountingClock clock;
    CHECK(lib::fold_constants(build.graph, clock.stop_at(3)).status().code == WB_DEADLINE_EXCEEDED);
}

TEST_CASE("padding masks of real positions fold away") {
    GraphBuilder build(16);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(4)});
    const auto places = build.add(Op::iota, {}, {.size = kLength});
    const auto lengths = build.add(Op::full, {}, {.dtype = DType::int64, .integer = kLength, .shape = {kRows, of(1)}});
    const auto real = build.add(Op::less, {places, lengths});  // [batch, length], all true
    const auto as_column = build.add(Op::reshape, {real}, {.shape = {kRows, kLength, of(1)}});
    const auto minus = build.add(Op::full, {}, {.dtype = DType::float32, .value = -1e9});
    const auto masked = build.add(Op::where, {as_column, x, minus});
    const auto weight = build.add(Op::cast, {as_column}, to(DType::float32));
    const auto sum = build.add(Op::reduce_sum, {build.add(Op::mul, {masked, weight})}, {.axis = 1});
    const auto many = build.add(Op::reduce_sum, {weight}, {.axis = 1});
    build.output(build.add(Op::div, {sum, many}));
    const lib::Graph after = require_same(build.graph);
    for (Op op : {Op::less, Op::where, Op::mul, Op::iota}) REQUIRE(count(after, op) == 0);
    REQUIRE(count(after, Op::reduce_sum) == 1);  // of x; the count is a fill
}

TEST_CASE("masks whose truth the length decides stay") {
    GraphBuilder build(16);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {kRows, kLength});
    const auto places = build.add(Op::iota, {}, {.size = kLength});
    const auto five = build.add(Op::full, {}, {.dtype = DType::int64, .integer = of(5)});
    build.output(build.add(Op::where, {build.add(Op::less, {places, five}), x, build.add(Op::neg, {x})}));
    REQUIRE(count(require_same(build.graph), Op::less) == 1);
}

TEST_CASE("constants fold") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(3)});
    const auto c = build.add(Op::sqrt, {build.add(Op::add, {build.floats({3}, {1, 2, 3}), build.floats({1}, {1})})});
    build.output(build.add(Op::mul, {x, c}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(count(after, Op::sqrt) == 0);
    REQUIRE(count(after, Op::add) == 0);
}

TEST_CASE("a place of a constant that the length says stays") {
    GraphBuilder build(16);
    const auto x = build.input(0, DType::float32, {kRows, kLength});
    const auto table = build.floats({17}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    const auto found = build.add(Op::slice, {table}, {.axis = 0, .step = 1, .start = kLength, .size = of(1)});
    build.output(build.add(Op::add, {x, found}));
    REQUIRE(count(require_same(build.graph), Op::slice) == 1);
}

TEST_CASE("a batch norm, bias, activation and residual become one linear") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(6)});
    const auto y = build.linear(x, 6, numbers(36));
    const auto mean = build.floats({6}, numbers(6, 2)), by = build.floats({6}, numbers(6, 3));
    const auto norm = build.add(Op::mul, {build.add(Op::sub, {y, mean}), by});
    const auto shifted = build.add(Op::add, {norm, build.floats({6}, numbers(6, 4))});
    build.output(build.add(Op::add, {build.add(Op::gelu, {shifted}), x}));
    const lib::Graph after = require_same(build.graph);
    const auto attributes = only(after, Op::linear).attributes;
    REQUIRE(attributes.activation == lib::Activation::gelu);
    REQUIRE(attributes.bias);
    REQUIRE(attributes.residual);
    for (Op op : {Op::add, Op::sub, Op::mul, Op::gelu}) REQUIRE(count(after, op) == 0);
}

TEST_CASE("a convolution's norm and activation pass its permute, and the next one's padding") {
    // Channels first, as modules have them: [batch, channels, places].
    GraphBuilder build(9);
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(4)});
    const auto first = swapped(build, build.linear(x, 6, numbers(24), numbers(6)));
    const auto scaled = build.add(Op::mul, {first, build.floats({6, 1}, numbers(6, 3))});
    const auto shifted = build.add(Op::add, {scaled, build.floats({1, 6, 1}, numbers(6, 4))});
    const auto active = build.add(Op::relu, {shifted});
    const auto zeros = build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.0, .shape = {kRows, of(6), of(2)}});
    const auto padded = swapped(build, build.add(Op::concat, {zeros, active}, {.axis = 2}));
    build.output(build.add(Op::reduce_mean, {build.linear(padded, 3, numbers(18))}, {.axis = 1}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(count(after, Op::linear) == 2);
    REQUIRE(std::any_of(after.nodes().begin(), after.nodes().end(), [](const lib::Node &node) {
        return node.op == Op::linear && node.attributes.activation == lib::Activation::relu;
    }));
    for (Op op : {Op::mul, Op::add, Op::relu, Op::permute}) REQUIRE(count(after, op) == 0);
}

TEST_CASE("a permuted linear that others read keeps its result, and so does a padded value") {
    GraphBuilder build(9);
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(4)});
    const auto linear = build.linear(x, 4, numbers(16));
    const auto turned = swapped(build, linear);
    const auto active = build.add(Op::relu, {turned});
    const auto zeros = build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.0, .shape = {kRows, of(4), of(2)}});
    const auto padded = build.add(Op::concat, {turned, zeros}, {.axis = 2});
    for (ValueId value : {linear, turned, active, padded, swapped(build, padded)}) build.output(value);
    const lib::Graph after = require_same(build.graph);
    REQUIRE(only(after, Op::linear).attributes.activation == lib::Activation::none);
    REQUIRE(count(after, Op::relu) == 1);
    REQUIRE(count(after, Op::concat) == 1);
}

TEST_CASE("a linear that others read keeps its result") {
    GraphBuilder build;
    const auto y = build.linear(build.input(0, DType::float32, {kRows, of(2)}), 2, numbers(4));
    build.output(y);
    build.output(build.add(Op::relu, {y}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(only(after, Op::linear).attributes.activation == lib::Activation::none);
}

TEST_CASE("weights that a fold would make infinite stay as they are") {
    GraphBuilder build;
    const auto y = build.linear(build.input(0, DType::float32, {kRows, of(2)}), 2, numbers(4));
    build.output(build.add(Op::div, {y, build.floats({1}, {0.0f})}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(lib::Plan::make(after, {}, {WB_PRECISION_FP32}));
}

TEST_CASE("softmax(q k^T) v becomes attention") {
    GraphBuilder build(8);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(8)});
    const auto flags = build.input(1, DType::boolean, {kRows, kLength});
    const auto bias = build.input(2, DType::float32, {kRows, kLength});
    auto part = [&](uint32_t seed) {
        return heads(build, build.linear(x, 8, numbers(64, seed), numbers(8, seed)), 2, 4);
    };
    const auto q = part(1), k = part(2), v = part(3);
    auto product = build.add(Op::matmul, {q, swapped(build, k)});
    const auto scale = build.add(Op::full, {}, {.dtype = DType::float32, .value = 0.5});
    const auto minus = build.add(Op::full, {}, {.dtype = DType::float32, .value = -INFINITY});
    const auto mask = build.add(Op::reshape, {flags}, {.shape = {kRows, of(1), of(1), kLength}});
    int64_t operands = 3;
    bool boolean = false, inverted = false;
    SECTION("scaled") { product = build.add(Op::mul, {product, scale}); }
    SECTION("with an additive mask") {
        product = build.add(Op::mul, {product, scale});
        product =
            build.add(Op::add, {product, build.add(Op::reshape, {bias}, {.shape = {kRows, of(1), of(1), kLength}})});
        operands = 4;
    }
    SECTION("with a bool mask, true where a key is seen") {
        product = build.add(Op::where, {mask, build.add(Op::mul, {product, scale}), minus});
        operands = 4;
        boolean = true;
    }
    SECTION("with a bool mask, true where a key is hidden") {
        product = build.add(Op::where, {mask, minus, build.add(Op::mul, {scale, product})});
        operands = 4;
        boolean = inverted = true;
    }
    SECTION("with the query scaled") {
        product = build.add(Op::matmul, {build.add(Op::mul, {q, scale}), swapped(build, k)});
    }
    build.output(build.add(Op::matmul, {build.add(Op::softmax, {product}), v}));
    const lib::Graph after = require_same(build.graph);
    const lib::Node &node = only(after, Op::attention);
    REQUIRE(node.attributes.scale == 0.5);
    REQUIRE(static_cast<int64_t>(node.operands.size()) == operands);
    if (operands == 4) REQUIRE((after.type(node.operands[3]).dtype == DType::boolean) == boolean);
    REQUIRE(count(after, Op::logical_not) == (inverted ? 1 : 0));
    for (Op op : {Op::matmul, Op::softmax}) REQUIRE(count(after, op) == 0);
    REQUIRE(after.type(only(after, Op::linear).operands[1]).shape[0] == of(24));  // query, key and value in one
}

TEST_CASE("a softmax that others read stays a softmax") {
    GraphBuilder build(8);
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(4)});
    const auto weights = build.add(Op::softmax, {build.add(Op::matmul, {x, swapped(build, x)})});
    build.output(build.add(Op::matmul, {weights, x}));
    build.output(build.add(Op::reduce_max, {build.add(Op::reduce_max, {weights}, {.axis = 1})}, {.axis = 2}));
    require_same(build.graph);
}

TEST_CASE("where only the first token of the last layer is read, only that is computed") {
    GraphBuilder build(16);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {kRows, kLength, of(8)});
    auto part = [&](uint32_t seed) {
        return heads(build, build.linear(x, 8, numbers(64, seed), numbers(8, seed)), 2, 4);
    };
    const auto q = part(1), k = part(2), v = part(3);
    const auto joined = build.add(Op::attention, {q, k, v}, {});
    const auto together = build.add(Op::reshape, {build.add(Op::permute, {joined}, {.order = {0, 2, 1, 3}})},
                                    {.shape = {kRows, kLength, of(8)}});
    const auto after_heads = build.add(Op::add, {build.linear(together, 8, numbers(64, 5), numbers(8)), x});
    const auto gamma = build.floats({8}, numbers(8, 6));
    const auto normed = build.add(Op::layer_norm, {after_heads, gamma, gamma}, {.epsilon = 1e-5});
    const auto wide = build.linear(normed, 16, numbers(128, 7), numbers(16), lib::Activation::gelu);
    const auto last = build.add(Op::add, {build.linear(wide, 8, numbers(128, 8), numbers(8)), normed});
    build.output(build.add(Op::slice, {last}, {.axis = 1, .start = of(0), .size = of(1)}));
    const lib::Graph after = require_same(build.graph);
    INFO(after.text());
    for (const lib::Node &node : after.nodes()) {
        const bool token = std::find(node.type.shape.begin(), node.type.shape.end(), kLength) == node.type.shape.end();
        if (node.op == Op::layer_norm || node.op == Op::attention) REQUIRE(token);
        if (node.op == Op::linear && node.type.shape.back() != of(16) && node.type.shape.back() != of(8))
            REQUIRE(!token);
    }
    // The key and value of all tokens, and everything else of one.
    REQUIRE(std::count_if(after.nodes().begin(), after.nodes().end(), [](const lib::Node &node) {
                return node.op == Op::linear && node.type.shape[1] == kLength;
            }) == 1);
}

TEST_CASE("what a slice cannot pass: causal attention, and values with other readers") {
    GraphBuilder build(16);
    build.graph.least_length = 2;
    const auto x = build.input(0, DType::float32, {kRows, of(1), kLength, of(4)});
    lib::Attributes causal;
    causal.causal = true;
    const auto y = build.add(Op::attention, {x, x, x}, causal);
    build.output(build.add(Op::slice, {y}, {.axis = 2, .start = Extent::length(1, -1), .size = of(1)}));
    const auto z = build.add(Op::tanh, {x});
    build.output(build.add(Op::slice, {z}, {.axis = 2, .start = of(0), .size = of(1)}));
    build.output(build.add(Op::reduce_max, {z}, {.axis = 2}));
    require_same(build.graph);
}

TEST_CASE("equal subexpressions are computed once") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(4)});
    auto twice = [&] { return build.add(Op::tanh, {build.add(Op::mul, {x, build.floats({4}, numbers(4))})}); };
    build.output(build.add(Op::sub, {twice(), twice()}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(count(after, Op::tanh) == 1);
    REQUIRE(count(after, Op::mul) == 1);
    REQUIRE(after.constants().size() == 1);
}

TEST_CASE("int8 ranges are those of what a linear reads") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(4)});
    auto hidden = [&](ValueId from, lib::Activation activation) {
        return build.linear(from, 4, numbers(16), {}, activation);
    };
    const auto relu = hidden(x, lib::Activation::relu), gelu = hidden(relu, lib::Activation::gelu);
    const auto tanh = hidden(gelu, lib::Activation::tanh);
    const auto residual = build.add(Op::add, {hidden(tanh, lib::Activation::none), relu});
    build.output(hidden(build.add(Op::reshape, {build.add(Op::softmax, {hidden(residual, lib::Activation::none)})},
                                  {.shape = {kRows, of(1), of(4)}}),
                        lib::Activation::none));
    const lib::Graph after = require_same(build.graph);
    std::vector<lib::Range> ranges;
    for (const lib::Node &node : after.nodes())
        if (node.op == Op::linear) ranges.push_back(node.attributes.range);
    using lib::Range;
    REQUIRE(ranges == std::vector<Range>{Range::symmetric, Range::nonnegative, Range::gelu, Range::symmetric,
                                         Range::symmetric, Range::nonnegative});
}

TEST_CASE("values that nobody reads go, inputs stay") {
    GraphBuilder build;
    const auto x = build.input(0, DType::float32, {kRows, of(4)});
    build.input(1, DType::float32, {kRows, of(4)});
    build.add(Op::exp, {x});
    build.floats({3}, {1, 2, 3});
    build.output(build.add(Op::tanh, {x}));
    const lib::Graph after = require_same(build.graph);
    REQUIRE(after.inputs() == 2);
    REQUIRE(after.nodes().size() == 3);
    REQUIRE(after.constants().empty());
}

TEST_CASE("long chains take neither the stack nor time") {
    GraphBuilder build(4);
    auto n = build.add(Op::iota, {}, {.size = kLength});
    for (int i = 0; i < 40; ++i) n = build.add(Op::sub, {n, build.add(Op::sub, {n, n})});
    const auto zero = build.add(Op::full, {}, {.dtype = DType::int64, .integer = of(1000)});
    const auto x = build.input(0, DType::float32, {kRows, kLength});
    auto y = build.add(Op::where, {build.add(Op::less, {n, zero}), x, x});
    for (int i = 0; i < 20000; ++i)
        y = build.add(Op::reshape, {y}, {.shape = i % 2 ? Extents{kRows, kLength} : Extents{kRows, kLength, of(1)}});
    build.output(y);
    REQUIRE(lib::optimise(build.graph));
}
