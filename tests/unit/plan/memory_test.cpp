// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include "support/catch.hpp"

namespace {

namespace lib = weighbridge::lib;

// Blocks that begin at up to `steps` steps and stay for up to `stay` more.
std::vector<lib::MemoryBlock> random_blocks(size_t count, uint32_t steps, uint32_t stay, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<lib::MemoryBlock> blocks;
    for (size_t i = 0; i < count; ++i) {
        const int first = static_cast<int>(random() % steps);
        blocks.push_back({static_cast<int64_t>(random() % 5 ? random() % 1000 : 0), first,
                          first + static_cast<int>(random() % stay)});
    }
    return blocks;
}

// Each block has its memory and a line to itself while it is in use, at a multiple of 64.
bool is_sound(const std::vector<lib::MemoryBlock> &blocks, const lib::MemoryPlan &plan) {
    if (plan.begins.size() != blocks.size()) return false;
    int64_t all = 0;
    std::multimap<int, std::pair<bool, size_t>> events;  // step: whether it ends, block
    for (size_t i = 0; i < blocks.size(); ++i) {
        if (plan.begins[i] % 64 != 0 || plan.begins[i] < 0 || plan.begins[i] + blocks[i].bytes + 64 > plan.bytes)
            return false;
        all += (blocks[i].bytes + 63) / 64 * 64 + 64;
        events.emplace(2 * blocks[i].first, std::pair(false, i));
        events.emplace(2 * blocks[i].last + 1, std::pair(true, i));
    }
    std::map<int64_t, int64_t> in_use;  // begin, end
    for (const auto &[step, event] : events) {
        const auto [ends, block] = event;
        const int64_t begin = plan.begins[block], end = begin + blocks[block].bytes + 64;
        if (ends) {
            in_use.erase(begin);
            continue;
        }
        auto next = in_use.lower_bound(begin);
        if (next != in_use.end() && next->first < end) return false;
        if (next != in_use.begin() && std::prev(next)->second > begin) return false;
        in_use[begin] = end;
    }
    return plan.bytes <= all;
}

}  // namespace

TEST_CASE("blocks in use together do not overlap, and others share memory") {
    for (uint32_t seed = 0; seed < 200; ++seed) {
        const auto blocks = random_blocks(seed % 30, 20, 6, seed);
        REQUIRE(is_sound(blocks, lib::plan_memory(blocks)));
    }
    const lib::MemoryPlan chain = lib::plan_memory({{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}});
    REQUIRE(chain.bytes == 2 * (1024 + 64));
    REQUIRE(lib::plan_memory({}).bytes == 0);
}

TEST_CASE("more blocks than are placed by size do not overlap either, and share memory") {
    for (uint32_t seed = 0; seed < 8; ++seed) {
        const auto blocks = random_blocks(lib::kMaxBlocksBySize + 1 + seed * 100, 1000, 1 + seed * 9, seed);
        REQUIRE(is_sound(blocks, lib::plan_memory(blocks)));
    }
    std::vector<lib::MemoryBlock> chain;
    for (int i = 0; i <= static_cast<int>(lib::kMaxBlocksBySize); ++i) chain.push_back({1000, i, i + 1});
    REQUIRE(lib::plan_memory(chain).bytes == 2 * (1024 + 64));
    // A gap that two neighbours left takes what is as large as both, and its rest another.
    chain = {{1000, 0, 0}, {1000, 0, 0}, {1000, 0, 9}, {1800, 1, 9}, {100, 1, 9}};
    while (chain.size() <= lib::kMaxBlocksBySize) chain.push_back({0, 20, 20});
    const lib::MemoryPlan plan = lib::plan_memory(chain);
    REQUIRE(is_sound(chain, plan));
    REQUIRE(std::max({plan.begins[2], plan.begins[3], plan.begins[4]}) < 3 * (1024 + 64));
}

TEST_CASE("as many blocks as a crafted plan can have are placed at once") {
    // Each takes less than a second here; the way that is quadratic takes minutes.
    for (uint32_t stay : {2u, 200u, 1u << 20}) {
        const auto blocks = random_blocks(1 << 17, 1 << 17, stay, stay);
        const auto start = std::chrono::steady_clock::now();
        const lib::MemoryPlan plan = lib::plan_memory(blocks);
        REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
        REQUIRE(is_sound(blocks, plan));
    }
}
