// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"

#include <algorithm>
#include <numeric>

namespace weighbridge::lib {

MemoryPlan plan_memory(const std::vector<MemoryBlock> &blocks) {
    constexpr int64_t kLine = 64;
    auto room = [&](size_t i) { return (blocks[i].bytes + kLine - 1) / kLine * kLine + kLine; };
    std::vector<size_t> order(blocks.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
    MemoryPlan plan;
    plan.begins.resize(blocks.size(), 0);
    std::vector<size_t> placed, in_the_way;
    for (size_t i : order) {
        in_the_way.clear();
        for (size_t other : placed)
            if (blocks[other].first <= blocks[i].last && blocks[i].first <= blocks[other].last)
                in_the_way.push_back(other);
        std::sort(in_the_way.begin(), in_the_way.end(),
                  [&](size_t a, size_t b) { return plan.begins[a] < plan.begins[b]; });
        int64_t at = 0;
        for (size_t other : in_the_way) {
            if (at + room(i) <= plan.begins[other]) break;
            at = std::max(at, plan.begins[other] + room(other));
        }
        plan.begins[i] = at;
        plan.bytes = std::max(plan.bytes, at + room(i));
        placed.push_back(i);
    }
    return plan;
}

}  // namespace weighbridge::lib
