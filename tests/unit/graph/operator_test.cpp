// SPDX-License-Identifier: Apache-2.0
// The table of operators: what a line says holds for the passes, both backends, the file and the README.
#include "graph/operator.hpp"

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "graph/dense.hpp"
#include "graph/passes/pipeline.hpp"
#include "support/catch.hpp"
#include "support/graphs.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/random_trees.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::Attributes, lib::DType, lib::Extent, lib::Family, lib::Op, lib::Operator, lib::Packs, lib::ValueId;

const Extent kRows = Extent::rows();

// Every real attribute that the operator has is 0.5.
Attributes halves(const Operator &line) {
    Attributes attributes;
    for (const lib::NamedAttribute *attribute : line.attributes())
        if (const auto *real = std::get_if<double Attributes::*>(&attribute->member)) attributes.**real = 0.5;
    return attributes;
}

std::vector<const Operator *> of_family(Family family) {
    std::vector<const Operator *> found;
    for (const Operator &line : lib::operators())
        if (line.family == family) found.push_back(&line);
    return found;
}

// Values [batch, 4, 6] of each dtype, and what operators have besides.
struct Values : test::GraphBuilder {
    ValueId x = input(0, DType::float32, {kRows, Extent::of(4), Extent::of(6)});
    ValueId other = input(1, DType::float32, {kRows, Extent::of(4), Extent::of(6)});
    ValueId ids = add(Op::cast, {x}, {.dtype = DType::int64});
    ValueId flags = add(Op::greater, {x, other});

    ValueId cut(ValueId value) {
        return add(Op::slice, {value}, {.axis = 1, .start = Extent::of(2), .size = Extent::of(1)});
    }
    // The operator on whole values, or on the slices of them that has one row of the axis before the last.
    ValueId made(const Operator &line, bool whole) {
        auto value = [&](lib::DTypes allowed, bool second) {
            const ValueId id = holds(allowed, DType::float32) ? (second ? other : x)
                               : holds(allowed, DType::int64) ? ids
                                                              : flags;
            return whole ? id : cut(id);
        };
        const std::vector<float> some = test::fixed_numbers(18, 7);
        const std::vector<float> six(some.begin(), some.begin() + 6);
        if (line.op == Op::linear) return add(line.op, {value(lib::dtypes::kFloats, false), floats({3, 6}, some)});
        if (line.op == Op::layer_norm)
            return add(line.op, {value(lib::dtypes::kFloats, false), floats({6}, six), floats({6}, six)}, halves(line));
        if (line.op == Op::bucketize)
            return add(line.op, {value(lib::dtypes::kFloats, false), floats({3}, {-0.5f, 0.0f, 0.5f})});
        if (line.op == Op::embedding) {
            const ValueId places = whole ? ids : cut(ids);
            const ValueId safe = add(Op::clamp, {places}, {.least = 0.0, .largest = 2.0});
            return add(line.op, {floats({3, 6}, some), safe});
        }
        if (line.op == Op::trees)
            return test::RandomTrees(3, 6, 4, 3, 2).operation(*this, value(lib::dtypes::kFloats, false));
        std::vector<ValueId> operands;
        for (size_t i = 0; i < line.operands.least; ++i) operands.push_back(value(line.operands.operands[i], i == 1));
        if (line.family == Family::division) operands[1] = integers({1}, {3});
        return add(line.op, operands, line.op == Op::cast ? Attributes{} : halves(line));
    }
    void give(ValueId value) {
        if (graph.type(value).dtype != DType::float32) value = add(Op::cast, {value}, {.dtype = DType::float32});
        output(value);
    }
};

test::Outputs run(const std::shared_ptr<const lib::Program> &program, const lib::Graph &graph) {
    auto executor = make_lone_executor(*program, 0, 3);
    const auto inputs = test::random_inputs(graph, 3, 0, 5);
    auto outputs = test::run(**executor, graph, inputs.views, 3, 0);
    INFO(outputs.status().message);
    REQUIRE(outputs);
    return *outputs;
}
test::Outputs reference(const Values &values) {
    return run(lib::make_reference_program(values.plan(), WB_PRECISION_FP32, {"x", "other"}), values.graph);
}

}  // namespace

TEST_CASE("what a row of an operator that packs by row gives does not depend on the rows beside it", "[operators]") {
    for (const Operator &line : lib::operators()) {
        if (line.packs != Packs::by_row || line.family == Family::source) continue;
        CAPTURE(line.name);
        Values before, after;
        before.give(before.cut(before.made(line, true)));
        after.give(after.made(line, false));
        REQUIRE(test::same_bits(reference(before), reference(after)));
    }
}

TEST_CASE("each operator element by element has a kernel with its twin's bits, and folds to about them",
          "[operators]") {
    for (Family family : {Family::unary, Family::conversion, Family::arithmetic, Family::division, Family::comparison,
                          Family::logical, Family::choice})
        for (const Operator *line : of_family(family)) {
            CAPTURE(line->name);
            Values values;
            values.give(values.made(*line, true));
            const test::Outputs expected = reference(values);
            for (lib::native::Level level : test::cpu_levels()) {
                auto program = lib::make_native_program(values.plan(), WB_PRECISION_FP32, level, {"x", "other"}, {});
                REQUIRE(test::same_bits(expected, run(*program, values.graph)));
            }
            if (!line->fold) continue;
            const std::vector<float> x = test::fixed_numbers(64, 3, 4.0f);
            test::GraphBuilder build;
            const ValueId rows = build.input(0, DType::float32, {kRows, Extent::of(64)});
            const ValueId folded = build.add(line->op, {build.floats({64}, x)}, halves(*line));
            build.output(build.add(Op::where, {build.add(Op::equal, {rows, rows}), folded, rows}));
            auto after = lib::optimise(build.graph);
            REQUIRE(after);
            for (const lib::Node &node : after->nodes()) REQUIRE(node.op != line->op);
            test::Outputs computed =
                run(lib::make_reference_program(build.plan(), WB_PRECISION_FP32, {"x"}), build.graph);
            for (size_t i = 0; i < x.size(); ++i) {
                CAPTURE(x[i]);
                if (std::isfinite(computed[0][i]))
                    REQUIRE(line->fold(x[i]) == Approx(static_cast<double>(computed[0][i])).epsilon(1e-5).margin(1e-6));
                else
                    REQUIRE(!std::isfinite(line->fold(x[i])));
            }
        }
}

TEST_CASE("an exact operator is what dense.hpp computes", "[operators]") {
    test::GraphBuilder build;
    const ValueId x = build.floats({2}, {1, 2}), i = build.integers({2}, {1, 2});
    REQUIRE(lib::is_exact(build.graph, build.graph.node(build.add(Op::reduce_sum, {i}, {.axis = 0}))));
    REQUIRE_FALSE(lib::is_exact(build.graph, build.graph.node(build.add(Op::reduce_sum, {x}, {.axis = 0}))));
    REQUIRE(lib::is_exact(build.graph, build.graph.node(build.add(Op::div, {x, x}))));
    REQUIRE_FALSE(lib::is_exact(build.graph, build.graph.node(build.add(Op::pow, {x, x}))));
    const ValueId doubles = build.add(Op::cast, {x}, {.dtype = DType::float64});
    REQUIRE(lib::is_exact(build.graph, build.graph.node(build.add(Op::exp, {doubles}))));
    REQUIRE(lib::is_exact(build.graph, build.graph.node(build.add(Op::reduce_mean, {doubles}, {.axis = 0}))));
    REQUIRE_FALSE(lib::is_exact(build.graph, build.graph.node(x)));
}

TEST_CASE("attributes are the same from their lists", "[operators]") {
    for (const Operator &line : lib::operators()) {
        CAPTURE(line.name);
        Attributes attributes = halves(line);
        for (const lib::NamedAttribute *attribute : line.attributes()) {
            if (const auto *flag = std::get_if<bool Attributes::*>(&attribute->member)) attributes.**flag = true;
            if (const auto *extent = std::get_if<Extent Attributes::*>(&attribute->member))
                if (line.op != Op::full) attributes.**extent = Extent::length(2, 1);
            if (const auto *shape = std::get_if<lib::Extents Attributes::*>(&attribute->member))
                attributes.**shape = {kRows, Extent::of(3)};
        }
        if (line.op == Op::permute) attributes.order = {2, 0, 1};
        REQUIRE(lib::only_own(line.op, attributes));
        const lib::AttributeLists lists = lists_of(line.op, attributes);
        auto back = lib::attributes_of(line.op, lists);
        REQUIRE(back);
        REQUIRE(*back == attributes);
        // One too many, and one too few of what is no list.
        auto refuses = [&](const lib::AttributeLists &changed) {
            return lib::attributes_of(line.op, changed).status().code == WB_INVALID_BUNDLE;
        };
        lib::AttributeLists more = lists;
        more.reals.push_back(1);
        REQUIRE(refuses(more));
        more = lists;
        more.ints.push_back(1);
        REQUIRE((line.op == Op::permute || refuses(more)));
        lib::AttributeLists fewer = lists;
        if (!fewer.reals.empty()) {
            fewer.reals.pop_back();
            REQUIRE(refuses(fewer));
        }
        fewer = lists;
        if (!fewer.ints.empty() && line.op != Op::permute) {
            fewer.ints.pop_back();
            REQUIRE(refuses(fewer));
        }
    }
}

TEST_CASE("an attribute's number that is none is refused by its name", "[operators]") {
    auto message = [](Op op, lib::AttributeLists lists) {
        return std::string(lib::attributes_of(op, lists).status().message);
    };
    REQUIRE(message(Op::cast, {{77}, {}, {}}) == "cast: dtype: expected a number that it can be, found 77");
    REQUIRE(message(Op::bucketize, {{2}, {}, {}}) == "bucketize: right: expected a number that it can be, found 2");
    REQUIRE(message(Op::linear, {{9, 0, 0, 0}, {0}, {}}) ==
            "linear: activation: expected a number that it can be, found 9");
    REQUIRE(message(Op::linear, {{0, 0, 0, 3}, {0}, {}}) == "linear: range: expected a number that it can be, found 3");
    REQUIRE(message(Op::attention, {{0, 0, -1}, {1}, {}}) ==
            "attention: mask: expected a number that it can be, found -1");
    REQUIRE(message(Op::slice, {{1, 1}, {}, {Extent::of(0)}}) == "slice: size: expected an extent, found none");
    REQUIRE(message(static_cast<Op>(49), {}) == "expected a known operator, found number 49");
}

TEST_CASE("foreign attributes are refused, and the text names an operator's own", "[operators]") {
    Values values;
    REQUIRE_FALSE(values.graph.add(Op::tanh, {values.x}, {.axis = 1}));
    REQUIRE_FALSE(values.graph.add(Op::full, {}, {.dtype = DType::int64, .value = 1.0}));
    REQUIRE(to_string(Op::slice, {.axis = 1, .step = 2, .start = Extent::length(1, -1), .size = Extent::of(1)}) ==
            " axis=1 step=2 start=length-1 size=1");
    REQUIRE(to_string(Op::full, {.dtype = DType::float32, .value = 0.5, .shape = {kRows}}) ==
            " dtype=float32 value=0.5 shape=[batch]");
    REQUIRE(to_string(Op::permute, {.order = {1, 0}}) == " order=[1, 0]");
    REQUIRE(to_string(Op::tanh, {}).empty());
}

// A new operator is in its README, with its attributes, or this test fails.
TEST_CASE("lib/graph/README.md has a row for each operator, with its attributes", "[operators]") {
    std::ifstream file("../lib/graph/README.md");
    REQUIRE(file);
    std::map<std::string, std::string> rows;  // by operator: the column of attributes
    for (std::string row; std::getline(file, row);) {
        std::vector<std::string> cells;
        std::istringstream parts(row);
        for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(cell);
        if (cells.size() < 5) continue;
        std::istringstream names(cells[1]);
        for (std::string name; names >> name;) rows[name] = cells[3];
    }
    for (const Operator &line : lib::operators()) {
        CAPTURE(line.name);
        REQUIRE(rows.count(std::string(line.name)) == 1);
        std::string expected;
        for (const lib::NamedAttribute *attribute : line.attributes())
            expected += (expected.empty() ? "" : ", ") + std::string(attribute->name);
        std::string found = rows[std::string(line.name)];
        found.erase(0, found.find_first_not_of(' ') == std::string::npos ? found.size() : found.find_first_not_of(' '));
        found.erase(found.find_last_not_of(' ') + 1);
        REQUIRE(found == expected);
    }
}
