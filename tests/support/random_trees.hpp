// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "support/graphs.hpp"

namespace weighbridge::test {

// The tables of an operator `trees`, as lib/graph/trees.hpp has them, and the tables of a traversal that steps level by
// level, as exporters write it, of the same trees.
struct RandomTrees {
    int64_t height = 0, width = 0;
    std::vector<float> thresholds, values;  // by node
    std::vector<int64_t> nodes, roots;

    // Trees of `height` levels at most, some of them a leaf early. Thresholds are about 1 in size, some of them
    // special.
    RandomTrees(uint32_t seed, int64_t features, int64_t trees, int64_t tallest, int64_t wide)
        : height(tallest), width(wide) {
        std::mt19937 random(seed);
        const auto real = [&] { return static_cast<float>(static_cast<double>(random()) / 2147483648.0 - 1.0); };
        const auto number = [&](int64_t end) { return static_cast<int64_t>(random() % static_cast<uint32_t>(end)); };
        constexpr float kInfinite = std::numeric_limits<float>::infinity();
        const float special[] = {0.0f, -0.0f, kInfinite, -kInfinite, std::numeric_limits<float>::quiet_NaN(), 1e-41f};
        for (int64_t tree = 0; tree < trees; ++tree) {
            roots.push_back(static_cast<int64_t>(thresholds.size()));
            std::vector<int64_t> levels{0};
            for (size_t i = 0; i < levels.size(); ++i) {  // level by level; a fork adds two
                const auto node = roots.back() + static_cast<int64_t>(i);
                const bool leaf = levels[i] == height || number(6) == 0;
                thresholds.push_back(number(12) == 0 ? special[number(6)] : real());
                nodes.push_back(number(features));
                nodes.push_back(leaf ? node : roots.back() + static_cast<int64_t>(levels.size()));
                for (int64_t k = 0; k < width; ++k) values.push_back(real());
                if (!leaf) levels.insert(levels.end(), 2, levels[i] + 1);
            }
        }
    }
    int64_t count() const { return static_cast<int64_t>(thresholds.size()); }
    int64_t trees() const { return static_cast<int64_t>(roots.size()); }

    GraphBuilder::Value operation(GraphBuilder &build, GraphBuilder::Value x) const {
        return build.add(lib::Op::trees,
                         {x, build.floats({count()}, thresholds), build.floats({count(), width}, values),
                          build.integers({count(), 2}, nodes), build.integers({trees()}, roots)});
    }

    // The same as look-ups: [batch * trees, width] of x [batch, features]. Every node is looked up by itself, and a
    // leaf leads to itself both ways.
    GraphBuilder::Value look_ups(GraphBuilder &build, GraphBuilder::Value x,
                                 lib::Op comparison = lib::Op::less_equal) const {
        using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op;
        std::vector<float> features, yes, no;
        for (int64_t i = 0; i < count(); ++i) {
            const int64_t next = nodes[static_cast<size_t>(2 * i + 1)];
            features.push_back(static_cast<float>(nodes[static_cast<size_t>(2 * i)]));
            yes.push_back(static_cast<float>(next));
            no.push_back(static_cast<float>(next == i ? i : next + 1));
        }
        const Extents wide{Extent::rows(), Extent::of(trees())}, flat{Extent::rows(trees())};
        const auto reshaped = [&](GraphBuilder::Value from, const Extents &to) {
            return build.add(Op::reshape, {from}, {.shape = to});
        };
        const auto first = build.add(Op::expand, {build.integers({1, trees()}, roots)}, {.shape = wide});
        GraphBuilder::Value at = reshaped(first, flat);
        const auto looked_up = [&](const std::vector<float> &table) {
            return reshaped(build.add(Op::embedding, {build.floats({count(), 1}, table), at}), wide);
        };
        for (int64_t level = 0; level < height; ++level) {
            const auto feature = build.add(Op::cast, {looked_up(features)}, {.dtype = DType::int64});
            const auto number = build.add(Op::gather, {x, feature}, {.axis = 1});
            const auto holds = build.add(comparison, {number, looked_up(thresholds)});
            const auto next = build.add(Op::where, {holds, looked_up(yes), looked_up(no)});
            at = reshaped(build.add(Op::cast, {next}, {.dtype = DType::int64}), flat);
        }
        return build.add(Op::embedding, {build.floats({count(), width}, values), at});
    }
};

}  // namespace weighbridge::test
