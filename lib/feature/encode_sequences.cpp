// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "feature/encoder.hpp"
#include "feature/tensor_write.hpp"

namespace weighbridge::lib {

Status Encoder::append_sequences(Tile &tile, const RowSource &source, int64_t row, int64_t length,
                                 RowNotes &notes) const {
    Cell cell;
    for (const FeaturePlan &plan : plan_->sequences) {
        const ValuePlan &value = plan.value;
        const bool shared = tile.shared_[value.feature] != 0;
        if (shared && tile.rows_ > 0) continue;
        RowNotes &counted = shared ? tile.shared_notes_ : notes;
        Status status = source.cell(value.feature, row, cell);
        if (!status.ok()) [[unlikely]]
            return status;
        int64_t count = cell.missing ? 0 : cell.count;
        if (count < length) [[unlikely]]  // row_length saw another: the caller writes to the row meanwhile
            return Status::failure(WB_INVALID_INPUT, "feature '{}': expected {} elements as before, got {}",
                                   schema_->features()[value.feature].name, length, count)
                .with_feature(static_cast<int32_t>(value.feature));
        if (cell.missing) {
            ++counted.defaulted;
            continue;
        }
        int64_t begin = plan_->keep_tail ? count - length : 0;
        Encoded encoded;
        for (int64_t i = 0; i < length; ++i) {
            CellRead read = CellRead::ok;
            Fault fault = value.encode(cell, begin + i, encoded, read);
            if (fault != Fault::none) [[unlikely]]
                return explain(schema_->features()[value.feature], value, fault, read, cell, begin + i);
            for (const ValuePlace &target : plan.targets)
                put_value(value, target, tile.at_[target.tensor] + i * target.stride + target.offset, encoded);
        }
        counted.clipped += encoded.clipped ? 1 : 0;
    }
    return Status();
}

// The text of a row; where it is missing what stands for it, and `defaulted` is set.
Status Encoder::text_of(const FeaturePlan &plan, const RowSource &source, int64_t row, std::string_view &text,
                        bool &defaulted) const {
    Cell cell;
    const ValuePlan &value = plan.value;
    const Feature &feature = schema_->features()[value.feature];
    Status status = source.cell(value.feature, row, cell);
    if (!status.ok()) [[unlikely]]
        return status;
    defaulted = cell.missing;
    if (cell.missing) {
        if (!plan.optional) return absent(feature, value.feature);
        text = feature.missing->text;
        return {};
    }
    CellRead read = CellRead::ok;
    Encoded none;
    const Fault fault = value.encode(cell, 0, none, read);
    if (fault == Fault::none) read = read_text(cell, 0, text);
    if (fault != Fault::none) [[unlikely]]
        return explain(feature, value, fault, read, cell, -1);
    return {};
}

bool Encoder::has_shapes() const {
    return !plan_->sequences.empty() || std::any_of(plan_->texts.begin(), plan_->texts.end(),
                                                    [](const FeaturePlan &text) { return text.own_tokens; });
}

uint64_t Encoder::shape(const RowSource &source, int64_t row, ShapeScratch &scratch) const {
    int64_t length = 0;
    if (!row_length(source, row, length).ok()) return 0;
    auto key = static_cast<uint64_t>(length);
    for (const FeaturePlan &plan : plan_->texts) {
        std::string_view text;
        bool defaulted = false;
        if (!plan.own_tokens) continue;
        if (!text_of(plan, source, row, text, defaulted).ok()) return 0;
        scratch.ids.clear();
        plan.value.tokeniser->encode(text, plan.value.max_tokens, scratch.ids, scratch.words);
        key = key * (kMostTokens + 1) + scratch.ids.size();
    }
    return key;
}

Status Encoder::append_texts(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes, Append &done) const {
    for (const FeaturePlan &plan : plan_->texts) {
        const ValuePlan &value = plan.value;
        const Feature &feature = schema_->features()[value.feature];
        const bool shared = tile.shared_[value.feature] != 0;
        if (shared && tile.rows_ > 0) {
            copy_text(tile, plan);
            continue;
        }
        RowNotes &counted = shared ? tile.shared_notes_ : notes;
        std::string_view text;
        bool defaulted = false;
        if (Status status = text_of(plan, source, row, text, defaulted); !status.ok()) [[unlikely]]
            return status;
        counted.defaulted += defaulted ? 1 : 0;
        tile.ids_.clear();
        value.tokeniser->encode(text, value.max_tokens, tile.ids_, tile.scratch_);
        int64_t tokens = static_cast<int64_t>(tile.ids_.size());
        if (tokens > value.max_tokens)
            return Status::failure(WB_INTERNAL, "feature '{}': expected at most {} tokens, got {}", feature.name,
                                   value.max_tokens, tokens)
                .with_feature(static_cast<int32_t>(value.feature));
        if (plan.own_tokens && tile.rows_ > 0 && tile.packed_by_ < 0 && tokens != tile.tokens_[value.feature]) {
            done = Append::other_shape;
            return Status();
        }
        tile.row_tokens_[value.feature] = tokens;
        for (const ValuePlace &target : plan.targets) {
            int64_t fixed = plan_->tensors[target.tensor].tokens;
            int64_t size = fixed == kTokens ? tokens : fixed;
            std::byte *at = tile.at_[target.tensor];
            for (int64_t i = 0; i < size; ++i)
                put_index(target.dtype, at + i * target.stride,
                          i < tokens ? tile.ids_[static_cast<size_t>(i)] : value.tokeniser->pad_id());
        }
    }
    return Status();
}

// From the tile's first row to the one that is being appended, which has the same tokens.
void Encoder::copy_text(Tile &tile, const FeaturePlan &plan) const {
    tile.row_tokens_[plan.value.feature] = tile.tokens_[plan.value.feature];
    for (const ValuePlace &target : plan.targets) {
        const int64_t fixed = plan_->tensors[target.tensor].tokens;
        const int64_t bytes = (fixed == kTokens ? tile.tokens_[plan.value.feature] : fixed) * target.stride;
        if (bytes > 0) std::memcpy(tile.at_[target.tensor], tile.bases_[target.tensor], static_cast<size_t>(bytes));
    }
}

void Encoder::put_padding(size_t tensor, std::byte *out, int64_t bytes) const {
    if (bytes == 0) return;
    std::memset(out, 0, static_cast<size_t>(bytes));
    const TensorPlan &plan = plan_->tensors[tensor];
    if (plan.kind != TensorPlan::Kind::text) return;
    for (const FeaturePlan &text : plan_->texts)
        for (int64_t at = 0; text.value.feature == plan.text && at < bytes; at += bytes_of(plan.dtype))
            put_index(plan.dtype, out + at, text.value.tokeniser->pad_id());
}

}  // namespace weighbridge::lib
