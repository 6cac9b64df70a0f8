// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/json_text.hpp"
#include "feature/decimal.hpp"
#include "feature/rfc3339.hpp"
#include "feature/row.hpp"
#include "feature/type_name.hpp"

namespace weighbridge::lib {

namespace {

// Longest part of a caller's text that a message repeats.
constexpr size_t kQuotedBytes = 48;

// What stands for an element that truncation drops and that could not be read. A model that looks at it all the same,
// as its limit is a longer one, finds NaN, no boolean, a span outside the row, or, of integers, the lowest.
constexpr std::array<unsigned char, 16> kNoValue = {255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 128};

// `text` (valid UTF-8) in one line, cut between code points.
std::string shown(std::string_view text) {
    size_t end = text.size() < kQuotedBytes ? text.size() : kQuotedBytes;
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    std::string line(text.substr(0, end));
    for (char &c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return line;
}

// Takes the events of a JSON text and keeps what they say beside the row until commit. Texts and elements are already
// written behind the used part of the tail, which is not part of the row before commit moves its end.
// Nothing nests deeper than an array in an object: anything deeper is of the wrong type and ends the reading.
class RowReader final : public JsonEvents {
  public:
    RowReader(const Schema &schema, void *row, int64_t longest)
        : schema_(schema), row_(static_cast<std::byte *>(row)), longest_(longest) {
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

    bool start_object() override {
        if (place_ != Place::top) return wrong("an object");
        place_ = Place::object;
        return true;
    }
    bool end_object() override { return true; }

    bool key(std::string_view name) override {
        auto found = schema_.find(name);
        if (!found)
            return fail(Status::failure(WB_INVALID_INPUT, "no feature '{}'; near names: {}", shown(name),
                                        schema_.nearest(shown(name))));
        index_ = *found;
        feature_ = &schema_.features()[index_];
        if (seen_[index_]) return refuse("feature '{}': named twice in one object", feature_->name);
        seen_[index_] = true;
        return true;
    }

    bool start_array() override {
        if (place_ != Place::object || !feature_->sequence) return wrong("an array");
        place_ = Place::array;
        elements_.clear();
        count_ = 0;
        cut_ = feature_->encoding.empty() ? nullptr : std::get_if<Truncate>(&feature_->encoding.front());
        last_wrong_ = -1;
        return true;
    }
    bool end_array() override {
        place_ = Place::object;
        if (last_wrong_ >= 0 && last_wrong_ >= count_ - longest_) return fail(wrong_);
        wb_span span{0, static_cast<uint32_t>(count_)};
        return append(elements_.data(), elements_.size(), span.offset) && store(&span, sizeof span);
    }

    bool null() override { return place_ == Place::object || wrong("null"); }

    bool boolean(bool value) override {
        if (!expects_value() || feature_->type != StoredType::boolean) return wrong("a boolean");
        unsigned char byte = value ? 1 : 0;
        return put(&byte, 1);
    }

    bool number(std::string_view text) override {
        if (!expects_value()) return wrong("a number");
        switch (feature_->type) {
            case StoredType::float32: {
                float value = 0;
                return read_decimal(text, value) ? put(&value, sizeof value) : wrong_number(text);
            }
            case StoredType::float64: {
                double value = 0;
                return read_decimal(text, value) ? put(&value, sizeof value) : wrong_number(text);
            }
            case StoredType::boolean: {
                int64_t value = 0;
                if (!read_decimal(text, value) || (value != 0 && value != 1)) return wrong_number(text);
                return boolean(value == 1);
            }
            case StoredType::int64:
            case StoredType::code:
            case StoredType::timestamp: {
                int64_t value = 0;
                return read_decimal(text, value) ? put(&value, sizeof value) : wrong_number(text);
            }
            case StoredType::category:
            case StoredType::text:
                break;
        }
        return wrong_number(text);
    }

    bool string(std::string_view text) override {
        if (!expects_value()) return wrong("a string");
        double named = 0;
        float narrow = 0;
        switch (feature_->type) {
            case StoredType::category:
            case StoredType::text: {
                wb_span span{0, static_cast<uint32_t>(text.size())};
                return append(text.data(), text.size(), span.offset) && put(&span, sizeof span);
            }
            case StoredType::float32:
            case StoredType::float64:
                if (!read_named_number(text, named)) return wrong_text(text);
                if (feature_->type == StoredType::float64) return put(&named, sizeof named);
                narrow = static_cast<float>(named);
                return put(&narrow, sizeof narrow);
            case StoredType::timestamp:
                return time(text);
            default:
                return wrong_text(text);
        }
    }

  private:
    enum class Place { top, object, array };
    struct Value {
        uint32_t feature;
        uint32_t size;
        std::byte bytes[8];
    };

    bool fail(const Status &status) {
        status_ = status;
        return false;
    }
    template <class... Values>
    bool refuse(TextFormat<Values...> format, const Values &...values) {
        Status status = Status::failure(WB_INVALID_INPUT, format, values...);
        return fail(status.with_feature(static_cast<int32_t>(index_)));
    }
    // A value that cannot be the feature's. An element is refused only where truncation leaves it in.
    template <class... Values>
    bool refuse_value(TextFormat<Values...> format, const Values &...values) {
        refuse(format, values...);
        if (!cut_ || place_ != Place::array) return false;
        if (!cut_->keep_tail && count_ < longest_) return false;
        if (cut_->keep_tail) {
            last_wrong_ = count_;
            wrong_ = status_;
        }
        return put(kNoValue.data() + (is_integer() ? 8 : 0), static_cast<size_t>(element_bytes()));
    }
    bool wrong(std::string_view found, std::string_view hint = "") {
        if (place_ == Place::top)
            return fail(Status::failure(WB_INVALID_INPUT, "row: expected a JSON object, got {}", found));
        return refuse_value("feature '{}': expected {}, got {}{}{}", feature_->name, describe_type(*feature_), found,
                            place_ == Place::array ? " in its array" : "", hint);
    }
    bool wrong_number(std::string_view text) {
        if (feature_->privacy.empty()) return wrong(shown(text));
        if (feature_->type == StoredType::category || feature_->type == StoredType::text) return wrong("a number");
        double value = 0;
        const bool fraction = is_integer() && read_decimal(text, value) && value != std::trunc(value);
        return wrong(fraction ? "a number that is not whole" : "a number outside it");
    }
    bool wrong_text(std::string_view text) {
        std::string_view hint;
        if (feature_->type == StoredType::boolean)
            hint = "; write true or false";
        else if (text.find(',') != text.npos)
            hint = "; write a point, and nothing between thousands";
        if (!feature_->privacy.empty()) return wrong("a string", hint);
        return wrong("\"" + shown(text) + "\"", hint);
    }

    // A scalar stands in the object, an element in an array.
    bool expects_value() const { return feature_ && place_ == (feature_->sequence ? Place::array : Place::object); }

    bool time(std::string_view text) {
        int64_t ticks = 0;
        std::string found = feature_->privacy.empty() ? shown(text) : "another string";
        const std::string_view unit = unit_name(feature_->ticks_per_second);
        switch (parse_rfc3339(text, feature_->ticks_per_second, ticks)) {
            case TimeRead::ok:
                return put(&ticks, sizeof ticks);
            case TimeRead::malformed:
                return refuse_value(
                    "feature '{}': expected an integer or RFC 3339 with an offset (2026-11-01T12:30:00Z), got {}",
                    feature_->name, found);
            case TimeRead::leap_second:
                return refuse_value(
                    "feature '{}': expected seconds up to 59 (a leap second has no number: write the second before), "
                    "got {}",
                    feature_->name, found);
            case TimeRead::finer:
                return refuse_value("feature '{}': expected a time in whole {}, got {}", feature_->name, unit, found);
            case TimeRead::overflow:
                return refuse_value("feature '{}': expected a time inside int64 in {}, got {}", feature_->name, unit,
                                    found);
        }
        return false;
    }

    bool is_integer() const { return cell_type_of(feature_->type) == CellType::i64; }
    int64_t element_bytes() const {
        return feature_->type == StoredType::category ? size_of(CellType::spans)
                                                      : size_of(cell_type_of(feature_->type));
    }

    bool put(const void *value, size_t size) {
        if (place_ == Place::object) return store(value, size);
        const auto *bytes = static_cast<const std::byte *>(value);
        elements_.insert(elements_.end(), bytes, bytes + size);
        ++count_;
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
            return fail(Status::failure(WB_BUFFER_TOO_SMALL,
                                        "feature '{}': a row of {} bytes with {} in use has no room for {} more",
                                        feature_->name, capacity_, used_, bytes)
                            .with_feature(static_cast<int32_t>(index_)));
        if (bytes) std::memcpy(row_ + at, data, bytes);
        used_ = at + bytes;
        offset = static_cast<uint32_t>(at);
        return true;
    }

    const Schema &schema_;
    std::byte *row_;
    const int64_t longest_;
    size_t capacity_ = 0;
    size_t used_ = 0;
    Place place_ = Place::top;
    const Feature *feature_ = nullptr;  // named last
    uint32_t index_ = 0;
    std::vector<bool> seen_;
    std::vector<Value> values_;
    Status status_;
    // Of the array that is being read:
    Bytes elements_;
    int64_t count_ = 0;
    const Truncate *cut_ = nullptr;
    int64_t last_wrong_ = -1;  // the last element that only truncation may excuse, where the tail is kept
    Status wrong_;             // what is wrong with it
};

}  // namespace

Status set_row_json(const Schema &schema, void *row, std::string_view json, int64_t longest) {
    RowLock lock;
    if (Status taken = lock.take(schema, row); !taken.ok()) return taken;
    RowReader reader(schema, row, longest);
    const JsonRead read = read_json(json, reader);
    if (read.end == JsonRead::End::stopped) return reader.status();
    if (read.end == JsonRead::End::malformed)
        return Status::failure(WB_INVALID_INPUT, "row: not valid JSON at byte {}", read.position + 1);
    reader.commit();
    return {};
}

}  // namespace weighbridge::lib
