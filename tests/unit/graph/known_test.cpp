// SPDX-License-Identifier: Apache-2.0
// The interval analysis: what it knows of values, and which operands results repeat.
#include "graph/passes/known.hpp"

#include "support/catch.hpp"
#include "support/graphs.hpp"

namespace {

namespace lib = weighbridge::lib;
using lib::Attributes, lib::DType, lib::Extent, lib::Known, lib::Op, lib::ValueId;

const Extent kRows = Extent::rows(), kLength = Extent::length();

struct Analysis : weighbridge::test::GraphBuilder {
    Analysis() : GraphBuilder(20) { graph.least_length = 2; }
    ValueId x = input(0, DType::float32, {kRows, kLength});
    ValueId places = add(Op::iota, {}, {.size = kLength});
    ValueId lengths = add(Op::full, {}, {.dtype = DType::int64, .integer = kLength, .shape = {kRows, Extent::of(1)}});
    ValueId number(int64_t value) { return add(Op::full, {}, {.dtype = DType::int64, .integer = Extent::of(value)}); }
    ValueId real(double value) { return add(Op::full, {}, {.dtype = DType::float32, .value = value}); }

    lib::Knowledge knowledge{graph};
    bool bounded(ValueId id, const Extent &least, const Extent &most) {
        const Known known = knowledge.of(id);
        return known.bounded && known.least == least && known.most == most;
    }
    std::optional<ValueId> repeats(Op op, std::vector<ValueId> operands, const Attributes &attributes = {}) {
        return knowledge.repeats(op, operands, attributes, *lib::infer(graph, op, operands, attributes));
    }
};

}  // namespace

TEST_CASE("bounds of integers follow sums, products, counts and sums along an axis") {
    Analysis a;
    REQUIRE(a.bounded(a.places, Extent::of(0), Extent::length(1, -1)));
    REQUIRE(a.bounded(a.add(Op::sub, {a.lengths, a.places}), Extent::of(1), kLength));
    REQUIRE(a.bounded(a.add(Op::mul, {a.places, a.number(3)}), Extent::of(0), Extent::length(3, -3)));
    REQUIRE_FALSE(a.knowledge.of(a.add(Op::mul, {a.places, a.number(-3)})).bounded);
    REQUIRE(a.bounded(a.add(Op::remainder, {a.places, a.number(4)}), Extent::of(0), Extent::of(3)));
    REQUIRE(a.bounded(a.add(Op::argmax, {a.x}, {.axis = 1}), Extent::of(0), Extent::length(1, -1)));
    const ValueId ones =
        a.add(Op::expand, {a.add(Op::reshape, {a.number(1)}, {.shape = {Extent::of(1)}})}, {.shape = {kLength}});
    REQUIRE(a.bounded(a.add(Op::reduce_sum, {ones}, {.axis = 0}), kLength, kLength));
    REQUIRE(a.bounded(a.integers({3}, {4, -2, 9}), Extent::of(-2), Extent::of(9)));
}

TEST_CASE("a comparison is decided where it comes out alike for every length") {
    Analysis a;
    REQUIRE(a.knowledge.is(a.add(Op::less, {a.places, a.lengths}), 1));
    REQUIRE(a.knowledge.is(a.add(Op::greater_equal, {a.places, a.lengths}), 0));
    REQUIRE(a.knowledge.is(a.add(Op::less, {a.places, a.number(20)}), 1));
    REQUIRE_FALSE(a.knowledge.of(a.add(Op::less, {a.places, a.number(19)})).uniform);
    REQUIRE(a.knowledge.is(a.add(Op::not_equal, {a.lengths, a.number(0)}), 1));
    REQUIRE(a.knowledge.is(a.add(Op::equal, {a.real(0.5), a.real(0.5)}), 1));
    REQUIRE_FALSE(a.knowledge.of(a.add(Op::less, {a.x, a.real(0.5)})).uniform);
}

TEST_CASE("numbers are known as float32 holds them, and by their sign where they are zero") {
    Analysis a;
    const ValueId tenth = a.add(Op::div, {a.real(1), a.real(10)});
    REQUIRE(a.knowledge.is(a.add(Op::greater, {tenth, a.real(0.1)}), 0));
    REQUIRE(a.knowledge.is(a.add(Op::equal, {tenth, a.real(0.1)}), 1));
    const ValueId which = a.add(Op::greater, {a.x, a.real(0)});
    REQUIRE_FALSE(a.knowledge.of(a.add(Op::where, {which, a.real(0.0), a.real(-0.0)})).uniform);
    REQUIRE(a.knowledge.of(a.add(Op::where, {which, a.real(-0.0), a.real(-0.0)})).uniform);
    REQUIRE_FALSE(a.knowledge.of(a.floats({2}, {0.0f, -0.0f})).uniform);
}

TEST_CASE("a maximum along an axis that may be empty is not known") {
    Analysis a;
    const ValueId half = a.add(Op::full, {}, {.dtype = DType::float32, .value = 0.5, .shape = {kLength}});
    REQUIRE(a.knowledge.is(a.add(Op::reduce_max, {half}, {.axis = 0}), 0.5));
    const ValueId fewer =
        a.add(Op::full, {}, {.dtype = DType::float32, .value = 0.5, .shape = {Extent::length(1, -2)}});
    REQUIRE_FALSE(a.knowledge.of(a.add(Op::reduce_max, {fewer}, {.axis = 0})).uniform);
}

TEST_CASE("a neutral operand, a decided choice and an idle layout leave a value as it is") {
    Analysis a;
    const ValueId zero = a.real(0), one = a.real(1), never = a.add(Op::less, {a.lengths, a.places});
    REQUIRE(a.repeats(Op::add, {a.x, zero}) == a.x);
    REQUIRE(a.repeats(Op::add, {zero, a.x}) == a.x);
    REQUIRE(a.repeats(Op::sub, {a.x, zero}) == a.x);
    REQUIRE_FALSE(a.repeats(Op::sub, {zero, a.x}));
    REQUIRE(a.repeats(Op::mul, {one, a.x}) == a.x);
    REQUIRE(a.repeats(Op::div, {a.x, one}) == a.x);
    REQUIRE_FALSE(a.repeats(Op::div, {one, a.x}));
    REQUIRE_FALSE(a.repeats(Op::mul, {a.x, zero}));  // of a NaN it is a NaN
    REQUIRE(a.repeats(Op::where, {never, zero, a.x}) == a.x);
    REQUIRE(a.repeats(Op::reshape, {a.x}, {.shape = {kRows, kLength}}) == a.x);
    REQUIRE(a.repeats(Op::permute, {a.x}, {.order = {0, 1}}) == a.x);
    REQUIRE_FALSE(a.repeats(Op::permute, {a.x}, {.order = {1, 0}}));
}
