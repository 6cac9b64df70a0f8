// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "backend/cuda/launches.hpp"
#include "backend/cuda/rows_of.hpp"

namespace weighbridge::lib::cuda {

// A step as launches are made of it: its views of one sequence, by axes of the result.
class LaunchBuilder {
  public:
    LaunchBuilder(const Plan &plan, const Schedule &schedule, int32_t precision, const Places &places,
                  const Bucket &bucket, const Resources &resources)
        : plan_(plan),
          schedule_(schedule),
          precision_(precision),
          places_(places),
          bucket_(bucket),
          resources_(resources) {}

    // All steps. WB_BACKEND_UNAVAILABLE names the one that the kernels do not take.
    Status build();
    Launches take() { return std::move(made_); }

  private:
    Status add(const StepPlan &step, int32_t fault);
    // By family. False where the kernels do not take the step's views.
    bool add_linear(const StepPlan &step);
    bool add_attention(const StepPlan &step);
    bool add_matmul(const StepPlan &step);
    bool add_recurrent(const StepPlan &step);
    bool add_last_axis(const StepPlan &step);
    bool add_reduction(const StepPlan &step);
    bool add_float_rows(const StepPlan &step);  // floats by a kernel, in rows
    bool add_elements(const StepPlan &step);    // any type, any views
    bool add_copy(const StepPlan &step);
    bool add_fill(const StepPlan &step);
    bool add_lookup(const StepPlan &step);
    bool add_embedding(const StepPlan &step);
    bool add_gather(const StepPlan &step);
    bool add_bucketize(const StepPlan &step);
    bool add_along(const StepPlan &step);
    // A linear layer, a norm or a reduction over dense copies, where its rows do not lie as the kernels go over them.
    bool add_dense(const StepPlan &step);
    std::optional<ValueView> take_dense(const Type &type);
    int64_t dense_bytes(const Storage &storage) const;
    void copy(const SequenceView &from, const SequenceView &to, const Type &type);

    template <class Arguments>
    void launch(const char *kernel, const Arguments &arguments, int threads, int64_t shared_bytes, int64_t blocks_x,
                int64_t blocks_y = 1, int64_t blocks_z = 1) {
        static_assert(std::is_trivially_copyable_v<Arguments>);
        Launch made{kernel,
                    in_grid(blocks_x, 1 << 30),
                    in_grid(blocks_y, 65535),
                    in_grid(blocks_z, 65535),
                    static_cast<unsigned>(threads),
                    shared_bytes,
                    std::vector<std::byte>(sizeof arguments)};
        std::memcpy(made.arguments.data(), &arguments, sizeof arguments);
        made_.list.push_back(std::move(made));
    }
    // A kernel that goes over elements of sequences.
    template <class Arguments>
    void launch_elements(const char *kernel, Arguments &arguments, const Extents &sizes) {
        arguments.run = places_.run;
        arguments.shape = shape_of(sizes);
        const int64_t most = product(sizes)->at(1, bucket_.longest);
        launch(kernel, arguments, kElementThreads, 0, (most + kElementThreads - 1) / kElementThreads,
               bucket_.sequences);
    }
    int64_t most_rows(const Extent &count) const;
    Rows rows_of(const Extent &count, const Extent &width) const;
    void multiply_f32(const LinearWeights &weights, LinearF32 arguments, int64_t rows);
    void multiply_i8(const LinearWeights &weights, const RowView &x, Range range, LinearI8 arguments, int64_t rows);
    void multiply_bf16(const LinearWeights &weights, const RowView &x, LinearBf16 arguments, int64_t rows);
    void launch_attention(Attention call, const Extent &keys, const Extents &sizes);
    static HeadView head_view(const SequenceView &view, std::optional<size_t> outer);

    static unsigned in_grid(int64_t blocks, int64_t most) {
        return static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, most));
    }
    const Node &node_of(const StepPlan &step) const { return plan_.graph().node(step.node); }
    // A view's storage, which is the schedule's or behind these one of the step's dense copies.
    const Storage &storage_of(const ValueView &view) const {
        const size_t all = schedule_.storages.size();
        return view.storage < all ? schedule_.storages[view.storage] : dense_[view.storage - all].storage;
    }
    std::byte *base_of(const ValueView &view) const {
        const size_t all = schedule_.storages.size();
        if (places_.storages.empty()) return nullptr;
        return view.storage < all ? places_.storages[view.storage] : places_.dense + dense_[view.storage - all].begin;
    }
    SequenceView operand(const StepPlan &step, size_t index, const Extents &shape) const {
        const ValueView &view = step.operands[index];
        return sequence_view(view, step.operand_types[index], storage_of(view), base_of(view), shape);
    }
    SequenceView result(const StepPlan &step) const {
        return sequence_view(step.result, step.type, storage_of(step.result), base_of(step.result), step.type.shape);
    }
    // Memory that all sequences read alike, at a known place; nothing where it is not.
    template <class T>
    bool constant(const StepPlan &step, size_t index, const T *&at) const {
        const ValueView &view = step.operands[index];
        if (storage_of(view).own || !view.offset.known()) return false;
        std::byte *base = base_of(view);
        at = base ? reinterpret_cast<const T *>(base) + view.offset.terms[0] : nullptr;
        return true;
    }

    const Plan &plan_;
    const Schedule &schedule_;
    const int32_t precision_;
    const Places &places_;
    const Bucket bucket_;
    const Resources resources_;
    Launches made_;
    int32_t fault_ = 0;  // of the step that is added
    struct DenseCopy {
        Storage storage;
        int64_t begin = 0;  // in bytes
    };
    std::array<DenseCopy, 3> dense_;  // of the same step: x, a residual, the result
    size_t dense_count_ = 0;
};

}  // namespace weighbridge::lib::cuda
