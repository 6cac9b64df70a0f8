// SPDX-License-Identifier: Apache-2.0
// The operator `trees`: what its tables may hold, by graph and by file, and which look-ups become it.
#include "graph/trees.hpp"

#include <algorithm>
#include <cmath>

#include "backend/reference/evaluate.hpp"
#include "graph/graph_file.hpp"
#include "graph/passes/pipeline.hpp"
#include "graph/passes/rewrite.hpp"
#include "support/catch.hpp"
#include "support/counting_clock.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/random_trees.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op, lib::ValueId;
using test::GraphBuilder, test::RandomTrees;

constexpr int64_t kFeatures = 7, kRows = 60;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

ValueId features(GraphBuilder &build) {
    return build.input(0, DType::float32, {Extent::rows(), Extent::of(kFeatures)});
}

// Rows of numbers about 1 in size, an eighth of them special.
std::vector<float> inputs() {
    std::vector<float> numbers = test::fixed_numbers(kRows * kFeatures, 9);
    const float special[] = {0.0f, -0.0f, kInfinity, -kInfinity, std::nanf(""), 1e-41f, 1e30f, -1e-41f};
    for (size_t i = 0; i < numbers.size(); i += 8) numbers[i] = special[i / 8 % std::size(special)];
    return numbers;
}

std::vector<float> outputs(const lib::Graph &graph) {
    std::vector<float> x = inputs();
    const lib::TensorView view{DType::float32, {2, {kRows, kFeatures}}, x.data()};
    std::vector<lib::AlignedBuffer> found;
    const lib::Status status = lib::evaluate(graph, std::span(&view, 1), kRows, 0, found);
    INFO(status.message);
    REQUIRE(status.ok());
    const auto *from = reinterpret_cast<const float *>(found[0].data());
    return {from, from + kRows * test::row_floats(graph, 0, 0)};
}

int64_t count(const lib::Graph &graph, Op op) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                         [&](const lib::Node &node) { return node.op == op; });
}

// Optimises; the results keep their bits.
lib::Graph optimised(const lib::Graph &graph) {
    auto after = lib::optimise(graph);
    INFO(after.status().message);
    REQUIRE(after);
    INFO(after->text());
    REQUIRE(test::same_bits(outputs(graph), outputs(*after)));
    return *std::move(after);
}

// [batch * trees, width] as an output [batch, trees * width].
void give(GraphBuilder &build, ValueId found, int64_t width) {
    build.output(build.add(Op::reshape, {found}, {.shape = {Extent::rows(), Extent::of(width)}}));
}

// A forest of one tree of two forks, whose nodes a test changes.
struct Small {
    std::vector<float> thresholds{0.5f, 0, -0.5f, 0, 0}, values{0, 1, 0, 2, 3};
    std::vector<int64_t> nodes{0, 1, 9, 1, 6, 3, 9, 3, 9, 4}, roots{0};

    GraphBuilder build() const {
        GraphBuilder made;
        const auto n = static_cast<int64_t>(thresholds.size());
        made.output(made.add(
            Op::trees, {features(made), made.floats({n}, thresholds), made.floats({n, 1}, values),
                        made.integers({n, 2}, nodes), made.integers({static_cast<int64_t>(roots.size())}, roots)}));
        return made;
    }
};

// One tree of 2^levels leaves, each `width` values wide, out of a graph that is small where the places are bits'
// parities instead of numbers.
GraphBuilder grown(int64_t levels, int64_t width, bool parities) {
    GraphBuilder build;
    const ValueId x = features(build);
    const ValueId two = build.add(Op::full, {}, {.dtype = DType::int64, .integer = Extent::of(2)});
    const ValueId column = build.add(Op::slice, {x}, {.axis = 1, .start = Extent::of(0), .size = Extent::of(1)});
    ValueId at = build.add(Op::full, {}, {.dtype = DType::int64, .shape = {Extent::rows(), Extent::of(1)}});
    for (int64_t level = 0; level < levels; ++level) {
        const ValueId below = build.add(Op::less, {column, build.floats({1}, {0.01f * static_cast<float>(level)})});
        const ValueId bit = build.add(Op::cast, {below}, {.dtype = DType::int64});
        at = parities ? build.add(Op::cast, {build.add(Op::not_equal, {at, bit})}, {.dtype = DType::int64})
                      : build.add(Op::add, {build.add(Op::mul, {at, two}), bit});
    }
    const int64_t places = parities ? 2 : int64_t{1} << levels;
    std::vector<float> leaves(static_cast<size_t>(places * width));
    for (size_t i = 0; i < leaves.size(); ++i) leaves[i] = static_cast<float>(i);
    give(build, build.add(Op::embedding, {build.floats({places, width}, leaves), at}), width);
    return build;
}

}  // namespace

TEST_CASE("a forest that grows out of a small graph ends at any check point where its caller says so", "[trees]") {
    const GraphBuilder build = grown(12, 1, false);
    const test::CountingClock clock;
    const lib::Graph whole = *lib::optimise(build.graph, {}, {&clock, nullptr, INT64_MAX - 1});
    REQUIRE(count(whole, Op::trees) == 1);
    const int64_t polls = clock.reads();
    int growing = 0;
    for (int64_t n = 1; n <= polls; ++n) {
        const auto ended = lib::optimise(build.graph, {}, clock.stop_at(n));
        REQUIRE(ended.status().code == WB_DEADLINE_EXCEEDED);
        const std::string said = ended.status().message;
        CHECK(said.starts_with("the deadline passed while optimising ("));
        growing += said == "the deadline passed while optimising (recognise_trees)";
    }
    CHECK(growing > 3);
    lib::CancelToken token;
    token.set(true);
    CHECK(lib::recognise_trees(build.graph, {nullptr, &token}).status().code == WB_CANCELLED);
}

TEST_CASE("trees whose leaves would take more memory than a graph may stay look-ups", "[trees]") {
    const int64_t wide = int64_t{1} << 16;
    CHECK(count(*lib::optimise(grown(6, wide, true).graph), Op::trees) == 1);
    CHECK(count(*lib::optimise(grown(11, wide, true).graph), Op::trees) == 0);  // 2^27 values of two rows
}

TEST_CASE("trees lead each row to the leaf that its comparisons name", "[trees]") {
    const GraphBuilder build = Small().build();
    const std::vector<float> found = outputs(build.graph), x = inputs();
    for (size_t row = 0; row < found.size(); ++row) {
        const float first = x[row * kFeatures], last = x[row * kFeatures + 6];
        CAPTURE(row, first, last);
        REQUIRE(found[row] == (first <= 0.5f ? 1.0f : last <= -0.5f ? 2.0f : 3.0f));
    }
}

TEST_CASE("tables whose places lie outside, or whose walks need not end, are refused, by graph and by file",
          "[trees]") {
    struct Change {
        size_t place;
        int64_t number;
        const char *reason;
    };
    // Places of `nodes`: pairs of feature and next.
    const Change changes[] = {{0, 7, "expected a feature in [0, 7), found 7"},
                              {0, -1, "expected a feature in [0, 7), found -1"},
                              {4, int64_t{1} << 40, "expected a feature in [0, 7), found 1099511627776"},
                              {1, 4, "expected itself or a later pair as next, found 4"},
                              {1, 5, "expected itself or a later pair as next, found 5"},
                              {1, -1, "expected itself or a later pair as next, found -1"},
                              {1, int64_t{1} << 62, "expected itself or a later pair as next"},
                              {5, 0, "expected itself or a later pair as next, found 0"},
                              {7, 2, "expected itself or a later pair as next, found 2"}};
    const auto refuses = [](const Small &small, const lib::Bytes &sound, const lib::Bytes &changed,
                            const std::string &reason) {
        CAPTURE(reason);
        auto plan = lib::Plan::make(small.build().graph, {}, {WB_PRECISION_FP32});
        REQUIRE_FALSE(plan);
        REQUIRE(plan.status().code == WB_INVALID_BUNDLE);
        REQUIRE(std::string(plan.status().message).find(reason) != std::string::npos);
        REQUIRE(lib::read_graph(sound));
        REQUIRE_FALSE(lib::read_graph(changed));
    };
    const lib::Bytes sound = lib::write_graph(Small().build().graph);
    for (const Change &change : changes) {
        Small small;
        small.nodes[change.place] = change.number;
        refuses(small, sound, lib::write_graph(small.build().graph), change.reason);
    }
    for (int64_t root : {int64_t{5}, int64_t{-1}}) {
        Small small;
        small.roots = {0, root};
        refuses(small, sound, lib::write_graph(small.build().graph), "root 1: expected a node in [0, 5)");
    }
    // The same through a plan's file: the table is found by its bytes.
    const lib::Bytes file = *lib::write_plan(*Small().build().plan());
    const Small small;
    const auto *from = reinterpret_cast<const std::byte *>(small.nodes.data());
    const auto table = std::search(file.begin(), file.end(), from, from + small.nodes.size() * sizeof(int64_t));
    REQUIRE(table != file.end());
    REQUIRE(test::read_copy(file));
    for (const Change &change : changes) {
        lib::Bytes changed = file;
        std::memcpy(changed.data() + (table - file.begin()) + static_cast<ptrdiff_t>(change.place * sizeof(int64_t)),
                    &change.number, sizeof(int64_t));
        auto read = test::read_copy(test::resealed(changed));
        REQUIRE_FALSE(read);
        INFO(read.status().message);
        REQUIRE(std::string(read.status().message).find(change.reason) != std::string::npos);
    }
}

TEST_CASE("a tree has a largest height", "[trees]") {
    for (const int64_t height : {int64_t{lib::kMaxTreeHeight}, int64_t{lib::kMaxTreeHeight} + 1}) {
        Small small;
        small.nodes.clear();
        for (int64_t level = 0; level < height; ++level)  // a fork, then its leaf; the other end is the next fork
            small.nodes.insert(small.nodes.end(), {0, 2 * level + 1, 0, 2 * level + 1});
        small.nodes.insert(small.nodes.end(), {0, 2 * height});
        small.thresholds.assign(static_cast<size_t>(2 * height + 1), 0.25f);
        small.values = small.thresholds;
        REQUIRE(lib::Plan::make(small.build().graph, {}, {WB_PRECISION_FP32}).ok() == (height == lib::kMaxTreeHeight));
    }
}

TEST_CASE("operands of trees that are no constants of one size are refused", "[trees]") {
    GraphBuilder build;
    const ValueId x = features(build), thresholds = build.floats({3}, {1, 2, 3}),
                  values = build.floats({3, 1}, {1, 2, 3});
    const ValueId nodes = build.integers({3, 2}, {0, 1, 0, 1, 0, 2}), roots = build.integers({1}, {0});
    const auto refuses = [&](std::vector<ValueId> operands) { return !build.graph.add(Op::trees, operands); };
    REQUIRE_FALSE(refuses({x, thresholds, values, nodes, roots}));
    REQUIRE(refuses({x, thresholds, values, nodes}));
    REQUIRE(refuses({x, build.floats({2}, {1, 2}), values, nodes, roots}));
    REQUIRE(refuses({x, thresholds, thresholds, nodes, roots}));
    REQUIRE(refuses({x, thresholds, values, build.integers({3, 1}, {0, 1, 2}), roots}));
    REQUIRE(refuses({x, thresholds, values, nodes, nodes}));
    REQUIRE(refuses({x, build.add(Op::neg, {thresholds}), values, nodes, roots}));
    REQUIRE(
        refuses({build.input(1, DType::float32, {Extent::rows(), Extent::of(0)}), thresholds, values, nodes, roots}));
    REQUIRE(refuses({build.input(2, DType::int64, {Extent::rows(), Extent::of(2)}), thresholds, values, nodes, roots}));
    GraphBuilder empty;
    REQUIRE_FALSE(empty.graph.add(Op::trees, {features(empty), empty.floats({0}, {}), empty.floats({0, 1}, {}),
                                              empty.integers({0, 2}, {}), empty.integers({0}, {})}));
}

TEST_CASE("look-ups that step level by level become trees, and keep their bits", "[trees]") {
    for (const Op comparison : {Op::less_equal, Op::less, Op::greater, Op::greater_equal})
        for (uint32_t seed = 1; seed < 9; ++seed) {
            CAPTURE(lib::name_of(comparison), seed);
            const RandomTrees trees(seed, kFeatures, 1 + seed * 3, 2 + seed % 5, 1 + seed % 3);
            GraphBuilder build;
            give(build, trees.look_ups(build, features(build), comparison), trees.trees() * trees.width);
            const lib::Graph after = optimised(build.graph);
            INFO(after.text());
            REQUIRE(count(after, Op::trees) == 1);
            REQUIRE(count(after, Op::embedding) + count(after, Op::gather) + count(after, Op::where) == 0);
            const bool above = comparison == Op::greater || comparison == Op::greater_equal;
            REQUIRE(count(after, Op::neg) == (above ? 1 : 0));
        }
}

TEST_CASE("indices that double from level to level become trees, and equal leaves side by side become one", "[trees]") {
    constexpr int64_t kTrees = 9, kHeight = 4, kLeaves = kTrees << kHeight;
    GraphBuilder build;
    const ValueId x = features(build);
    const Extents flat{Extent::rows(kTrees)}, wide{Extent::rows(), Extent::of(kTrees)};
    const auto reshaped = [&](ValueId from, const Extents &to) {
        return build.add(Op::reshape, {from}, {.shape = to});
    };
    std::vector<int64_t> firsts;
    for (int64_t tree = 0; tree < kTrees; ++tree) firsts.push_back(tree);
    ValueId at = reshaped(build.add(Op::expand, {build.integers({1, kTrees}, firsts)}, {.shape = wide}), flat);
    const ValueId two = build.add(Op::full, {}, {.dtype = DType::int64, .integer = Extent::of(2)});
    for (int64_t level = 0; level < kHeight; ++level) {
        const int64_t nodes = kTrees << level;
        std::vector<float> places;
        for (int64_t i = 0; i < nodes; ++i) places.push_back(static_cast<float>((i * 5 + level) % kFeatures));
        const auto looked_up = [&](const std::vector<float> &table) {
            return reshaped(build.add(Op::embedding, {build.floats({nodes, 1}, table), at}), wide);
        };
        const ValueId feature = build.add(Op::cast, {looked_up(places)}, {.dtype = DType::int64});
        const ValueId holds =
            build.add(Op::less, {build.add(Op::gather, {x, feature}, {.axis = 1}),
                                 looked_up(test::fixed_numbers(nodes, static_cast<uint32_t>(level) + 3))});
        const ValueId bit = reshaped(build.add(Op::cast, {holds}, {.dtype = DType::int64}), flat);
        at = build.add(Op::add, {build.add(Op::mul, {at, two}), bit});
    }
    std::vector<float> leaves = test::fixed_numbers(kLeaves, 21);
    for (size_t i = 0; i < 16; ++i) leaves[i] = 0.75f;  // the first tree is one leaf
    give(build, build.add(Op::embedding, {build.floats({kLeaves, 1}, leaves), at}), kTrees);
    const lib::Graph after = optimised(build.graph);
    REQUIRE(count(after, Op::trees) == 1);
    REQUIRE(count(after, Op::embedding) == 0);
    const auto node = std::find_if(after.nodes().begin(), after.nodes().end(),
                                   [](const lib::Node &each) { return each.op == Op::trees; });
    REQUIRE(lib::tree_tables(after, *node).count == 1 + (kTrees - 1) * (2 * 16 - 1));
}

TEST_CASE("look-ups that are no trees of one value, or hardly any, stay as they are", "[trees]") {
    const auto stays = [](const GraphBuilder &build) {
        const lib::Graph after = optimised(build.graph);
        INFO(after.text());
        return count(after, Op::trees) == 0 && count(after, Op::embedding) >= 1;
    };
    const RandomTrees trees(4, kFeatures, 6, 4, 1);
    {  // one that its caller chooses by a number of the data
        GraphBuilder build;
        const ValueId x = features(build);
        const ValueId place =
            build.add(Op::clamp, {build.add(Op::cast, {x}, {.dtype = DType::int64})}, {.least = 0.0, .largest = 2.0});
        give(build, build.add(Op::embedding, {build.floats({3, 1}, {1, 2, 3}), place}), kFeatures);
        REQUIRE(stays(build));
    }
    {  // a few forks
        GraphBuilder build;
        const ValueId x = features(build), half = build.floats({1}, {0.5f});
        const ValueId place = build.add(Op::cast, {build.add(Op::less, {x, half})}, {.dtype = DType::int64});
        give(build, build.add(Op::embedding, {build.floats({2, 1}, {1, 2}), place}), kFeatures);
        REQUIRE(stays(build));
    }
    {  // of another value than x at every second level: two forests would have to know of each other
        GraphBuilder build;
        const ValueId x = features(build);
        const ValueId other = build.add(Op::tanh, {x});
        const ValueId below = build.add(Op::less_equal, {x, build.floats({1}, {0.1f})});
        const ValueId above = build.add(Op::less_equal, {other, build.floats({1}, {-0.1f})});
        const ValueId both = build.add(Op::logical_and, {below, above});
        const ValueId place = build.add(Op::cast, {both}, {.dtype = DType::int64});
        const ValueId twice = build.add(Op::concat, {place, place}, {.axis = 1});
        give(build, build.add(Op::embedding, {build.floats({2, 1}, {1, 2}), twice}), 2 * kFeatures);
        REQUIRE(stays(build));
    }
    {  // the same as trees, but for one place outside the table, which fails where a row comes to it
        GraphBuilder build;
        const ValueId x = features(build), half = build.floats({1}, {0.5f});
        const ValueId bit = build.add(Op::cast, {build.add(Op::less, {x, half})}, {.dtype = DType::int64});
        const ValueId place = build.add(Op::concat, {bit, bit}, {.axis = 1});
        give(build, build.add(Op::embedding, {build.floats({1, 1}, {1}), place}), 2 * kFeatures);
        auto after = lib::optimise(build.graph);
        REQUIRE(after);
        REQUIRE(count(*after, Op::trees) == 0);
    }
}
