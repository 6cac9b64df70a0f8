// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "feature/zone_rule.hpp"

// TZif, the format of zoneinfo files: RFC 8536, section 3.
namespace weighbridge::lib {
namespace {

constexpr size_t kHeaderBytes = 44, kTypeBytes = 6;

// Big-endian integer of `bytes` bytes.
uint64_t big_endian(std::string_view text, size_t at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(text[at + i]);
    return value;
}

struct Header {
    char version = 0;
    uint64_t utc_marks = 0, standard_marks = 0, leaps = 0, times = 0, types = 0, letters = 0;

    // Bytes of the data block, with times of `time_bytes`. At most 2^32 x 30: no overflow.
    uint64_t data_bytes(uint64_t time_bytes) const {
        return times * (time_bytes + 1) + types * kTypeBytes + letters + leaps * (time_bytes + 4) + standard_marks +
               utc_marks;
    }
};

Expected<Header> read_header(std::string_view text, size_t at) {
    if (text.size() - at < kHeaderBytes || text.substr(at, 4) != "TZif")
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected a header at byte {} of {}, got none", at,
                               text.size());
    const auto count = [&](size_t index) { return big_endian(text, at + 20 + 4 * index, 4); };
    return Header{text[at + 4], count(0), count(1), count(2), count(3), count(4), count(5)};
}

// Adds what changes the offset; the first time of a file may only repeat it.
void add(std::vector<Zone::Transition> &transitions, int32_t initial, Zone::Transition next) {
    const int32_t before = transitions.empty() ? initial : transitions.back().offset;
    if (next.offset != before) transitions.push_back(next);
}

}  // namespace

Expected<std::shared_ptr<const Zone>> Zone::from_tzif(ByteView file) {
    const std::string_view text = as_text(file);
    const auto first = read_header(text, 0);
    if (!first) return first.status();
    if (first->version < '2')
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected version 2 or later, got byte {:#04x}",
                               static_cast<uint8_t>(first->version));
    const uint64_t second = kHeaderBytes + first->data_bytes(4);
    if (second > text.size())
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected at least {} bytes, got {}", second, text.size());
    const auto header = read_header(text, second);
    if (!header) return header.status();
    const size_t data = second + kHeaderBytes;
    if (header->data_bytes(8) + 2 > text.size() - data)
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected at least {} bytes, got {}",
                               data + header->data_bytes(8) + 2, text.size());
    if (header->leaps > 0)
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected no leap seconds, got {}", header->leaps);
    if (header->types == 0)
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected at least 1 local time type, got 0");

    const size_t indices = data + header->times * 8, types = indices + header->times;
    const auto offset_of = [&](size_t type) {
        return static_cast<int32_t>(big_endian(text, types + type * kTypeBytes, 4));
    };
    int32_t initial = offset_of(0);
    std::vector<Transition> transitions;
    int64_t last = std::numeric_limits<int64_t>::min();
    for (size_t i = 0; i < header->times; ++i) {
        const auto at = static_cast<int64_t>(big_endian(text, data + i * 8, 8));
        const auto type = static_cast<uint8_t>(text[indices + i]);
        if (i > 0 && at <= last)
            return Status::failure(WB_INVALID_BUNDLE, "TZif file: time {}: expected one after {}, got {}", i, last, at);
        if (type >= header->types)
            return Status::failure(WB_INVALID_BUNDLE, "TZif file: time {}: expected a type below {}, got {}", i,
                                   header->types, type);
        last = at;
        add(transitions, initial, {at, offset_of(type)});
    }

    std::string_view footer = text.substr(data + header->data_bytes(8));
    const size_t end = footer.find('\n', 1);
    if (footer[0] != '\n' || end == std::string_view::npos)
        return Status::failure(WB_INVALID_BUNDLE, "TZif file: expected a footer between two newlines, got none");
    footer = footer.substr(1, end - 1);
    if (!footer.empty()) {
        const auto rule = ZoneRule::parse(footer);
        if (!rule)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "TZif file: expected a POSIX TZ rule as footer, got {} other bytes", footer.size());
        if (header->times == 0) initial = rule->offset_at(last);
        const int32_t before = transitions.empty() ? initial : transitions.back().offset;
        if (rule->offset_at(last) != before)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "TZif file: expected the footer to go on with offset {} at {}, got {}", before, last,
                                   rule->offset_at(last));
        for (const Transition &next : rule->transitions_after(last)) add(transitions, initial, next);
    }
    return table(initial, std::move(transitions));
}

}  // namespace weighbridge::lib
