// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>

#include "backend/native/step.hpp"
#include "backend/plan_trees.hpp"

namespace weighbridge::lib::native {
namespace {

// Trees that are walked side by side: a walk is a chain of loads, and the core overlaps the chains. 100 trees of depth
// 6, one row, by 4, 8, 12 and 16: 1.38, 1.13, 0.92 and 0.89 us (a Xeon with AVX-512). A loop over an array: eight
// variables in registers took 1.42.
constexpr size_t kTogether = 16;

constexpr int64_t kWorkOfStep = 32;  // of a walk, in multiply-adds that take as long

const TreeNode *step_from(const TreeNode *node, const std::byte *row, uint32_t &moved) {
    float number;
    std::memcpy(&number, row + node->feature, sizeof number);
    const auto *from = reinterpret_cast<const std::byte *>(node);
    moved |= node->step;
    // Arithmetic, no branch: which way a walk goes is nothing that a core can guess.
    const auto back = static_cast<uint32_t>(number <= node->threshold) * static_cast<uint32_t>(sizeof(TreeNode));
    return reinterpret_cast<const TreeNode *>(from + node->step - back);
}

// Walks N trees from their roots until all are at a leaf.
template <size_t N>
void walk(const Forest &forest, const uint32_t *roots, const float *row, std::array<const TreeNode *, kTogether> &at) {
    const auto *bytes = reinterpret_cast<const std::byte *>(row);
    std::array<const TreeNode *, N> node;
    for (size_t i = 0; i < N; ++i) node[i] = forest.nodes.data() + roots[i];
    uint32_t moved = 1;
    while (moved != 0) {
        moved = 0;
        for (size_t i = 0; i < N; ++i) node[i] = step_from(node[i], bytes, moved);
    }
    for (size_t i = 0; i < N; ++i) at[i] = node[i];
}

void leave_values(const Forest &forest, size_t trees, const std::array<const TreeNode *, kTogether> &at, float *y) {
    if (forest.width == 1) {
        for (size_t i = 0; i < trees; ++i) y[i] = at[i]->value;
        return;
    }
    for (size_t i = 0; i < trees; ++i)
        std::copy_n(forest.values + (at[i] - forest.nodes.data()) * forest.width, forest.width,
                    y + static_cast<int64_t>(i) * forest.width);
}

// Some trees, kTogether at most, for all rows: their nodes stay in L1.
void walk_rows(const Forest &forest, size_t first, size_t trees, const float *x, int64_t x_step, int64_t rows, float *y,
               int64_t y_step) {
    const uint32_t *roots = forest.roots.data() + first;
    std::array<const TreeNode *, kTogether> at{};
    for (int64_t row = 0; row < rows; ++row) {
        const float *from = x + row * x_step;
        if (trees == kTogether) {
            walk<kTogether>(forest, roots, from, at);
        } else {
            for (size_t i = 0; i < trees; ++i) {
                std::array<const TreeNode *, kTogether> one{};
                walk<1>(forest, roots + i, from, one);
                at[i] = one[0];
            }
        }
        leave_values(forest, trees, at, y + row * y_step + static_cast<int64_t>(first) * forest.width);
    }
}

class TreesStep final : public Step {
  public:
    TreesStep(const StepContext &context, const StepPlan &plan) : plan_(plan), forest_(context.forests->of(plan.node)) {
        for (int32_t height : forest_.heights) steps_ += height + 1;
    }
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank - 1, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * steps_ * kWorkOfStep; }
    Status run(const StepRun &run) override {
        const float *x = run.at<const float>(x_);
        float *y = run.at<float>(y_);
        const auto &step = loops_.step();
        int64_t work = 0;
        loops_.each([&](const Loops<2>::Places &at) {
            for (size_t first = 0; first < forest_.roots.size(); first += kTogether) {
                const size_t trees = std::min(kTogether, forest_.roots.size() - first);
                const auto heights = forest_.heights.begin() + static_cast<ptrdiff_t>(first);
                const int64_t highest = *std::max_element(heights, heights + static_cast<ptrdiff_t>(trees));
                const int64_t of_row = (highest + 1) * static_cast<int64_t>(trees) * kWorkOfStep;
                const int64_t together = std::max<int64_t>(1, kWorkBetweenPolls / of_row);
                for (int64_t row = 0; row < loops_.count(); row += together) {
                    const int64_t rows = std::min(together, loops_.count() - row);
                    if (work > kWorkBetweenPolls) {
                        if (!run.may_continue()) return false;
                        work = 0;
                    }
                    work += rows * of_row;
                    walk_rows(forest_, first, trees, x + at[0] + row * step[0], step[0], rows,
                              y + at[1] + row * step[1], step[1]);
                }
            }
            return true;
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const Forest &forest_;
    int64_t steps_ = 0;
    Bound x_, y_;
    Loops<2> loops_;
};

}  // namespace

std::unique_ptr<Step> make_trees_step(const StepContext &context, const StepPlan &plan) {
    return std::make_unique<TreesStep>(context, plan);
}

}  // namespace weighbridge::lib::native
