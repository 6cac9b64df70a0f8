// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rows: one payment's features in the layout that the schema publishes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weighbridge/c/row.h"
#include "weighbridge/schema.hpp"
#include "weighbridge/value.hpp"

namespace weighbridge {
inline namespace v0 {

/// An encoded tensor, row-major, batch 1.
struct Tensor {
    wb_tensor_info info = {};
    std::vector<std::byte> data;

    std::span<const int64_t> shape() const noexcept { return {info.shape, static_cast<size_t>(info.rank)}; }

    /// The elements; T must be the type of info.dtype.
    template <class T>
    std::vector<T> values() const {
        std::vector<T> out(data.size() / sizeof(T));
        if (!out.empty()) std::memcpy(out.data(), data.data(), out.size() * sizeof(T));
        return out;
    }
};

/// A payment's features, in memory of its own. A setter is a type check and a write; memory is only had when texts and
/// sequences outgrow it, and is kept by clear(). Move-only, for one thread at a time; a moved-from row may only be
/// assigned to or destroyed.
class Row {
  public:
    /// An empty row: every feature is missing.
    /// @param tail_bytes  room for texts and sequences to begin with
    explicit Row(Schema schema, uint32_t tail_bytes = 512)
        : schema_(std::move(schema)), words_((size_t{schema_.info().fixed_bytes} + tail_bytes + 7) / 8) {
        clear();
    }
    Row(Row &&) noexcept = default;
    Row &operator=(Row &&) noexcept = default;
    Row(const Row &) = delete;
    Row &operator=(const Row &) = delete;

    /// Makes every feature missing again.
    void clear() noexcept {
        std::span<const std::byte> empty = schema_.empty_row();
        std::memcpy(words_.data(), empty.data(), empty.size());
        write_capacity();
    }

    /// Sets a feature to a number, bool, time of system_clock, text, or range of those. A number is rounded once to a
    /// float, goes to an integer where it is whole, and to a bool where it is 0 or 1. An empty optional, or nullopt,
    /// makes the feature missing. What was set before is replaced, though its bytes in the tail stay in use until
    /// clear().
    /// @return WB_INVALID_INPUT (names feature, expected and found); WB_INVALID_ARGUMENT (index)
    template <class V>
    Expected<void> set(uint32_t index, const V &value) {
        if (index >= schema_.features().size())
            return Error{WB_INVALID_ARGUMENT, "feature index: expected below " +
                                                  std::to_string(schema_.features().size()) + ", got " +
                                                  std::to_string(index)};
        const wb_feature_info &feature = schema_.features()[index];
        if constexpr (std::same_as<V, std::nullopt_t>) {
            wb_row_mark(data(), schema_.info().missing_offset, index, 1);
            return {};
        } else if constexpr (detail::is_optional<V>) {
            if (value) return set(index, *value);
            return set(index, std::nullopt);
        } else {
            static_assert(detail::Settable<V>, "a feature takes numbers, bools, times, texts, and ranges of those");
            bool fits = false;
            if constexpr (detail::Scalar<V>)
                fits = !feature.is_sequence && detail::store(data() + feature.offset, feature, value) > 0;
            else
                fits = set_span(feature, value);
            if (!fits) return detail::mismatch(feature, index, detail::given(feature, value));
            wb_row_mark(data(), schema_.info().missing_offset, index, 0);
            return {};
        }
    }

    /// The same by name. WB_NOT_FOUND where the schema has no such feature.
    template <class V>
    Expected<void> set(std::string_view name, const V &value) {
        auto index = schema_.find(name);
        if (!index) return std::move(index).error();
        return set(*index, value);
    }

    /// Sets features from a JSON object; wb_row_set_json has the rules. Grows where the texts need it.
    Expected<void> set_json(std::string_view json) {
        for (;;) {
            wb_row_header before = header();
            wb_error err = WB_ERROR_INIT;
            int32_t status = wb_row_set_json(schema_.get(), data(), json.data(), json.size(), &err);
            if (status >= 0) return {};
            if (status != WB_BUFFER_TOO_SMALL || !grow(words_.size() * 8)) return detail::error_of(status, err);
            wb_row_put(data(), offsetof(wb_row_header, used), &before.used, sizeof before.used);
        }
    }

    /// The features as a JSON object, for logs: values of features with a privacy class are "<redacted>", missing ones
    /// null (wb_row_get_json). @since 0.2
    Expected<std::string> json() {
        return detail::text_of(
            [this](wb_text **out, wb_error *err) { return wb_row_get_json(out, schema_.get(), data(), err); });
    }

    bool is_missing(uint32_t index) const noexcept {
        auto byte = std::to_integer<unsigned>(data()[schema_.info().missing_offset + index / 8]);
        return (byte >> (index % 8) & 1u) != 0;
    }

    /// Encodes tensor `index` from this row, exactly as scoring does.
    Expected<Tensor> encode(uint32_t index) {
        Tensor tensor;
        for (;;) {
            tensor.info = {};
            tensor.info.struct_size = sizeof tensor.info;
            wb_error err = WB_ERROR_INIT;
            int32_t status = wb_schema_encode(&tensor.info, schema_.get(), data(), index, tensor.data.data(),
                                              tensor.data.size(), &err);
            if (status == WB_BUFFER_TOO_SMALL && tensor.info.bytes > tensor.data.size()) {
                tensor.data.resize(tensor.info.bytes);
                continue;
            }
            if (status < 0) return detail::error_of(status, err);
            tensor.data.resize(tensor.info.bytes);
            return tensor;
        }
    }

    const Schema &schema() const noexcept { return schema_; }
    std::byte *data() noexcept { return reinterpret_cast<std::byte *>(words_.data()); }
    const std::byte *data() const noexcept { return reinterpret_cast<const std::byte *>(words_.data()); }
    wb_row_header header() const noexcept {
        wb_row_header header;
        std::memcpy(&header, data(), sizeof header);
        return header;
    }

  private:
    void write_capacity() noexcept {
        auto capacity = static_cast<uint32_t>(words_.size() * 8);
        wb_row_put(data(), offsetof(wb_row_header, capacity), &capacity, sizeof capacity);
    }

    bool grow(size_t more) {
        size_t words = words_.size() + std::max(more, words_.size() * 8) / 8 + 1;
        if (words > UINT32_MAX / 8) return false;
        words_.resize(words);
        write_capacity();
        return true;
    }

    /// Room in the tail, 8-aligned. Spans are relative to the row, so growing keeps them. @return 0 where 4 GiB end.
    uint32_t reserve(size_t bytes) {
        size_t at = (size_t{header().used} + 7) / 8 * 8;
        if (at + bytes > words_.size() * 8 && (bytes > UINT32_MAX || !grow(bytes))) return 0;
        auto used = static_cast<uint32_t>(at + bytes);
        wb_row_put(data(), offsetof(wb_row_header, used), &used, sizeof used);
        return static_cast<uint32_t>(at);
    }

    void put_span(uint32_t at, wb_span span) noexcept { wb_row_put(data(), at, &span, sizeof span); }

    std::optional<wb_span> append(std::string_view text) {
        uint32_t at = reserve(text.size());
        if (at == 0) return std::nullopt;
        if (!text.empty()) std::memcpy(data() + at, text.data(), text.size());
        return wb_span{at, static_cast<uint32_t>(text.size())};
    }

    template <class V>
    bool set_span(const wb_feature_info &feature, const V &value) {
        if constexpr (detail::Text<V>) {
            if (feature.is_sequence || !detail::is_text_type(feature.type)) return false;
            std::optional<wb_span> span = append(value);
            if (span) put_span(feature.offset, *span);
            return span.has_value();
        } else {
            if (!feature.is_sequence) return false;
            using Element = std::ranges::range_value_t<const V>;
            if (detail::is_text_type(feature.type) != detail::Text<Element>) return false;
            size_t size = std::ranges::size(value);
            size_t bytes = detail::element_bytes(feature.type, sizeof(wb_span));
            if (size > UINT32_MAX / bytes) return false;
            uint32_t first = reserve(size * bytes);
            if (first == 0 || !put_elements(feature, first, bytes, value)) return false;
            put_span(feature.offset, {first, static_cast<uint32_t>(size)});
            return true;
        }
    }

    template <class V>
    bool put_elements(const wb_feature_info &feature, uint32_t at, size_t bytes, const V &value) {
        for (const auto &element : value) {
            if constexpr (detail::Text<std::ranges::range_value_t<const V>>) {
                std::optional<wb_span> span = append(element);
                if (!span) return false;
                put_span(at, *span);
            } else {
                std::ranges::range_value_t<const V> number = element;
                if (detail::store(data() + at, feature, number) == 0) return false;
            }
            at += static_cast<uint32_t>(bytes);
        }
        return true;
    }

    Schema schema_;
    std::vector<uint64_t> words_;
};

/// Rows of one schema side by side, as a batch takes them. For one thread at a time.
class Rows {
  public:
    explicit Rows(Schema schema) : schema_(std::move(schema)), stride_(schema_.info().fixed_bytes) {}

    void clear() noexcept { size_ = 0; }

    /// Copies a row of the same schema to the end.
    void push_back(const Row &row) {
        size_t need = (size_t{row.header().used} + 7) / 8 * 8;
        if (need > stride_) restride(std::max(need, 2 * stride_));
        if ((size_ + 1) * stride_ > words_.size() * 8)
            words_.resize(std::max(2 * words_.size(), (size_ + 1) * stride_ / 8));
        std::memcpy(at(size_), row.data(), row.header().used);
        write_capacity(size_++);
    }

    std::byte *data() noexcept { return reinterpret_cast<std::byte *>(words_.data()); }
    int64_t stride() const noexcept { return static_cast<int64_t>(stride_); }
    size_t size() const noexcept { return size_; }
    const Schema &schema() const noexcept { return schema_; }

  private:
    std::byte *at(size_t i) noexcept { return data() + i * stride_; }
    void write_capacity(size_t i) noexcept {
        auto capacity = static_cast<uint32_t>(stride_);
        wb_row_put(at(i), offsetof(wb_row_header, capacity), &capacity, sizeof capacity);
    }
    void restride(size_t stride) {
        std::vector<uint64_t> wider(std::max<size_t>(size_, 1) * stride / 8);
        for (size_t i = 0; i < size_; ++i) std::memcpy(&wider[i * stride / 8], at(i), stride_);
        words_ = std::move(wider);
        stride_ = stride;
        for (size_t i = 0; i < size_; ++i) write_capacity(i);
    }

    Schema schema_;
    size_t stride_;
    size_t size_ = 0;
    std::vector<uint64_t> words_;
};

}  // namespace v0
}  // namespace weighbridge
