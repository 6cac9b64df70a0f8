// SPDX-License-Identifier: Apache-2.0
#include "feature/unicode.hpp"

#include <algorithm>
#include <iterator>

namespace weighbridge::lib::unicode {
namespace {

// All tables ascend and their ranges do not overlap. Both ends of a range belong to it.
struct Range {
    char32_t first, last;
};
struct MarkRange {
    char32_t first, last;
    uint8_t order, nonspacing;
};
struct CaseRange {
    char32_t first, last, step, target;  // first, first + step, ... last become target, target + step, ...
};
struct BaseFormRow {
    char32_t first, to[3];  // `to` ends at its first 0
};

#include "feature/unicode_tables.inc"

// Hangul syllables (The Unicode Standard, section 3.12): 19 leading consonants x 21 vowels x 28 trailing ones or none.
constexpr char32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;
constexpr char32_t kLeading = 0x1100, kVowel = 0x1161, kBeforeTrailing = 0x11A7;

// The last row that starts at or before `point`, or null.
template <class Row, size_t N>
const Row *row_before(const Row (&table)[N], char32_t point) {
    const Row *after = std::upper_bound(std::begin(table), std::end(table), point,
                                        [](char32_t wanted, const Row &row) { return wanted < row.first; });
    return after == std::begin(table) ? nullptr : after - 1;
}

template <class Row, size_t N>
const Row *row_of(const Row (&table)[N], char32_t point) {
    const Row *row = row_before(table, point);
    return row && point <= row->last ? row : nullptr;
}

}  // namespace

bool is_dropped(char32_t point) { return row_of(kDropped, point); }
bool is_space(char32_t point) { return row_of(kSpaces, point); }
bool is_ideograph(char32_t point) { return row_of(kIdeographs, point); }
bool is_punctuation(char32_t point) { return row_of(kPunctuation, point); }

Mark mark(char32_t point) {
    const MarkRange *row = row_of(kMarks, point);
    return row ? Mark{row->order, row->nonspacing != 0} : Mark{};
}

BaseForm base_form(char32_t point) {
    if (point >= kHangulFirst && point <= kHangulLast) {
        const char32_t index = point - kHangulFirst, trailing = index % 28;
        return {{kLeading + index / 588, kVowel + index % 588 / 28, kBeforeTrailing + trailing},
                static_cast<uint8_t>(trailing ? 3 : 2)};
    }
    const BaseFormRow *row = row_before(kBaseForms, point);
    if (!row || row->first != point) return {{point, 0, 0}, 1};
    BaseForm form{{row->to[0], row->to[1], row->to[2]}, 0};
    while (form.length < 3 && form.points[form.length]) ++form.length;
    return form;
}

char32_t lower(char32_t point, char32_t &extra) {
    extra = 0;
    if (point == 0x130) {
        extra = 0x307;
        return 'i';
    }
    const CaseRange *row = row_of(kLower, point);
    if (!row || (point - row->first) % row->step) return point;
    return row->target + (point - row->first);
}

}  // namespace weighbridge::lib::unicode
