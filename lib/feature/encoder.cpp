// SPDX-License-Identifier: Apache-2.0
#include "feature/encoder.hpp"

#include <algorithm>

#include "feature/tensor_write.hpp"

namespace weighbridge::lib {
namespace {

// A mask's row: `real` ones, then zeroes.
void put_mask(std::byte *at, int64_t real, int64_t size) {
    if (size == 0) return;
    std::memset(at, 1, static_cast<size_t>(real));
    std::memset(at + real, 0, static_cast<size_t>(size - real));
}

}  // namespace

Encoder::~Encoder() = default;

Expected<std::unique_ptr<const Encoder>> Encoder::make(std::shared_ptr<const Schema> schema,
                                                       std::vector<TensorSpec> tensors, Limits limits) {
    auto plan = Plan::make(*schema, tensors, limits);
    if (!plan) return plan.status();
    std::unique_ptr<Encoder> encoder(new Encoder);
    encoder->schema_ = std::move(schema);
    encoder->tensors_ = std::move(tensors);
    encoder->limits_ = limits;
    encoder->plan_ = *std::move(plan);
    int64_t least = encoder->tile_bytes(1);
    if (limits.memory_bytes < least)
        return Status::failure(WB_INVALID_BUNDLE, "limits.memory_bytes: expected at least {} for one row, got {}",
                               least, limits.memory_bytes);
    return std::unique_ptr<const Encoder>(std::move(encoder));
}

Status Encoder::row_length(const RowSource &source, int64_t row, int64_t &length) const {
    length = 0;
    Cell cell;
    const FeaturePlan *first = nullptr;
    for (const FeaturePlan &plan : plan_->sequences) {
        const Feature &feature = schema_->features()[plan.value.feature];
        int32_t index = static_cast<int32_t>(plan.value.feature);
        Status status = source.cell(plan.value.feature, row, cell);
        if (!status.ok()) [[unlikely]]
            return status;
        if (cell.missing && !plan.optional) return absent(feature, plan.value.feature);
        int64_t count = cell.missing ? 0 : std::max<int64_t>(cell.count, 0);
        if (first == nullptr) {
            first = &plan;
            length = count;
        } else if (count != length) {
            return Status::failure(WB_INVALID_INPUT, "feature '{}': expected {} elements as in '{}', got {}",
                                   feature.name, length, schema_->features()[first->value.feature].name, count)
                .with_feature(index);
        }
        if (count > plan_->longest && !plan_->truncate)
            return Status::failure(WB_INVALID_INPUT, "feature '{}': expected at most {} elements, got {}", feature.name,
                                   plan_->longest, count)
                .with_feature(index);
    }
    length = std::min(length, plan_->longest);
    return Status();
}

Expected<int64_t> Encoder::length(const RowSource &source, int64_t row) const {
    int64_t found = 0;
    Status status = row_length(source, row, found);
    if (!status.ok()) return status;
    return found;
}

bool Encoder::is_short(const RowSource &source, int64_t row) const {
    int64_t found = 0;
    return !plan_->sequences.empty() && row_length(source, row, found).ok() && found < limits_.least_length;
}

bool Encoder::is_valid(Tile &tile, const RowSource &source, int64_t row) const {
    int64_t length = 0;
    RowNotes notes;
    Append done = Append::added;
    const bool valid =
        row_length(source, row, length).ok() && append_values(tile, source, row, length, notes, done).ok();
    tile.clear();
    return valid;
}

Status Encoder::too_short(int64_t length) const {
    const uint32_t first = plan_->sequences.front().value.feature;
    return Status::failure(WB_INVALID_INPUT, "feature '{}': expected at least {} elements, got {}",
                           schema_->features()[first].name, limits_.least_length, length)
        .with_feature(static_cast<int32_t>(first));
}

Status Encoder::append(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes, Append &done) const {
    notes = RowNotes{};
    done = Append::added;
    if (tile.rows_ >= tile.max_rows_)
        return Status::failure(WB_INVALID_ARGUMENT, "tile: expected room for a row, got {} of {} in use", tile.rows_,
                               tile.max_rows_);
    int64_t length = 0;
    if (!plan_->sequences.empty()) {
        Status status = row_length(source, row, length);
        if (!status.ok()) return status;
        if (length < limits_.least_length) [[unlikely]] {  // anything else that is wrong is said first
            status = append_values(tile, source, row, length, notes, done);
            done = Append::added;
            return status.ok() ? too_short(length) : status;
        }
        if (tile.rows_ > 0 && tile.packed_by_ < 0 && length != tile.length_) {
            done = Append::other_shape;
            return Status();
        }
    }
    Status status = append_values(tile, source, row, length, notes, done);
    if (!status.ok() || done == Append::other_shape) return status;
    if (tile.sharing_) {
        if (tile.rows_ > 0) copy_shared(tile, length);
        notes.defaulted += tile.shared_notes_.defaulted;
        notes.clipped += tile.shared_notes_.clipped;
    }
    append_sizes(tile, length);
    finish_row(tile, length);
    return Status();
}

Status Encoder::append_values(Tile &tile, const RowSource &source, int64_t row, int64_t length, RowNotes &notes,
                              Append &done) const {
    if (tile.rows_ == 0) tile.shared_notes_ = RowNotes{};
    place_row(tile);
    Status status = append_scalars(tile, source, row, notes);
    if (status.ok() && !plan_->sequences.empty()) status = append_sequences(tile, source, row, length, notes);
    if (status.ok() && !plan_->texts.empty()) status = append_texts(tile, source, row, notes, done);
    return status;
}

// Where the row's values go: behind those of the rows before it.
void Encoder::place_row(Tile &tile) const {
    for (size_t i = 0; i < plan_->tensors.size(); ++i) tile.at_[i] = tile.bases_[i] + tile.used_[i];
}

// Places of the row that is being appended, along the second size; 1 where the tensor has none.
int64_t Encoder::places_of(const Tile &tile, const TensorPlan &plan, int64_t length) const {
    switch (plan.kind) {
        case TensorPlan::Kind::scalars:
        case TensorPlan::Kind::lengths:
            return 1;
        case TensorPlan::Kind::sequences:
        case TensorPlan::Kind::length_mask:
            return length;
        case TensorPlan::Kind::text:
        case TensorPlan::Kind::text_mask:
            return plan.tokens == kTokens ? tile.row_tokens_[plan.text] : plan.tokens;
    }
    return 1;
}

// Lengths and masks of the row.
void Encoder::append_sizes(Tile &tile, int64_t length) const {
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        if (plan.kind == TensorPlan::Kind::lengths)
            put_index(plan.dtype, tile.at_[i], length);
        else if (plan.kind == TensorPlan::Kind::length_mask)
            put_mask(tile.at_[i], length, length);
        else if (plan.kind == TensorPlan::Kind::text_mask)
            put_mask(tile.at_[i], tile.row_tokens_[plan.text], places_of(tile, plan, length));
    }
}

// The row belongs to the tile from here on.
void Encoder::finish_row(Tile &tile, int64_t length) const {
    if (tile.rows_ == 0) {
        tile.length_ = length;
        if (!plan_->texts.empty()) tile.tokens_ = tile.row_tokens_;
    }
    ++tile.rows_;
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        const int64_t places = places_of(tile, plan, length), width = plan.width * bytes_of(plan.dtype);
        auto &size = tile.views_[i].shape.size;
        tile.used_[i] += places * width;
        const bool packed = tile.packed_by_ >= 0 && plan.has_own_places();
        size[0] = packed ? 1 : tile.rows_;
        if (plan.has_own_places()) size[1] = packed ? tile.used_[i] / width : places;
    }
    if (tile.packed_by_ >= 0) tile.offsets_.push_back(tile.views_[static_cast<size_t>(tile.packed_by_)].shape.size[1]);
}

}  // namespace weighbridge::lib
