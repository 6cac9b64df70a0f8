// SPDX-License-Identifier: Apache-2.0
// What is wrong with a value, in one line.
#include <algorithm>
#include <cmath>

#include "base/utf8.hpp"
#include "feature/value_plan.hpp"
#include "feature/vocabulary.hpp"

namespace weighbridge::lib {
namespace {

using Words = Line<160>;

// A key as a message shows it: at most kShown bytes, control characters as '?'.
void add_key(Words &line, std::string_view key) {
    constexpr size_t kShown = 48;
    size_t end = std::min(key.size(), kShown);
    while (end > 0 && end < key.size() && (static_cast<unsigned char>(key[end]) & 0xC0) == 0x80) --end;
    line.add("'");
    for (char c : key.substr(0, end)) line.add("{}", static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
    line.add("{}", end < key.size() ? "...'" : "'");
}

void add_range(Words &line, const Feature &feature, const ValuePlan &plan) {
    if (!plan.ranged) return;
    bool integer = plan.kind == ValuePlan::Kind::integer;
    if (integer)
        line.add(" in [{}, {}]", plan.least_integer, plan.most_integer);
    else
        line.add(" in [{}, {}]", feature.minimum.value_or(-HUGE_VAL), feature.maximum.value_or(HUGE_VAL));
}

void add_value(Words &line, const ValuePlan &plan, const Cell &cell, int64_t index) {
    switch (plan.kind) {
        case ValuePlan::Kind::floating: {
            double x = 0;
            if (read_double(cell, index, x) == CellRead::ok) line.add("{}", x);
            break;
        }
        case ValuePlan::Kind::key:
        case ValuePlan::Kind::text: {
            std::string_view key;
            if (read_text(cell, index, key) == CellRead::ok) add_key(line, key);
            break;
        }
        default: {
            int64_t value = 0;
            if (read_int64(cell, index, value) == CellRead::ok) line.add("{}", value);
        }
    }
}

// What was wanted, beginning with the type that the caller hands in.
void add_expected(Words &line, const Feature &feature, const ValuePlan &plan, Fault fault) {
    std::string_view type = feature.type == StoredType::code ? "int64" : name_of(feature.type);
    switch (fault) {
        case Fault::none:
        case Fault::unreadable:
            line.add("{}", type);
            break;
        case Fault::nan:
        case Fault::infinite:
        case Fault::outside:
            line.add("{}{}", fault == Fault::outside ? "" : "finite ", type);
            add_range(line, feature, plan);
            break;
        case Fault::unknown_key:
            if (plan.lookup == ValuePlan::Lookup::identity)
                line.add("a code in [0, {})", plan.indices);
            else
                line.add("one of the {} keys of its vocabulary", plan.vocabulary->size());
            break;
        case Fault::not_utf8:
            line.add("UTF-8");
            break;
        case Fault::too_long:
            line.add("a {} of at most {} bytes", type, plan.most_bytes);
            break;
        case Fault::too_large:
            line.add("a value whose encoding is finite");
            break;
    }
}

void add_unreadable(Words &line, CellRead read, const Cell &cell) {
    const std::string_view name = cell.type == CellType::arrow ? "number" : name_of(cell.type);
    switch (read) {
        case CellRead::missing:
            line.add("none");
            break;
        case CellRead::wrong_type:
            line.add("{}", name_of(cell.type));
            break;
        case CellRead::out_of_range:
            line.add("a {} outside it", name);
            break;
        case CellRead::inexact:
            line.add("a {} that it cannot hold exactly", name);
            break;
        case CellRead::ok:
        case CellRead::damaged:
            line.add("an element outside the memory that was given");
            break;
    }
}

}  // namespace

Status explain(const Feature &feature, const ValuePlan &plan, Fault fault, CellRead read, const Cell &cell,
               int64_t element) {
    Words expected, got;
    add_expected(expected, feature, plan, fault);
    int64_t index = std::max<int64_t>(element, 0);
    if (read == CellRead::damaged && cell.type == CellType::arrow && cell.nested != nullptr) {
        // The source of the element says it better.
        Cell nested;
        if (Status status = cell.nested->cell(0, cell.first + index, nested); !status.ok()) return status;
    }
    if (fault == Fault::unreadable) {
        add_unreadable(got, read, cell);
    } else if (fault == Fault::nan) {
        got.add("NaN");
    } else if (fault == Fault::not_utf8) {
        std::string_view text;
        if (read_text(cell, index, text) == CellRead::ok) got.add("a bad byte at {}", utf8_error(text));
    } else if (fault == Fault::too_long) {
        std::string_view text;
        if (read_text(cell, index, text) == CellRead::ok) got.add("{}", text.size());
    } else if (!feature.privacy.empty()) {
        got.add("a value outside it");
    } else {
        add_value(got, plan, cell, index);
    }
    Words place;
    if (element >= 0) place.add(", element {}", element);
    return Status::failure(WB_INVALID_INPUT, "feature '{}'{}: expected {}, got {}", feature.name, place.view(),
                           expected.view(), got.view())
        .with_feature(static_cast<int32_t>(plan.feature));
}

}  // namespace weighbridge::lib
