// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"

#include <algorithm>
#include <random>

#include "support/catch.hpp"

namespace lib = weighbridge::lib;

TEST_CASE("blocks in use together do not overlap, and others share memory") {
    std::mt19937 random(1);
    for (int graph = 0; graph < 200; ++graph) {
        std::vector<lib::MemoryBlock> blocks;
        for (int i = 0, count = static_cast<int>(random() % 30); i < count; ++i) {
            const int first = static_cast<int>(random() % 20);
            blocks.push_back({static_cast<int64_t>(random() % 5 ? random() % 1000 : 0), first,
                              first + static_cast<int>(random() % 6)});
        }
        const lib::MemoryPlan plan = lib::plan_memory(blocks);
        REQUIRE(plan.begins.size() == blocks.size());
        int64_t all = 0;
        for (size_t i = 0; i < blocks.size(); ++i) {
            REQUIRE(plan.begins[i] % 64 == 0);
            REQUIRE(plan.begins[i] >= 0);
            REQUIRE(plan.begins[i] + blocks[i].bytes + 64 <= plan.bytes);
            all += (blocks[i].bytes + 63) / 64 * 64 + 64;
            for (size_t j = 0; j < i; ++j) {
                const bool together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
                const bool apart = plan.begins[i] + blocks[i].bytes <= plan.begins[j] ||
                                   plan.begins[j] + blocks[j].bytes <= plan.begins[i];
                REQUIRE((!together || apart));
            }
        }
        REQUIRE(plan.bytes <= all);
    }
    const lib::MemoryPlan chain = lib::plan_memory({{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}});
    REQUIRE(chain.bytes == 2 * (1024 + 64));
    REQUIRE(lib::plan_memory({}).bytes == 0);
}
