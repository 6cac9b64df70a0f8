// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.hpp"
#include "feature/rfc3339.hpp"
#include "feature/row.hpp"
#include "feature/type_name.hpp"

namespace weighbridge::lib {

namespace {

// Longest part of a caller's text that a message repeats.
constexpr size_t kQuotedBytes = 48;

// `text` (valid UTF-8) in one line, cut between code points.
std::string shown(std::string_view text) {
    size_t end = text.size() < kQuotedBytes ? text.size() : kQuotedBytes;
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    std::string line(text.substr(0, end));
    for (char &c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return line;
}

// Takes the events of a JSON parser and keeps what they say beside the row until commit. Texts and elements are already
// written behind the used part of the tail, which is not part of the row before commit moves its end.
// Nothing nests deeper than an array in an object: anything deeper is of the wrong type and ends the parse.
class RowReader final : public nlohmann::json_sax<nlohmann::json> {
  public:
    RowReader(const Schema &schema, void *row) : schema_(schema), row_(static_cast<std::byte *>(row)) {
        auto header = load_unaligned<wb_row_header>(row_);
        capacity_ = header.capacity;
        used_ = header.used;
        seen_.resize(schema.features().size());
    }

    const Status &status() const { return status_; }

    void commit() {
        for (const Value &value : values_) {
            const Feature &feature = schema_.features()[value.feature];
            std::memcpy(row_ + feature.offset, value.bytes, value.size);
            wb_row_mark(row_, schema_.missing_offset(), value.feature, 0);
        }
        auto used = static_cast<uint32_t>(used_);
        std::memcpy(row_ + offsetof(wb_row_header, used), &used, sizeof used);
    }

    bool start_object(size_t) override {
        if (place_ != Place::top) return wrong("an object");
        place_ = Place::object;
        return true;
    }
    bool end_object() override { return true; }

    bool key(string_t &name) override {
        auto found = schema_.find(name);
        if (!found)
            return fail(Status::failure(WB_INVALID_INPUT, "no feature '{}'; near names: {}", shown(name),
                                        schema_.nearest(shown(name))));
        index_ = *found;
        feature_ = &schema_.features()[index_];
        if (seen_[index_]) return refuse(WB_INVALID_INPUT, "feature '{}': named twice in one object", feature_->name);
        seen_[index_] = true;
        return true;
    }

    bool start_array(size_t) override {
        if (place_ != Place::object || !feature_->sequence) return wrong("an array");
        place_ = Place::array;
        elements_.clear();
        return true;
    }
    bool end_array() override {
        place_ = Place::object;
        size_t bytes = elements_.size();
        int64_t element =
            feature_->type == StoredType::category ? size_of(CellType::spans) : size_of(cell_type_of(feature_->type));
        wb_span span{0, static_cast<uint32_t>(bytes / static_cast<size_t>(element))};
        return append(elements_.data(), bytes, span.offset) && store(&span, sizeof span);
    }

    bool null() override { return place_ == Place::object || wrong("null"); }

    bool boolean(bool value) override {
        if (!expects_value(feature_ && feature_->type == StoredType::boolean)) return wrong("a boolean");
        unsigned char byte = value ? 1 : 0;
        return put(&byte, 1);
    }

    bool number_integer(number_integer_t value) override {
        if (!expects_value(true)) return wrong("a number");
        switch (feature_->type) {
            case StoredType::float32:
            case StoredType::float64:
                return real(static_cast<double>(value), std::to_string(value));
            case StoredType::int64:
            case StoredType::code:
            case StoredType::timestamp:
                return put(&value, sizeof value);
            default:
                return wrong_number(std::to_string(value));
        }
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return number_integer(static_cast<int64_t>(value));
        return number_float(static_cast<double>(value), std::to_string(value));
    }
    bool number_float(number_float_t value, const string_t &text) override {
        if (!expects_value(true)) return wrong("a number");
        if (!is_floating()) return wrong_number(text);
        return real(value, text);
    }

    bool string(string_t &text) override {
        if (!expects_value(true)) return wrong("a string");
        switch (feature_->type) {
            case StoredType::category:
            case StoredType::text: {
                wb_span span{0, static_cast<uint32_t>(text.size())};
                return append(text.data(), text.size(), span.offset) && put(&span, sizeof span);
            }
            case StoredType::float32:
            case StoredType::float64:
                if (text == "NaN") return real(std::numeric_limits<double>::quiet_NaN(), text);
                if (text == "Infinity") return real(std::numeric_limits<double>::infinity(), text);
                if (text == "-Infinity") return real(-std::numeric_limits<double>::infinity(), text);
                return wrong("a string");
            case StoredType::timestamp:
                return time(text);
            default:
                return wrong("a string");
        }
    }
    bool binary(binary_t &) override { return wrong("binary data"); }

    // The parser's own message repeats the input, which may be private.
    bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception &error) override {
        constexpr int kNumberOverflow = 406;  // nlohmann's out_of_range.406
        if (error.id == kNumberOverflow && place_ != Place::top) return wrong("a number that no float64 holds");
        return fail(Status::failure(WB_INVALID_INPUT, "row: not valid JSON at byte {}", position));
    }

  private:
    enum class Place { top, object, array };
    struct Value {
        uint32_t feature;
        uint32_t size;
        std::byte bytes[8];
    };

    bool fail(Status status) {
        status_ = status;
        return false;
    }
    template <class... Args>
    bool refuse(int32_t code, fmt::format_string<Args...> format, Args &&...args) {
        return fail(
            Status::failure(code, format, std::forward<Args>(args)...).with_feature(static_cast<int32_t>(index_)));
    }
    bool wrong(std::string_view found) {
        if (place_ == Place::top)
            return fail(Status::failure(WB_INVALID_INPUT, "row: expected a JSON object, got {}", found));
        return refuse(WB_INVALID_INPUT, "feature '{}': expected {}, got {}{}", feature_->name, describe_type(*feature_),
                      found, place_ == Place::array ? " in its array" : "");
    }
    bool wrong_number(std::string_view text) {
        if (!feature_->privacy.empty()) return wrong("a number outside it");
        return wrong(shown(text));
    }

    // A scalar stands in the object, an element in an array.
    bool expects_value(bool right_type) const {
        return right_type && place_ == (feature_ && feature_->sequence ? Place::array : Place::object);
    }
    bool is_floating() const { return feature_->type == StoredType::float32 || feature_->type == StoredType::float64; }

    bool real(double value, std::string_view text) {
        if (feature_->type == StoredType::float64) return put(&value, sizeof value);
        auto narrow = static_cast<float>(value);
        if (std::isinf(narrow) && std::isfinite(value)) return wrong_number(text);
        return put(&narrow, sizeof narrow);
    }

    bool time(std::string_view text) {
        int64_t ticks = 0;
        std::string found = feature_->privacy.empty() ? shown(text) : "a value outside it";
        switch (parse_rfc3339(text, feature_->ticks_per_second, ticks)) {
            case TimeRead::ok:
                return put(&ticks, sizeof ticks);
            case TimeRead::malformed:
                return refuse(WB_INVALID_INPUT, "feature '{}': expected an integer or RFC 3339 with an offset, got {}",
                              feature_->name, found);
            case TimeRead::finer:
                return refuse(WB_INVALID_INPUT, "feature '{}': expected a time in whole {}, got {}", feature_->name,
                              unit_name(feature_->ticks_per_second), found);
            case TimeRead::overflow:
                return refuse(WB_INVALID_INPUT, "feature '{}': expected a time inside int64 in {}, got {}",
                              feature_->name, unit_name(feature_->ticks_per_second), found);
        }
        return false;
    }

    bool put(const void *value, size_t size) {
        if (place_ == Place::object) return store(value, size);
        const auto *bytes = static_cast<const std::byte *>(value);
        elements_.insert(elements_.end(), bytes, bytes + size);
        return true;
    }
    bool store(const void *value, size_t size) {
        Value &added = values_.emplace_back(Value{index_, static_cast<uint32_t>(size), {}});
        std::memcpy(added.bytes, value, size);
        return true;
    }

    // As wb_row_append.
    bool append(const void *data, size_t bytes, uint32_t &offset) {
        size_t at = (used_ + 7) & ~size_t{7};
        if (at > capacity_ || bytes > capacity_ - at)
            return refuse(WB_BUFFER_TOO_SMALL, "feature '{}': a row of {} bytes with {} in use has no room for {} more",
                          feature_->name, capacity_, used_, bytes);
        if (bytes) std::memcpy(row_ + at, data, bytes);
        used_ = at + bytes;
        offset = static_cast<uint32_t>(at);
        return true;
    }

    const Schema &schema_;
    std::byte *row_;
    size_t capacity_ = 0;
    size_t used_ = 0;
    Place place_ = Place::top;
    const Feature *feature_ = nullptr;  // named last
    uint32_t index_ = 0;
    std::vector<bool> seen_;
    std::vector<Value> values_;
    Bytes elements_;  // of the array that is being read
    Status status_;
};

}  // namespace

Status set_row_json(const Schema &schema, void *row, std::string_view json) {
    RowLock lock;
    if (Status taken = lock.take(schema, row); !taken.ok()) return taken;
    // The parser takes a NUL for the end of the input.
    if (size_t nul = json.find('\0'); nul != json.npos)
        return Status::failure(WB_INVALID_INPUT, "row: not valid JSON at byte {}", nul + 1);
    RowReader reader(schema, row);
    bool complete = nlohmann::json::sax_parse(json.data(), json.data() + json.size(), &reader);
    if (!complete) return reader.status();
    reader.commit();
    return {};
}

}  // namespace weighbridge::lib
