// SPDX-License-Identifier: Apache-2.0
// What each operator takes and gives, and that no operator mixes rows.
#include "support/catch.hpp"
#include "support/graphs.hpp"

namespace {

namespace lib = weighbridge::lib;
using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op, lib::ValueId;
using weighbridge::test::GraphBuilder;

const Extent kRows = Extent::rows();
const Extent kLength = Extent::length();
Extent of(int64_t number) { return Extent::of(number); }

// A graph with a value of each kind.
struct Values : GraphBuilder {
    explicit Values(int64_t least = 1) : GraphBuilder(10) { graph.least_length = least; }
    ValueId f = input(0, DType::float32, {kRows, of(6)});
    ValueId s = input(1, DType::float32, {kRows, kLength, of(4)});
    ValueId i = input(2, DType::int64, {kRows, of(6)});
    ValueId b = input(3, DType::boolean, {kRows, of(6)});
    ValueId d = input(4, DType::float64, {kRows, of(6)});
    ValueId w = floats({3, 6}, std::vector<float>(18, 1.0f));
    ValueId v = floats({6}, std::vector<float>(6, 1.0f));

    std::string type(Op op, std::vector<ValueId> operands, Attributes attributes = {}) {
        auto found = lib::infer(graph, op, operands, attributes);
        return found ? to_string(*found) : found.status().message;
    }
    bool refuses(Op op, std::vector<ValueId> operands, Attributes attributes = {}) {
        auto found = lib::infer(graph, op, operands, attributes);
        const size_t nodes = graph.nodes().size();
        const bool same = !graph.add(op, operands, attributes).ok() && graph.nodes().size() == nodes;
        return same && found.status().code == WB_INVALID_BUNDLE &&
               std::string_view(found.status().message).find("expected") != std::string::npos;
    }
};

}  // namespace

TEST_CASE("types of results") {
    Values g;
    REQUIRE(g.type(Op::tanh, {g.f}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::neg, {g.i}) == "int64 [batch, 6]");
    REQUIRE(g.type(Op::cast, {g.d}, {.dtype = DType::float32}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::less, {g.f, g.v}) == "bool [batch, 6]");
    REQUIRE(g.type(Op::add, {g.f, g.v}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::where, {g.b, g.v, g.f}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::reshape, {g.s}, {.shape = {kRows, Extent::length(4)}}) == "float32 [batch, 4*length]");
    REQUIRE(g.type(Op::permute, {g.s}, {.order = {0, 2, 1}}) == "float32 [batch, 4, length]");
    REQUIRE(g.type(Op::slice, {g.s}, {.axis = 1, .start = Extent::length(1, -1), .size = of(1)}) ==
            "float32 [batch, 1, 4]");
    REQUIRE(g.type(Op::slice, {g.s}, {.axis = 2, .step = 3, .start = of(0), .size = of(2)}) ==
            "float32 [batch, length, 2]");
    REQUIRE(g.type(Op::concat, {g.s, g.s}, {.axis = 1}) == "float32 [batch, 2*length, 4]");
    REQUIRE(g.type(Op::embedding, {g.w, g.i}) == "float32 [batch, 6, 6]");
    REQUIRE(g.type(Op::bucketize, {g.f, g.v}, {.right = true}) == "int64 [batch, 6]");
    REQUIRE(g.type(Op::gather, {g.f, g.i}, {.axis = 1}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::reduce_sum, {g.s}, {.axis = 1}) == "float32 [batch, 1, 4]");
    REQUIRE(g.type(Op::reduce_max, {g.b}, {.axis = 1}) == "bool [batch, 1]");
    REQUIRE(g.type(Op::argmax, {g.s}, {.axis = 2}) == "int64 [batch, length, 1]");
    REQUIRE(g.type(Op::cumsum, {g.i}, {.axis = 1}) == "int64 [batch, 6]");
    REQUIRE(g.type(Op::softmax, {g.s}) == "float32 [batch, length, 4]");
    REQUIRE(g.type(Op::layer_norm, {g.f, g.v, g.v}, {.epsilon = 1e-5}) == "float32 [batch, 6]");
    REQUIRE(g.type(Op::linear, {g.f, g.w}, {}) == "float32 [batch, 3]");
    const ValueId turned = g.add(Op::permute, {g.s}, {.order = {0, 2, 1}});
    REQUIRE(g.type(Op::matmul, {g.s, turned}) == "float32 [batch, length, length]");
    REQUIRE(g.type(Op::attention, {g.s, g.s, g.s}, {}) == "float32 [batch, length, 4]");
    REQUIRE(g.type(Op::iota, {}, {.size = kLength}) == "int64 [length]");
    REQUIRE(g.type(Op::full, {}, {.dtype = DType::int64, .integer = kLength, .shape = {kRows}}) == "int64 [batch]");
}

TEST_CASE("rows never mix: no operator runs along them, and no reshape moves what is before them") {
    Values g;
    for (Op op : {Op::reduce_sum, Op::reduce_mean, Op::reduce_max, Op::reduce_min, Op::argmax, Op::cumsum})
        REQUIRE(g.refuses(op, {g.f}, {.axis = 0}));
    REQUIRE(g.refuses(Op::slice, {g.f}, {.axis = 0, .start = of(0), .size = of(1)}));
    REQUIRE(g.refuses(Op::concat, {g.f, g.f}, {.axis = 0}));
    REQUIRE(g.refuses(Op::gather, {g.f, g.i}, {.axis = 0}));
    const ValueId turned = g.add(Op::permute, {g.f}, {.order = {1, 0}});
    REQUIRE(g.refuses(Op::softmax, {turned}));
    REQUIRE(g.refuses(Op::matmul, {turned, g.f}));  // [6, batch] by [batch, 6]
    REQUIRE(g.refuses(Op::layer_norm, {turned, g.v, g.v}, {.epsilon = 1e-5}));
    REQUIRE(g.refuses(Op::linear, {turned, g.w}, {}));
    REQUIRE(g.refuses(Op::iota, {}, {.size = kRows}));
    REQUIRE(g.refuses(Op::full, {}, {.dtype = DType::int64, .integer = kRows, .shape = {of(1)}}));
    REQUIRE(g.refuses(Op::reshape, {g.f}, {.shape = {of(6), kRows}}));
    REQUIRE(g.refuses(Op::reshape, {turned}, {.shape = {kRows, of(6)}}));
    REQUIRE(g.refuses(Op::reshape, {turned}, {.shape = {of(2), kRows, of(3)}}));
    REQUIRE(g.refuses(Op::reshape, {g.f}, {.shape = {Extent::rows(6)}}) == false);  // the same order, so the same row
    REQUIRE(g.type(Op::reshape, {turned}, {.shape = {of(2), of(3), kRows}}) == "float32 [2, 3, batch]");
}

TEST_CASE("wrong operands and attributes are refused and leave the graph as it was") {
    Values g;
    REQUIRE(g.refuses(Op::tanh, {g.i}));
    REQUIRE(g.refuses(Op::tanh, {}));
    REQUIRE(g.refuses(Op::tanh, {g.f, g.f}));
    REQUIRE(g.refuses(Op::tanh, {g.f}, {.axis = 1}));
    REQUIRE(g.refuses(Op::gelu, {g.d}));
    REQUIRE(g.refuses(Op::pow, {g.d, g.d}));
    REQUIRE(g.refuses(Op::softmax, {g.d}));
    REQUIRE(g.refuses(Op::add, {g.f, g.d}));
    REQUIRE(g.refuses(Op::matmul, {g.d, g.d}));
    REQUIRE(g.refuses(Op::linear, {g.d, g.w}));
    REQUIRE(g.refuses(Op::tanh, {4000}));
    REQUIRE(g.refuses(static_cast<Op>(0), {g.f}));
    REQUIRE(g.refuses(static_cast<Op>(49), {g.f}));
    REQUIRE(g.refuses(static_cast<Op>(119), {g.f}));
    REQUIRE(g.refuses(static_cast<Op>(0xFFFFFFFF), {g.f}));
    REQUIRE(g.refuses(Op::logical_not, {g.f}));
    REQUIRE(g.refuses(Op::add, {g.f, g.i}));
    REQUIRE(g.refuses(Op::add, {g.b, g.b}));
    REQUIRE(g.refuses(Op::div, {g.i, g.i}));
    REQUIRE(g.refuses(Op::remainder, {g.f, g.f}));
    REQUIRE(g.refuses(Op::add, {g.f, g.s}));
    REQUIRE(g.refuses(Op::where, {g.f, g.f, g.f}));
    REQUIRE(g.refuses(Op::cast, {g.f}, {.dtype = static_cast<DType>(77)}));
    REQUIRE(g.refuses(Op::cast, {g.f}, {.dtype = DType::int32}));
    REQUIRE(g.refuses(Op::permute, {g.f}, {.order = {0, 0}}));
    REQUIRE(g.refuses(Op::permute, {g.f}, {.order = {0, 2}}));
    REQUIRE(g.refuses(Op::permute, {g.f}, {.order = {0}}));
    REQUIRE(g.refuses(Op::reshape, {g.f}, {.shape = {kRows, of(5)}}));
    REQUIRE(g.refuses(Op::expand, {g.f}, {.shape = {kRows, of(7)}}));
    REQUIRE(g.refuses(Op::expand, {g.f}, {.shape = {of(2), kRows, of(6)}}));
    REQUIRE(g.refuses(Op::concat, {}, {.axis = 0}));
    REQUIRE(g.refuses(Op::concat, {g.f, g.i}, {.axis = 1}));
    REQUIRE(g.refuses(Op::concat, {g.f, g.s}, {.axis = 1}));
    REQUIRE(g.refuses(Op::concat, {g.f, g.f}, {.axis = 2}));
    REQUIRE(g.refuses(Op::embedding, {g.v, g.i}));
    REQUIRE(g.refuses(Op::embedding, {g.w, g.f}));
    REQUIRE(g.refuses(Op::layer_norm, {g.f, g.v, g.v}, {.epsilon = -1.0}));
    REQUIRE(g.refuses(Op::linear, {g.f, g.f}, {}));
    REQUIRE(g.refuses(Op::linear, {g.f, g.w}, {.activation = static_cast<lib::Activation>(9)}));
    REQUIRE(g.refuses(Op::linear, {g.f, g.w}, {.bias = true}));
    REQUIRE(g.refuses(Op::linear, {g.f, g.w, g.f}, {.residual = true}));
    REQUIRE(g.refuses(Op::attention, {g.f, g.f, g.f}, {}));
    REQUIRE(g.refuses(Op::attention, {g.s, g.s, g.s}, {.mask = true}));
    // Multiply-adds that overflowed 64 bits: more pairs of query and key than any length gives.
    const ValueId queries = g.input(5, DType::float32, {kRows, of(1), of(1 << 21), of(1)});
    const ValueId keys = g.input(6, DType::float32, {kRows, of(1), of(1 << 20), of(1)});
    REQUIRE(g.type(Op::attention, {queries, queries, queries}, {}) ==
            "attention: expected at most 2^40 pairs of query and key, found [batch, 1, 2097152, 1] and "
            "[batch, 1, 2097152, 1]");
    REQUIRE(g.type(Op::attention, {keys, keys, keys}, {}) == "float32 [batch, 1, 1048576, 1]");
    REQUIRE(g.refuses(Op::constant, {}, {.index = 1000}));
    REQUIRE(g.refuses(Op::input, {}, {.index = 0, .dtype = DType::float32, .shape = {of(3)}}));
    REQUIRE(g.refuses(Op::input, {}, {.index = -1, .dtype = DType::float32, .shape = {kRows}}));
    REQUIRE(g.refuses(Op::input, {}, {.index = 4096, .dtype = DType::float32, .shape = {kRows}}));
}

TEST_CASE("a recurrence's gates, weights and state fit its cell") {
    Values g;
    using lib::Recurrence;
    const ValueId one = g.floats({4, 1}, {1, 2, 3, 4}), four = g.floats({4, 4}, std::vector<float>(16, 0.5f));
    const ValueId bias = g.floats({4}, {1, 2, 3, 4}), none = g.floats({0, 0}, {});
    const ValueId first = g.input(5, DType::float32, {kRows, of(2)}),
                  other = g.input(6, DType::float32, {kRows, of(4)});
    auto type = [&](std::vector<ValueId> operands, Attributes attributes) {
        return g.type(Op::recurrent, std::move(operands), std::move(attributes));
    };
    REQUIRE(type({g.s, one}, {.cell = Recurrence::lstm}) == "float32 [batch, length, 2]");
    REQUIRE(type({g.s, one, bias, first}, {.bias = true, .cell = Recurrence::lstm, .state = true}) ==
            "float32 [batch, length, 2]");
    REQUIRE(type({g.s, four, other}, {.cell = Recurrence::tanh, .state = true}) == "float32 [batch, length, 4]");
    REQUIRE(g.refuses(Op::recurrent, {g.s, one}, {.cell = static_cast<Recurrence>(4)}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, one}, {.cell = Recurrence::gru}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, four}, {.cell = Recurrence::lstm}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, g.s}, {.cell = Recurrence::tanh}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, none}, {.cell = Recurrence::tanh}));
    REQUIRE(g.refuses(Op::recurrent, {bias, one}, {.cell = Recurrence::lstm}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, one, g.v}, {.bias = true, .cell = Recurrence::lstm}));
    REQUIRE(g.refuses(Op::recurrent, {g.s, one, bias}, {.cell = Recurrence::lstm}));
    REQUIRE(type({g.s, one, other}, {.cell = Recurrence::lstm, .state = true}) ==
            "recurrent: expected a state [batch, 2], found operand 2 of float32 [batch, 4]");
    const ValueId turned = g.add(Op::permute, {g.s}, {.order = {1, 0, 2}});
    REQUIRE(g.refuses(Op::recurrent, {turned, one}, {.cell = Recurrence::lstm}));  // over rows
}

TEST_CASE("an input's sizes are numbers and the one length") {
    Values g;
    REQUIRE(g.refuses(Op::input, {}, {.index = 0, .dtype = DType::float32, .shape = {kRows, Extent::length(2)}}));
    REQUIRE(g.refuses(Op::input, {}, {.index = 0, .dtype = DType::float32, .shape = {kRows, Extent::length(1, 1)}}));
    REQUIRE(g.refuses(Op::input, {}, {.index = 0, .dtype = DType::float32, .shape = {kRows, kRows}}));
}

TEST_CASE("slices stay inside their axis for every length") {
    Values g(3);
    auto slice = [&](Extent start, Extent size, int64_t step = 1) {
        return Attributes{.axis = 1, .step = step, .start = start, .size = size};
    };
    REQUIRE(g.type(Op::slice, {g.s}, slice(of(0), of(3))) == "float32 [batch, 3, 4]");
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(0), of(4))));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(1), of(3))));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(-1), of(3))));
    REQUIRE(g.type(Op::slice, {g.s}, slice(of(3), Extent::length(1, -3))) == "float32 [batch, length-3, 4]");
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(4), Extent::length(1, -4))));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(Extent::length(), of(1))));
    REQUIRE(g.type(Op::slice, {g.s}, slice(of(0), of(2), 2)) == "float32 [batch, 2, 4]");
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(0), of(2), 3)));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(0), of(1), 0)));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(0), of(1), -1)));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(of(0), of(-1))));
    REQUIRE(g.refuses(Op::slice, {g.s}, slice(kRows, of(1))));
}

TEST_CASE("sizes beyond the caps are refused, and crafted numbers overflow nothing") {
    Values g;
    auto full = [&](Extents shape) {
        return g.refuses(Op::full, {}, {.dtype = DType::float32, .value = 0.0, .shape = std::move(shape)});
    };
    REQUIRE_FALSE(full({of(int64_t{1} << 31)}));
    REQUIRE(full({of((int64_t{1} << 31) + 1)}));
    REQUIRE(full({of(1 << 20), of(1 << 20)}));
    REQUIRE(full({of(-1)}));
    REQUIRE(full({kRows, kRows}));
    REQUIRE(full({kLength, kLength, kLength}));
    REQUIRE(full({Extent::length(1, -2)}));  // -1 for the least length
    for (int64_t extreme : {INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_MAX - 1})
        for (size_t term = 0; term < 3; ++term) {
            Extent size;
            size.terms[term] = extreme;
            REQUIRE(full({size}));
            REQUIRE(g.refuses(Op::slice, {g.s}, {.axis = 1, .start = size, .size = of(1)}));
            REQUIRE(g.refuses(Op::slice, {g.s}, {.axis = 1, .start = of(0), .size = size}));
            REQUIRE(g.refuses(Op::slice, {g.s}, {.axis = 1, .step = extreme, .start = size, .size = size}));
            REQUIRE(g.refuses(Op::iota, {}, {.size = size}));
        }
    // A size of 0 hides no others: strides are products too.
    REQUIRE(full({of(0), of(int64_t{1} << 31), of(int64_t{1} << 31), of(int64_t{1} << 31)}));
    REQUIRE(full({of(0), kRows, kRows}));
    REQUIRE(full({kRows, kRows, of(0)}));
    REQUIRE_FALSE(full({kRows, of(0)}));
    // Memory for a run is that of its least or its largest length.
    REQUIRE(full({kLength, Extent::length(-1, 10)}));
    REQUIRE_FALSE(full({Extent::length(-1, 10)}));
    REQUIRE(full(Extents(9, of(1))));
}

TEST_CASE("a whole graph is checked again") {
    Values g;
    REQUIRE_FALSE(lib::validate(g.graph).ok());  // no outputs
    g.output(g.f);
    REQUIRE(lib::validate(g.graph).ok());
    SECTION("outputs that are there") {
        g.output(4000);
        REQUIRE(std::string_view(lib::validate(g.graph).message).find("outputs") == 0);
    }
    SECTION("lengths") {
        g.graph.least_length = 11;
        REQUIRE(std::string_view(lib::validate(g.graph).message).find("lengths") == 0);
    }
    SECTION("sizes for lengths that were set later") {
        g.add(Op::full, {}, {.dtype = DType::float32, .value = 0.0, .shape = {Extent::length(1, -1)}});
        REQUIRE(lib::validate(g.graph).ok());
        g.graph.least_length = 0;
        REQUIRE_FALSE(lib::validate(g.graph).ok());
    }
    SECTION("a least length needs a sequence") {
        GraphBuilder other(5);
        other.output(other.input(0, DType::float32, {kRows}));
        REQUIRE(lib::validate(other.graph).ok());
        other.graph.least_length = 1;
        REQUIRE(std::string_view(lib::validate(other.graph).message).find("lengths") == 0);
    }
}
