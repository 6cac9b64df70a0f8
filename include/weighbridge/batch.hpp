// SPDX-License-Identifier: Apache-2.0
/// @file
/// Batches: many rows scored by one call, from rows, columns, or the members of structs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weighbridge/c/batch.h"
#include "weighbridge/row.hpp"
#include "weighbridge/value.hpp"

namespace weighbridge {
inline namespace v0 {

/// What became of a batch's rows and who scored them; c/batch.h documents the fields. A plain value.
struct BatchResult : wb_batch_result {
    BatchResult() noexcept : wb_batch_result(WB_BATCH_RESULT_INIT) {}
    bool is_partial() const noexcept { return status == WB_OK_PARTIAL; }
    std::string_view bundle_version() const noexcept { return version; }
};

/// What became of rows that were encoded; c/batch.h documents the fields. A plain value.
struct BatchEncoding : wb_batch_encoding {
    BatchEncoding() noexcept : wb_batch_encoding(WB_BATCH_ENCODING_INIT) {}
    bool is_partial() const noexcept { return status == WB_OK_PARTIAL; }
};

/// Any number of rows to be scored, and what became of them, by row. Move-only, for one thread at a time.
/// Rows and columns lie in the caller's memory, which must stay until reset() or the batch's end.
class Batch {
  public:
    static Expected<Batch> create(Schema schema) {
        auto handle = detail::made<wb_batch, wb_batch_free>(
            [&](wb_batch **out, wb_error *err) { return wb_batch_create(out, schema.get(), err); });
        if (!handle) return std::move(handle).error();
        return Batch(std::move(schema), *std::move(handle));
    }

    /// Another batch of the same rows or columns, with the same window, for another thread; its results are the same
    /// memory. Until either is reset: threads must not score windows that share rows. Columns that were gathered from
    /// structs are kept by both.
    Expected<Batch> copy() const {
        auto handle = detail::made<wb_batch, wb_batch_free>(
            [&](wb_batch **out, wb_error *err) { return wb_batch_copy(out, get(), err); });
        if (!handle) return std::move(handle).error();
        Batch made(schema_, *std::move(handle));
        made.size_ = size_;
        made.owned_ = owned_;
        made.results_ = results_;
        return made;
    }

    /// Forgets columns, rows and results, and sets the number of rows; the window is all of them.
    Expected<void> reset(size_t rows) {
        return detail::done([&](wb_error *err) {
            int32_t status = wb_batch_reset(get(), static_cast<int64_t>(rows), err);
            if (status < 0) return status;
            size_ = rows;
            for (auto &owned : owned_) owned.reset();
            if (results_.use_count() > 1) results_ = std::make_shared<Results>();
            return place_results(err);
        });
    }

    /// Sets which rows the next calls work on: [first, first + rows). Results keep their places, by row of the batch.
    /// @return WB_INVALID_ARGUMENT (rows beyond the batch)
    Expected<void> window(size_t first, size_t rows) {
        return detail::done([&](wb_error *err) {
            return wb_batch_set_window(get(), static_cast<int64_t>(first), static_cast<int64_t>(rows), err);
        });
    }

    /// Resets to these rows.
    Expected<void> rows(Rows &rows) {
        auto done = reset(rows.size());
        if (!done || rows.size() == 0) return done;
        return detail::done([&](wb_error *err) { return wb_batch_set_rows(get(), rows.data(), rows.stride(), err); });
    }

    /// One feature's values as they are stored (c/batch.h). Stride 0 shares one value among all rows.
    Expected<void> column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity = nullptr) {
        return detail::done(
            [&](wb_error *err) { return wb_batch_set_column(get(), feature, data, stride, validity, err); });
    }

    /// One feature's values of any element type (WB_ELEMENT_*), read where they are; row 0's validity is bit
    /// `validity_offset`. wb_batch_set_column_as has the rule of conversion.
    Expected<void> column_as(uint32_t feature, int32_t element_type, const void *data, int64_t stride,
                             const uint8_t *validity = nullptr, int64_t validity_offset = 0) {
        return detail::done([&](wb_error *err) {
            return wb_batch_set_column_as(get(), feature, element_type, data, stride, validity, validity_offset, err);
        });
    }

    /// One feature from a member of each struct. Numbers and bools are read where they are; of texts and of sequences
    /// of numbers in one piece the places are noted; optional members, times and other sequences are copied. One struct
    /// for each row.
    /// @return WB_INVALID_ARGUMENT (number of structs); WB_INVALID_INPUT (the C++ type is not the feature's)
    template <class T, class M>
    Expected<void> column(uint32_t feature, std::span<const T> structs, M T::*member) {
        if (structs.size() != size_)
            return Error{WB_INVALID_ARGUMENT, "structs: expected " + std::to_string(size_) + " for the rows, got " +
                                                  std::to_string(structs.size())};
        if (feature >= owned_.size())
            return Error{WB_INVALID_ARGUMENT, "feature index: expected below " + std::to_string(owned_.size()) +
                                                  ", got " + std::to_string(feature)};
        const wb_feature_info &info = schema_.features()[feature];
        if (!detail::binds<M>(info))
            return detail::mismatch(info, feature, "a member of " + detail::cpp_type_name<M>());
        if (structs.empty()) return {};
        if constexpr (detail::Scalar<M>) {
            constexpr int32_t element = detail::element_type<M>();
            if (element != WB_ELEMENT_STORED)
                return column_as(feature, element, &(structs[0].*member), int64_t{sizeof(T)});
        }
        return copy_column(feature, info, structs, member);
    }

    /// The same by name.
    template <class T, class M>
    Expected<void> column(std::string_view name, std::span<const T> structs, M T::*member) {
        auto index = schema_.find(name);
        if (!index) return std::move(index).error();
        return column(*index, structs, member);
    }

    /// An Arrow array (C data interface); nothing is copied and neither struct is released.
    Expected<void> arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array) {
        return detail::done([&](wb_error *err) { return wb_batch_set_arrow(get(), feature, &type, &array, err); });
    }

    /// Every column from an Arrow struct array, such as a record batch, by name; as wb_batch_set_arrow_rows.
    Expected<void> arrow_rows(const ArrowSchema &type, const ArrowArray &array) {
        return detail::done([&](wb_error *err) { return wb_batch_set_arrow_rows(get(), &type, &array, err); });
    }

    /// Where output `index` goes: row i's floats at data + i * stride bytes. nullptr ends it. Kept by reset().
    Expected<void> output(uint32_t index, float *data, int64_t stride) {
        return detail::done([&](wb_error *err) { return wb_batch_set_output(get(), index, data, stride, err); });
    }

    /// Where encode() writes tensor `index`, the window's rows one behind the other, and which of their elements are
    /// theirs: a byte for each place of a length or of tokens. nullptr ends it. Kept by reset(), not copied.
    Expected<void> tensor(uint32_t index, void *buffer, size_t bytes, std::span<uint8_t> mask = {}) {
        return detail::done([&](wb_error *err) {
            return wb_batch_set_tensor(get(), index, buffer, bytes, mask.data(), mask.size(), err);
        });
    }

    /// Encodes the window into its tensors, exactly as scoring does, padded to `length` elements of sequences and to
    /// `tokens` of texts; with no tensors placed it says what the longest row needs. Refused rows are zeros.
    /// @return WB_BUFFER_TOO_SMALL (a buffer, or a row that is longer; the message has both numbers)
    Expected<BatchEncoding> encode(size_t length = 0, size_t tokens = 0) {
        BatchEncoding encoding;
        auto done = detail::done([&](wb_error *err) {
            return wb_batch_encode(&encoding, get(), static_cast<int64_t>(length), static_cast<int64_t>(tokens), err);
        });
        if (!done) return std::move(done).error();
        return encoding;
    }

    /// Checks one row as scoring would, and says what is wrong with it.
    Expected<void> check(size_t row) {
        return detail::done([&](wb_error *err) { return wb_batch_check(get(), static_cast<int64_t>(row), err); });
    }

    /// What scoring wrote, by row. Valid until reset(). A row with an error has NaN, NaN and -1.
    std::span<const double> scores() const noexcept { return {results_->scores.data(), size_}; }
    std::span<const double> probabilities() const noexcept { return {results_->probabilities.data(), size_}; }
    std::span<const int32_t> bands() const noexcept { return {results_->bands.data(), size_}; }
    /// WB_OK, WB_OK_FALLBACK, or the row's error code.
    std::span<const int32_t> statuses() const noexcept { return {results_->statuses.data(), size_}; }
    /// WB_REASON_*.
    std::span<const int32_t> reasons() const noexcept { return {results_->reasons.data(), size_}; }
    /// The feature that an error is about, -1 for none.
    std::span<const int32_t> blamed() const noexcept { return {results_->blamed.data(), size_}; }
    /// Index of the device that ran, 0 for the CPU; -1 where none did.
    std::span<const int32_t> devices() const noexcept { return {results_->devices.data(), size_}; }

    size_t size() const noexcept { return size_; }
    const Schema &schema() const noexcept { return schema_; }
    wb_batch *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_batch, wb_batch_free>;

    /// Values that had to be gathered: elements of columns, their validity, elements of sequences, texts of sequences.
    struct Owned {
        std::vector<std::byte> values;
        std::vector<uint8_t> validity;
        std::vector<std::byte> elements;
    };

    struct Results {
        std::vector<double> scores, probabilities;
        std::vector<int32_t> bands, statuses, reasons, blamed, devices;
    };

    Batch(Schema schema, Handle handle)
        : schema_(std::move(schema)), handle_(std::move(handle)), owned_(schema_.features().size()) {}

    int32_t place_results(wb_error *err) {
        int32_t status = WB_OK;
        auto place = [&](int32_t column, auto &values) {
            if (values.size() < size_) values.resize(size_);
            if (status >= 0) status = wb_batch_set_result(get(), column, values.data(), sizeof values[0], err);
        };
        if (size_ == 0) return status;
        place(WB_COLUMN_SCORE, results_->scores);
        place(WB_COLUMN_PROBABILITY, results_->probabilities);
        place(WB_COLUMN_BAND, results_->bands);
        place(WB_COLUMN_STATUS, results_->statuses);
        place(WB_COLUMN_REASON, results_->reasons);
        place(WB_COLUMN_FEATURE, results_->blamed);
        place(WB_COLUMN_DEVICE, results_->devices);
        return status;
    }

    template <class T, class M>
    Expected<void> copy_column(uint32_t feature, const wb_feature_info &info, std::span<const T> structs,
                               M T::*member) {
        auto kept = std::make_shared<Owned>();
        Owned &owned = *kept;
        bool views = info.is_sequence || detail::is_text_type(info.type);
        size_t bytes = views ? sizeof(wb_view) : detail::element_bytes(info.type, sizeof(wb_view));
        owned.values.resize(structs.size() * bytes);
        owned.validity.assign(structs.size() / 8 + 1, 0xff);
        size_t inner = 0;  // bytes of gathered elements, had at once so that views of them stay true
        for (const T &one : structs) inner += inner_bytes(info, one.*member);
        owned.elements.resize(inner);
        inner = 0;
        for (size_t i = 0; i < structs.size(); ++i) {
            const M &value = structs[i].*member;
            std::byte *out = owned.values.data() + i * bytes;
            bool fits = true;
            if constexpr (detail::is_optional<M>) {
                if (value)
                    fits = put_value(owned, inner, info, out, *value);
                else
                    owned.validity[i / 8] = static_cast<uint8_t>(owned.validity[i / 8] & ~(1u << (i % 8)));
            } else {
                fits = put_value(owned, inner, info, out, value);
            }
            if (!fits) {
                Error error = detail::mismatch(info, feature, detail::cpp_type_name<M>() + " out of range");
                error.row = static_cast<int64_t>(i);
                return error;
            }
        }
        auto done = column_as(feature, place_type<M>(), owned.values.data(), static_cast<int64_t>(bytes),
                              owned.validity.data());
        if (done) owned_[feature] = std::move(kept);
        return done;
    }

    /// What the elements of a sequence are where they are read in place, else WB_ELEMENT_STORED.
    template <class V>
    static constexpr int32_t place_type() noexcept {
        if constexpr (detail::is_optional<V>) {
            return place_type<typename V::value_type>();
        } else if constexpr (detail::Sequence<V> && std::ranges::contiguous_range<const V>) {
            return detail::element_type<std::ranges::range_value_t<const V>>();
        } else {
            return WB_ELEMENT_STORED;
        }
    }

    template <class V>
    static size_t inner_bytes(const wb_feature_info &info, const V &value) {
        if constexpr (detail::is_optional<V>) {
            return value ? inner_bytes(info, *value) : 0;
        } else if constexpr (detail::Sequence<V>) {
            size_t bytes = detail::element_bytes(info.type, sizeof(wb_view));
            return place_type<V>() != WB_ELEMENT_STORED ? 0 : (std::ranges::size(value) * bytes + 7) / 8 * 8;
        } else {
            return 0;
        }
    }

    template <class V>
    static bool put_value(Owned &owned, size_t &inner, const wb_feature_info &info, std::byte *out, const V &value) {
        if constexpr (detail::Text<V>) {
            std::string_view text = value;
            put_view(out, text.data(), text.size());
            return true;
        } else if constexpr (detail::Scalar<V>) {
            return detail::store(out, info, value) > 0;
        } else {
            if constexpr (place_type<V>() != WB_ELEMENT_STORED) {
                put_view(out, std::ranges::data(value), std::ranges::size(value));
                return true;
            }
            std::byte *at = owned.elements.data() + inner;
            put_view(out, at, std::ranges::size(value));
            size_t bytes = detail::element_bytes(info.type, sizeof(wb_view));
            for (const auto &element : value) {
                if constexpr (detail::Text<std::ranges::range_value_t<const V>>) {
                    put_value(owned, inner, info, at, element);
                } else {
                    std::ranges::range_value_t<const V> one = element;
                    if (!put_value(owned, inner, info, at, one)) return false;
                }
                at += bytes;
            }
            inner += inner_bytes(info, value);
            return true;
        }
    }

    static void put_view(std::byte *out, const void *data, size_t size) noexcept {
        wb_view view = {data, static_cast<int64_t>(size)};
        std::memcpy(out, &view, sizeof view);
    }

    Schema schema_;
    Handle handle_;
    size_t size_ = 0;
    std::vector<std::shared_ptr<const Owned>> owned_;                 // by feature
    std::shared_ptr<Results> results_ = std::make_shared<Results>();  // shared with copies
};

}  // namespace v0
}  // namespace weighbridge
