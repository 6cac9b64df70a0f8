// SPDX-License-Identifier: Apache-2.0
#include "scan/pickle_types.hpp"

#include <algorithm>

#include "scan/types.hpp"

namespace weighbridge::lib {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t kMostComparisons = 10'000'000;

struct PlainType {
    std::string_view name;
    Kind kind;
};
constexpr PlainType kPlainTypes[] = {
    {"Tensor", Kind::tensor},      {"int", Kind::integer},    {"float", Kind::real},
    {"bool", Kind::boolean},       {"str", Kind::text},       {"None", Kind::none},
    {"NoneType", Kind::none},      {"Device", Kind::device},  {"complex", Kind::complex},
    {"ScalarType", Kind::integer}, {"Layout", Kind::integer}, {"MemoryFormat", Kind::integer},
};

}  // namespace

bool PickleTypes::all_match(const PickleValue &value, size_t first, size_t step, std::string_view type) {
    for (size_t i = first; i < value.count; i += step)
        if (!matches(values_.child(value, i), type)) return false;
    return true;
}

bool PickleTypes::matches(const PickleValue &value, std::string_view type) {
    if (++comparisons_ > kMostComparisons) return false;
    const TypeText text = split_type(type);
    for (const PlainType &plain : kPlainTypes)
        if (plain.name == text.head) return text.parts.empty() && value.kind == plain.kind;
    const size_t parts = text.parts.size();
    if (text.head == "Any") return parts == 0 && value.kind != Kind::global && value.kind != Kind::storage;
    if (text.head == "number")
        return value.kind == Kind::integer || value.kind == Kind::real || value.kind == Kind::complex;
    if (text.head == "Optional") return parts == 1 && (value.kind == Kind::none || matches(value, text.parts[0]));
    if (text.head == "Union")
        return std::any_of(text.parts.begin(), text.parts.end(),
                           [&](std::string_view one) { return matches(value, one); });
    if (text.head == "List") return parts == 1 && value.kind == Kind::list && all_match(value, 0, 1, text.parts[0]);
    if (text.head == "Dict")
        return parts == 2 && value.kind == Kind::dict && all_match(value, 0, 2, text.parts[0]) &&
               all_match(value, 1, 2, text.parts[1]);
    if (text.head == "Tuple") {
        const bool empty = parts == 1 && text.parts[0] == "()";
        if (value.kind != Kind::tuple || value.count != (empty ? 0 : parts)) return false;
        for (size_t i = 0; i < value.count; ++i)
            if (!matches(values_.child(value, i), text.parts[i])) return false;
        return true;
    }
    const CodeClass *made = code_.find_class(text.head);
    if (!made) return false;
    if (made->kind == CodeClass::Kind::tuple) {
        if (value.kind != Kind::tuple || value.count != made->fields.size()) return false;
        for (size_t i = 0; i < value.count; ++i)
            if (!matches(values_.child(value, i), made->fields[i])) return false;
        return true;
    }
    const Kind expected = made->kind == CodeClass::Kind::enumeration ? Kind::enumeration : Kind::object;
    return value.kind == expected && value.text == text.head;
}

}  // namespace weighbridge::lib
