// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "feature/encoder.hpp"
#include "feature/tensor_write.hpp"
#include "tensor/fence.hpp"

namespace weighbridge::lib {
namespace {

// Tensors begin on whole cache lines.
constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

int64_t Encoder::tensor_bytes(int64_t max_rows) const {
    int64_t sum = 0;
    for (const TensorPlan &tensor : plan_->tensors) {
        int64_t bytes = 0;
        bool fits = !__builtin_mul_overflow(max_rows, tensor.most_elements * bytes_of(tensor.dtype), &bytes);
        fits = fits && bytes <= INT64_MAX - kAlignment - kFenceBytes;
        if (!fits || __builtin_add_overflow(sum, aligned(bytes) + kFenceBytes, &sum)) return INT64_MAX;
    }
    return sum;
}

int64_t Encoder::most_tokens() const {
    int64_t most = 0;
    for (const FeaturePlan &text : plan_->texts) most = std::max(most, text.value.max_tokens);
    return most;
}

int64_t Encoder::tile_bytes(int64_t max_rows) const {
    int64_t sum = tensor_bytes(max_rows);
    const int64_t ids = most_tokens() * static_cast<int64_t>(sizeof(int64_t));
    if (sum < INT64_MAX) sum -= static_cast<int64_t>(plan_->tensors.size()) * kFenceBytes;
    return __builtin_add_overflow(sum, ids, &sum) ? INT64_MAX : sum;
}

Tile Encoder::make_tile(int64_t max_rows) const {
    Tile tile = make_homeless_tile(max_rows);
    tile.memory_ = AlignedBuffer(static_cast<size_t>(tensor_bytes(max_rows)));
    close_memory(tile.memory_.data(), tile.memory_.size());
    tile.lie_in(tile.memory_.data());
    return tile;
}

Tile Encoder::make_homeless_tile(int64_t max_rows, int packed_by) const {
    Tile tile;
    tile.max_rows_ = max_rows;
    tile.packed_by_ = packed_by;
    if (packed_by >= 0) {
        tile.offsets_.reserve(static_cast<size_t>(max_rows) + 1);
        tile.offsets_.push_back(0);
    }
    size_t features = schema_->features().size();
    tile.ids_.reserve(static_cast<size_t>(most_tokens()));
    tile.tokens_.resize(features);
    tile.row_tokens_.resize(features);
    tile.at_.resize(tensors_.size());
    tile.bases_.resize(tensors_.size());
    tile.used_.resize(tensors_.size());
    tile.shared_.resize(features);
    tile.own_.reserve(plan_->scalars.size());
    tile.copied_.reserve(plan_->pieces.size());
    int64_t begin = 0;
    for (size_t i = 0; i < tensors_.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        const int64_t bytes = max_rows * plan.most_elements * bytes_of(plan.dtype);
        tile.parts_.push_back({begin, bytes});
        begin += aligned(bytes) + kFenceBytes;
        tile.views_.push_back({plan.dtype, tensors_[i].shape, nullptr});
        for (int32_t k = 0; k < tensors_[i].shape.rank; ++k) {
            int64_t &size = tile.views_.back().shape.size[static_cast<size_t>(k)];
            size = std::max<int64_t>(size, 0);  // symbolic sizes of no rows
        }
    }
    return tile;
}

void Tile::lie_in(std::byte *memory) {
    for (size_t i = 0; i < parts_.size(); ++i) {
        bases_[i] = memory + parts_[i].begin;
        views_[i].data = bases_[i];
        open_memory(bases_[i], static_cast<size_t>(parts_[i].bytes));
    }
}

}  // namespace weighbridge::lib
