// SPDX-License-Identifier: Apache-2.0
#include "feature/encoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "feature/encoder_plan.hpp"
#include "tensor/fence.hpp"

namespace weighbridge::lib {
namespace {

// Tensors begin on whole cache lines.
constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t bytes_of(DType dtype) { return static_cast<int64_t>(size_of(dtype)); }

template <class T>
void put(std::byte *at, T value) {
    std::memcpy(at, &value, sizeof value);
}

void put_number(DType dtype, std::byte *at, double value) {
    if (dtype == DType::float32)
        put(at, static_cast<float>(value));
    else
        put(at, value);
}

void put_index(DType dtype, std::byte *at, int64_t index) {
    switch (dtype) {
        case DType::float32:
            return put(at, static_cast<float>(index));
        case DType::float64:
            return put(at, static_cast<double>(index));
        case DType::int64:
            return put(at, index);
        case DType::int32:
            return put(at, static_cast<int32_t>(index));
        case DType::boolean:
            return put(at, static_cast<uint8_t>(index));
    }
}

void put_value(const ValuePlan &plan, const Target &target, std::byte *at, const Encoded &value) {
    switch (plan.result) {
        case ValuePlan::Result::number:
            return put_number(target.dtype, at, value.number[0]);
        case ValuePlan::Result::cyclic:
            put_number(target.dtype, at, value.number[0]);
            return put_number(target.dtype, at + bytes_of(target.dtype), value.number[1]);
        case ValuePlan::Result::index:
        case ValuePlan::Result::tokens:
            return put_index(target.dtype, at, value.index);
    }
}

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

Status absent(const Feature &feature, uint32_t index) {
    return Status::failure(WB_INVALID_INPUT, "feature '{}': expected a value, got none", feature.name)
        .with_feature(static_cast<int32_t>(index));
}

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

Tile Encoder::make_homeless_tile(int64_t max_rows) const {
    Tile tile;
    tile.max_rows_ = max_rows;
    size_t features = schema_->features().size();
    tile.ids_.reserve(static_cast<size_t>(most_tokens()));
    tile.tokens_.resize(features);
    tile.row_tokens_.resize(features);
    tile.at_.resize(tensors_.size());
    tile.bases_.resize(tensors_.size());
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
        if (tile.rows_ > 0 && length != tile.length_) {
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
    place_row(tile, length);
    Status status = append_scalars(tile, source, row, notes);
    if (status.ok() && !plan_->sequences.empty()) status = append_sequences(tile, source, row, length, notes);
    if (status.ok() && !plan_->texts.empty()) status = append_texts(tile, source, row, notes, done);
    return status;
}

// Where the row's values go in the tensors whose rows have a size that is known before the texts are.
void Encoder::place_row(Tile &tile, int64_t length) const {
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        int64_t elements = 0;
        switch (plan.kind) {
            case TensorPlan::Kind::scalars:
                elements = plan.width;
                break;
            case TensorPlan::Kind::sequences:
                elements = plan.width * length;
                break;
            case TensorPlan::Kind::lengths:
                elements = 1;
                break;
            case TensorPlan::Kind::length_mask:
                elements = length;
                break;
            case TensorPlan::Kind::text:
            case TensorPlan::Kind::text_mask:
                continue;
        }
        tile.at_[i] = tile.bases_[i] + tile.rows_ * elements * bytes_of(plan.dtype);
    }
}

Status Encoder::append_scalars(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes) const {
    const bool repeats = tile.sharing_ && tile.rows_ > 0;
    for (const Stretch &stretch : repeats ? tile.own_ : plan_->stretches) {
        if (!stretch.plain) {
            for (size_t i = 0; i < stretch.count; ++i) {
                Status status = append_scalar(tile, stretch.first + i, source, row, notes);
                if (!status.ok()) [[unlikely]]
                    return status;
            }
            continue;
        }
        for (uint64_t left = copy_plain(tile, stretch, source, row); left != 0; left &= left - 1) {
            const auto i = static_cast<size_t>(std::countr_zero(left));
            Status status = append_scalar(tile, stretch.first + i, source, row, notes);
            if (!status.ok()) [[unlikely]]
                return status;
        }
    }
    return Status();
}

// Copies the stretch's values and checks the copies. Bit i of the answer is set where scalar stretch.first + i is yet
// to be encoded, by itself, which has the words for what is wrong and the defaults for what is missing.
uint64_t Encoder::copy_plain(Tile &tile, const Stretch &stretch, const RowSource &source, int64_t row) const {
    const FeaturePlan &first = plan_->scalars[stretch.first];
    const Target &target = first.targets[0];
    std::byte *at = tile.at_[target.tensor] + target.offset;
    const uint64_t all = stretch.count == 64 ? ~uint64_t{0} : (uint64_t{1} << stretch.count) - 1;
    if (target.dtype == DType::float32) {
        const uint64_t left = source.copy(CellType::f32, first.value.feature, stretch.count, row, at) & all;
        return left | outside(reinterpret_cast<const float *>(at), &plan_->least[stretch.first],
                              &plan_->most[stretch.first], stretch.count);
    }
    const uint64_t left = source.copy(CellType::i64, first.value.feature, stretch.count, row, at) & all;
    return left | outside(reinterpret_cast<const int64_t *>(at), &plan_->last[stretch.first], stretch.count);
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
    for (const Target &target : plan.targets)
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
    for (const Stretch &stretch : plan_->stretches) {
        bool joins = false;  // the last of own_
        for (uint32_t i = stretch.first; i < stretch.first + stretch.count; ++i) {
            const bool own = tile.shared_[plan_->scalars[i].value.feature] == 0;
            if (own && joins)
                ++tile.own_.back().count;
            else if (own)
                tile.own_.push_back({i, 1, stretch.plain});
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
            for (const Target &target : plan.targets)
                put_value(value, target, tile.at_[target.tensor] + i * target.stride + target.offset, encoded);
        }
        counted.clipped += encoded.clipped ? 1 : 0;
    }
    return Status();
}

Status Encoder::append_texts(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes, Append &done) const {
    Cell cell;
    for (const FeaturePlan &plan : plan_->texts) {
        const ValuePlan &value = plan.value;
        const Feature &feature = schema_->features()[value.feature];
        const bool shared = tile.shared_[value.feature] != 0;
        if (shared && tile.rows_ > 0) {
            copy_text(tile, plan);
            continue;
        }
        RowNotes &counted = shared ? tile.shared_notes_ : notes;
        Status status = source.cell(value.feature, row, cell);
        if (!status.ok()) [[unlikely]]
            return status;
        std::string_view text;
        if (cell.missing) {
            if (!plan.optional) return absent(feature, value.feature);
            text = feature.missing->text;
            ++counted.defaulted;
        } else {
            CellRead read = CellRead::ok;
            Encoded none;
            Fault fault = value.encode(cell, 0, none, read);
            if (fault == Fault::none) read = read_text(cell, 0, text);
            if (fault != Fault::none) [[unlikely]]
                return explain(feature, value, fault, read, cell, -1);
        }
        tile.ids_.clear();
        value.tokeniser->encode(text, value.max_tokens, tile.ids_, tile.scratch_);
        int64_t tokens = static_cast<int64_t>(tile.ids_.size());
        if (tokens > value.max_tokens)
            return Status::failure(WB_INTERNAL, "feature '{}': expected at most {} tokens, got {}", feature.name,
                                   value.max_tokens, tokens)
                .with_feature(static_cast<int32_t>(value.feature));
        if (plan.own_tokens && tile.rows_ > 0 && tokens != tile.tokens_[value.feature]) {
            done = Append::other_shape;
            return Status();
        }
        tile.row_tokens_[value.feature] = tokens;
        for (const Target &target : plan.targets) {
            int64_t fixed = plan_->tensors[target.tensor].tokens;
            int64_t size = fixed == kTokens ? tokens : fixed;
            std::byte *at = tile.bases_[target.tensor] + tile.rows_ * size * target.stride;
            for (int64_t i = 0; i < size; ++i)
                put_index(target.dtype, at + i * target.stride,
                          i < tokens ? tile.ids_[static_cast<size_t>(i)] : value.tokeniser->pad_id());
        }
    }
    return Status();
}

// From the tile's first row to the one that is being appended, with the same number of tokens.
void Encoder::copy_text(Tile &tile, const FeaturePlan &plan) const {
    tile.row_tokens_[plan.value.feature] = tile.tokens_[plan.value.feature];
    for (const Target &target : plan.targets) {
        const int64_t fixed = plan_->tensors[target.tensor].tokens;
        const int64_t bytes = (fixed == kTokens ? tile.tokens_[plan.value.feature] : fixed) * target.stride;
        std::byte *first = tile.bases_[target.tensor];
        if (bytes > 0) std::memcpy(first + tile.rows_ * bytes, first, static_cast<size_t>(bytes));
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

// Lengths and masks of the row.
void Encoder::append_sizes(Tile &tile, int64_t length) const {
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        if (plan.kind == TensorPlan::Kind::lengths) {
            put_index(plan.dtype, tile.at_[i], length);
        } else if (plan.kind == TensorPlan::Kind::length_mask) {
            put_mask(tile.at_[i], length, length);
        } else if (plan.kind == TensorPlan::Kind::text_mask) {
            int64_t tokens = tile.row_tokens_[plan.text];
            int64_t size = plan.tokens == kTokens ? tokens : plan.tokens;
            put_mask(tile.bases_[i] + tile.rows_ * size, tokens, size);
        }
    }
}

// The row belongs to the tile from here on. The first row decides the sizes.
void Encoder::finish_row(Tile &tile, int64_t length) const {
    if (tile.rows_ == 0) {
        tile.length_ = length;
        if (!plan_->texts.empty()) tile.tokens_ = tile.row_tokens_;
    }
    ++tile.rows_;
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
        const TensorPlan &plan = plan_->tensors[i];
        auto &size = tile.views_[i].shape.size;
        size[0] = tile.rows_;
        if (plan.kind == TensorPlan::Kind::sequences || plan.kind == TensorPlan::Kind::length_mask)
            size[1] = length;
        else if (plan.tokens == kTokens)
            size[1] = tile.tokens_[plan.text];
    }
}

}  // namespace weighbridge::lib
