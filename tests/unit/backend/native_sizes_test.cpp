// SPDX-License-Identifier: Apache-2.0
// Runs of every length and every number of rows fit their executor's memory, which is sized at the ends of both.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "backend/native/kernels.hpp"
#include "backend/native/native.hpp"
#include "support/catch.hpp"
#include "support/levels.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;

constexpr int64_t kTile = 64;
constexpr int64_t kTokensTogether = 128;  // as the native program has it

// Whether the whole sweep is asked for, which takes minutes; else says once what is left out.
bool whole() {
    static const bool asked = [] {
        const bool full = std::getenv("WB_FULL") != nullptr;
        if (!full)
            std::printf("not run: memory for widths, limits and rows between the chosen ones (WB_FULL=1 runs them)\n");
        return full;
    }();
    return asked;
}

// Numbers of rows of a length that are computed together. A run of more is computed in groups of these.
std::vector<int64_t> row_counts(int64_t length) {
    std::vector<int64_t> counts;
    for (int64_t rows = 1; rows <= kTile && (rows == 1 || rows * length <= kTokensTogether); ++rows) {
        const bool last = rows == kTile || (rows + 1) * length > kTokensTogether;
        if (rows <= 2 || last || whole()) counts.push_back(rows);
    }
    return counts;
}

std::unique_ptr<lib::Executor> executor(const test::GraphBuilder &build, int32_t precision, lib::native::Level level) {
    auto program = lib::make_native_program(build.plan({precision}), precision, level, test::input_names(build.graph));
    INFO(program.status().message);
    REQUIRE(program);
    return *lib::make_lone_executor(**program, 0, kTile);
}

// One query, the last token, over the keys of all: what attention needs beside its operands depends on keys only.
test::GraphBuilder attention_graph(int64_t width, int64_t limit) {
    test::GraphBuilder build(limit);
    build.graph.least_length = 1;
    const Extent rows = Extent::rows(), one = Extent::of(1), wide = Extent::of(width);
    const auto x = build.input(0, DType::float32, {rows, Extent::length(), wide});
    const auto keys = build.add(Op::reshape, {x}, {.shape = {rows, one, Extent::length(), wide}});
    const auto query = build.add(Op::slice, {keys}, {.axis = 2, .start = Extent::length(1, -1), .size = one});
    build.output(build.add(Op::attention, {query, keys, keys}, {}));
    return build;
}

// Inputs that are the same for each run: lengths and rows are the only thing that changes.
class Inputs {
  public:
    Inputs(const lib::Graph &graph, int64_t rows, int64_t length) : made_(test::random_inputs(graph, rows, length, 1)) {
        for (const lib::Node &node : graph.nodes())
            if (node.op == Op::input) shapes_.push_back(node.type.shape);
    }
    const std::vector<lib::TensorView> &of(int64_t rows, int64_t length) {
        for (size_t i = 0; i < shapes_.size(); ++i)
            for (size_t axis = 0; axis < shapes_[i].size(); ++axis)
                made_.views[i].shape.size[axis] = shapes_[i][axis].at(rows, length);
        return made_.views;
    }

  private:
    test::Inputs made_;
    std::vector<lib::Extents> shapes_;
};

}  // namespace

TEST_CASE("attention never needs less scratch for more keys or wider heads") {
    auto bytes = [](int64_t keys, int64_t dim, int64_t value_dim) {
        return lib::native::attention_scratch_bytes(1, keys, dim, value_dim);
    };
    for (int64_t dim : {1, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256})
        for (int64_t value_dim : {1, 8, 64, 128})
            for (int64_t keys = 0; keys < 2048; ++keys) {
                CAPTURE(keys, dim, value_dim);
                const int64_t here = bytes(keys, dim, value_dim);
                if (here > bytes(keys + 1, dim, value_dim)) FAIL("more than for a key more");
                if (here > bytes(keys, dim + 1, value_dim)) FAIL("more than for a wider head");
                if (here > bytes(keys, dim, value_dim + 1)) FAIL("more than for a wider head's values");
            }
}

TEST_CASE("attention over every length up to its limit runs with every number of rows, at each level") {
    std::vector<int64_t> widths{4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128};
    std::vector<int64_t> limits{1, 31, 64, 100, 128, 161, 180, 200, 300, 1024};
    if (whole())
        limits.insert(limits.end(), {2, 15, 127, 129, 257, 512});
    else if (test::kSanitized)
        widths = {8, 64}, limits = {100, 200};
    for (lib::native::Level level : test::cpu_levels()) {
        if (whole() && level == test::cpu_levels().back())
            for (int64_t width = 5; width < 128; ++width)
                if (std::find(widths.begin(), widths.end(), width) == widths.end()) widths.push_back(width);
        for (int64_t width : widths)
            for (int64_t limit : limits) {
                if (level == lib::native::Level::portable && limit > 300) continue;  // sizes are the same at each level
                const auto build = attention_graph(width, limit);
                auto native = executor(build, WB_PRECISION_FP32, level);
                Inputs inputs(build.graph, 1, std::max(limit, kTokensTogether));
                for (int64_t length = 1; length <= limit; ++length)
                    for (int64_t rows : row_counts(length)) {
                        CAPTURE(lib::native::name_of(level), width, limit, rows, length);
                        auto found = test::run(*native, build.graph, inputs.of(rows, length), rows, length);
                        if (!found) FAIL(found.status().message);
                    }
            }
    }
}

// Two heads, each half as wide as the model.
TEST_CASE("a transformer runs for every number of rows and every length that are computed together") {
    struct Size {
        int64_t width, limit;
    };
    std::vector<Size> sizes{{8, 200}, {16, 200}, {72, 200}, {128, 200}};
    if (test::kSanitized) sizes = {{16, 200}};
    if (whole()) {
        for (int64_t width : {24, 40, 104, 136, 192, 256})
            for (int64_t limit : {128, 180, 300}) sizes.push_back({width, limit});
        for (int64_t width : {8, 64, 256}) sizes.push_back({width, 1024});
    }
    for (const auto [width, limit] : sizes) {
        const auto build = test::transformer_graph(width, limit);
        auto inputs = Inputs(build.graph, 1, std::max(limit, kTokensTogether));
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
            auto native = executor(build, precision, test::cpu_levels().back());
            for (int64_t length = 1; length <= limit; ++length)
                for (int64_t rows = 1; rows <= kTile && (rows == 1 || rows * length <= kTokensTogether); ++rows) {
                    CAPTURE(width, limit, precision, rows, length);
                    auto found = test::run(*native, build.graph, inputs.of(rows, length), rows, length);
                    if (!found) FAIL(found.status().message);
                }
        }
    }
}

TEST_CASE("random graphs run at every length and with every number of rows") {
    const int graphs = std::getenv("WB_FULL") ? 1000 : test::kSanitized ? 8 : 60;
    for (int seed = 0; seed < graphs; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = true;
        options.least_length = seed % 3;
        options.largest_length = seed % 2 ? 180 : 20;
        test::GraphBuilder build;
        build.graph = test::random_graph(static_cast<uint32_t>(seed), options);
        CAPTURE(seed);
        INFO(build.graph.text());
        auto native = executor(build, WB_PRECISION_INT8, test::cpu_levels().back());
        for (int64_t length = options.least_length; length <= options.largest_length; ++length)
            for (int64_t rows : length > 20 ? std::vector<int64_t>{1} : std::vector<int64_t>{1, 2, 3, 7, 31, 64}) {
                CAPTURE(rows, length);
                const auto inputs = test::random_inputs(build.graph, rows, length, 7);
                auto found = test::run(*native, build.graph, inputs.views, rows, length);
                if (!found) FAIL(found.status().message);
            }
    }
}
