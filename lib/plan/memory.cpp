// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <set>

namespace weighbridge::lib {
namespace {

int64_t room(const MemoryBlock &block) {
    constexpr int64_t kLine = 64;
    return (block.bytes + kLine - 1) / kLine * kLine + kLine;
}

// First fit by decreasing size: each block at the lowest place that is free while it is in use. Quadratic.
MemoryPlan by_size(const std::vector<MemoryBlock> &blocks, const std::vector<size_t> &order) {
    struct Placed {
        int64_t begin, end;
        int first, last;
    };
    MemoryPlan plan;
    plan.begins.resize(blocks.size(), 0);
    std::vector<Placed> placed;  // by begin
    placed.reserve(order.size());
    for (size_t i : order) {
        const MemoryBlock &block = blocks[i];
        int64_t at = 0;
        for (const Placed &other : placed) {
            if (at + room(block) <= other.begin) break;
            if (other.first <= block.last && block.first <= other.last) at = std::max(at, other.end);
        }
        plan.begins[i] = at;
        plan.bytes = std::max(plan.bytes, at + room(block));
        auto behind = std::upper_bound(placed.begin(), placed.end(), at,
                                       [](int64_t begin, const Placed &other) { return begin < other.begin; });
        placed.insert(behind, {at, at + room(block), block.first, block.last});
    }
    return plan;
}

// A free list with pieces joined, by begin and by size.
class Gaps {
  public:
    // Best fit: the begin of the smallest piece that holds `bytes`, the lowest of these; the end where none holds them.
    int64_t take(int64_t bytes) {
        auto found = by_size_.lower_bound({bytes, 0});
        if (found == by_size_.end()) {
            const int64_t begin = end_;
            end_ += bytes;
            return begin;
        }
        const auto [size, begin] = *found;
        remove(begin, size);
        if (size > bytes) add(begin + bytes, size - bytes);
        return begin;
    }
    void give(int64_t begin, int64_t bytes) {
        auto next = by_begin_.lower_bound(begin);
        if (next != by_begin_.end() && next->first == begin + bytes) {
            const auto [place, size] = *next;
            bytes += size;
            remove(place, size);
        }
        auto before = by_begin_.lower_bound(begin);
        if (before != by_begin_.begin() && (--before)->first + before->second == begin) {
            const auto [place, size] = *before;
            remove(place, size);
            begin = place;
            bytes += size;
        }
        add(begin, bytes);
    }
    int64_t end() const { return end_; }

  private:
    void add(int64_t begin, int64_t bytes) {
        by_begin_.emplace(begin, bytes);
        by_size_.emplace(bytes, begin);
    }
    void remove(int64_t begin, int64_t bytes) {
        by_begin_.erase(begin);
        by_size_.erase({bytes, begin});
    }

    std::map<int64_t, int64_t> by_begin_;
    std::set<std::pair<int64_t, int64_t>> by_size_;
    int64_t end_ = 0;
};

// Best fit in the order of use: blocks that are no longer in use give their memory back first.
MemoryPlan by_time(const std::vector<MemoryBlock> &blocks, std::vector<size_t> order) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].first < blocks[b].first; });
    using End = std::pair<int, size_t>;  // step, block
    std::priority_queue<End, std::vector<End>, std::greater<>> in_use;
    MemoryPlan plan;
    plan.begins.resize(blocks.size(), 0);
    Gaps gaps;
    for (size_t i : order) {
        for (; !in_use.empty() && in_use.top().first < blocks[i].first; in_use.pop())
            gaps.give(plan.begins[in_use.top().second], room(blocks[in_use.top().second]));
        plan.begins[i] = gaps.take(room(blocks[i]));
        in_use.push({blocks[i].last, i});
    }
    plan.bytes = gaps.end();
    return plan;
}

}  // namespace

MemoryPlan plan_memory(const std::vector<MemoryBlock> &blocks) {
    std::vector<size_t> order(blocks.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
    return blocks.size() <= kMaxBlocksBySize ? by_size(blocks, order) : by_time(blocks, std::move(order));
}

}  // namespace weighbridge::lib
