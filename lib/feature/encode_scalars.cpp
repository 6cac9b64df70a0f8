// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "feature/encoder.hpp"
#include "feature/tensor_write.hpp"

namespace weighbridge::lib {
namespace {

// Four at a time, written as vectors: compilers leave a loop over float comparisons, which may trap, as it is.
using Floats = float __attribute__((vector_size(16)));
using Masks = int32_t __attribute__((vector_size(16)));

// Bit i is set where value i is not in [least[i], most[i]]; the ends are finite, so that NaN and infinity never are.
uint64_t outside(const float *values, const float *least, const float *most, uint32_t count) {
    uint32_t i = 0;
    Masks inside = {-1, -1, -1, -1};
    for (; i + 4 <= count; i += 4) {
        const auto value = load_unaligned<Floats>(values + i);
        inside &= (value >= load_unaligned<Floats>(least + i)) & (value <= load_unaligned<Floats>(most + i));
    }
    bool all = (inside[0] & inside[1] & inside[2] & inside[3]) != 0;
    for (; i < count; ++i) all &= values[i] >= least[i] && values[i] <= most[i];
    if (all) [[likely]]
        return 0;
    uint64_t found = 0;
    for (i = 0; i < count; ++i) found |= static_cast<uint64_t>(!(values[i] >= least[i] && values[i] <= most[i])) << i;
    return found;
}

// Bit i is set where value i is not in [0, last[i]]. The sign of v | (last - v), in arithmetic that wraps, says so: it
// is v's own where v is negative, and nothing wraps where it is not.
uint64_t outside(const int64_t *values, const int64_t *last, uint32_t count) {
    uint64_t wrong = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const auto value = static_cast<uint64_t>(values[i]);
        wrong |= value | (static_cast<uint64_t>(last[i]) - value);
    }
    if (wrong >> 63 == 0) [[likely]]
        return 0;
    uint64_t found = 0;
    for (uint32_t i = 0; i < count; ++i) found |= static_cast<uint64_t>(values[i] < 0 || values[i] > last[i]) << i;
    return found;
}

}  // namespace

Status Encoder::append_scalars(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes) const {
    const bool repeats = tile.sharing_ && tile.rows_ > 0;
    for (const ScalarRun &run : repeats ? tile.own_ : plan_->runs) {
        if (!run.plain) {
            for (size_t i = 0; i < run.count; ++i) {
                Status status = append_scalar(tile, run.first + i, source, row, notes);
                if (!status.ok()) [[unlikely]]
                    return status;
            }
            continue;
        }
        for (uint64_t left = copy_plain(tile, run, source, row); left != 0; left &= left - 1) {
            const auto i = static_cast<size_t>(std::countr_zero(left));
            Status status = append_scalar(tile, run.first + i, source, row, notes);
            if (!status.ok()) [[unlikely]]
                return status;
        }
    }
    return Status();
}

// Copies the run's values and checks the copies. Bit i of the answer is set where scalar run.first + i is yet
// to be encoded, by itself, which has the words for what is wrong and the defaults for what is missing.
uint64_t Encoder::copy_plain(Tile &tile, const ScalarRun &run, const RowSource &source, int64_t row) const {
    const FeaturePlan &first = plan_->scalars[run.first];
    const ValuePlace &target = first.targets[0];
    std::byte *at = tile.at_[target.tensor] + target.offset;
    const uint64_t all = run.count == 64 ? ~uint64_t{0} : (uint64_t{1} << run.count) - 1;
    if (target.dtype == DType::float32) {
        const uint64_t left = source.copy(CellType::f32, first.value.feature, run.count, row, at) & all;
        return left | outside(reinterpret_cast<const float *>(at), &plan_->least[run.first], &plan_->most[run.first],
                              run.count);
    }
    const uint64_t left = source.copy(CellType::i64, first.value.feature, run.count, row, at) & all;
    return left | outside(reinterpret_cast<const int64_t *>(at), &plan_->last[run.first], run.count);
}

Status Encoder::append_scalar(Tile &tile, size_t scalar, const RowSource &source, int64_t row, RowNotes &notes) const {
    const FeaturePlan &plan = plan_->scalars[scalar];
    const ValuePlan &value = plan.value;
    RowNotes &counted = tile.shared_[value.feature] != 0 ? tile.shared_notes_ : notes;
    Cell cell;
    Status status = source.cell(value.feature, row, cell);
    if (!status.ok()) [[unlikely]]
        return status;
    Encoded own;
    const Encoded *encoded = &own;
    bool missing = cell.missing;
    if (!missing) {
        CellRead read = CellRead::ok;
        Fault fault = value.encode(cell, 0, own, read);
        if (fault != Fault::none) [[unlikely]] {
            missing = fault == Fault::nan && plan.nan_is_missing;
            if (!missing) return explain(schema_->features()[value.feature], value, fault, read, cell, -1);
        }
    }
    if (missing) {
        if (!plan.optional) return absent(schema_->features()[value.feature], value.feature);
        encoded = &plan.default_value;
        ++counted.defaulted;
    } else {
        counted.clipped += own.clipped ? 1 : 0;
    }
    for (const ValuePlace &target : plan.targets)
        put_value(value, target, tile.at_[target.tensor] + target.offset, *encoded);
    return Status();
}

void Encoder::share(Tile &tile, const RowSource &source) const {
    tile.sharing_ = false;
    for (uint32_t i = 0; i < tile.shared_.size(); ++i) {
        tile.shared_[i] = source.shared(i) ? 1 : 0;
        tile.sharing_ |= tile.shared_[i] != 0;
    }
    if (!tile.sharing_) return;
    tile.own_.clear();
    for (const ScalarRun &run : plan_->runs) {
        bool joins = false;  // the last of own_
        for (uint32_t i = run.first; i < run.first + run.count; ++i) {
            const bool own = tile.shared_[plan_->scalars[i].value.feature] == 0;
            if (own && joins)
                ++tile.own_.back().count;
            else if (own)
                tile.own_.push_back({i, 1, run.plain});
            joins = own;
        }
    }
    tile.copied_.clear();
    for (const Piece &piece : plan_->pieces) {
        if (tile.shared_[piece.feature] == 0) continue;
        Piece *before = tile.copied_.empty() ? nullptr : &tile.copied_.back();
        if (before != nullptr && before->tensor == piece.tensor && before->offset + before->bytes == piece.offset)
            before->bytes += piece.bytes;
        else
            tile.copied_.push_back(piece);
    }
}

// From the tile's first row to the one that is being appended.
void Encoder::copy_shared(Tile &tile, int64_t length) const {
    for (const Piece &piece : tile.copied_) {
        const std::byte *from = tile.bases_[piece.tensor] + piece.offset;
        std::byte *to = tile.at_[piece.tensor] + piece.offset;
        int64_t times = piece.sequence ? length : 1, bytes = piece.bytes;
        if (bytes == piece.stride) {
            bytes *= times;
            times = bytes > 0 ? 1 : 0;
        }
        for (int64_t i = 0; i < times; ++i)
            std::memcpy(to + i * piece.stride, from + i * piece.stride, static_cast<size_t>(bytes));
    }
}

}  // namespace weighbridge::lib
