// SPDX-License-Identifier: Apache-2.0
#include "scan/pickle_types.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

using Kind = PickleValue::Kind;

using Types = std::vector<std::string_view>;

constexpr uint64_t kMostComparisons = 10'000'000;
constexpr size_t kLettersAsOne = 64;  // of a type that is taken apart

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
        if (!matches(values_.children[value.first + i], type)) return false;
    return true;
}

template <class Fields>
bool PickleTypes::fields_match(const PickleValue &value, const Fields &types) {
    if (value.kind != Kind::tuple || value.count != types.size()) return false;
    for (size_t i = 0; i < value.count; ++i)
        if (!matches(values_.children[value.first + i], types[i])) return false;
    return true;
}

// Gives a list or a dict its type. False where it has one already.
bool PickleTypes::hold(uint32_t place, std::string_view type) {
    std::string_view &held = values_.values[place].text;
    if (!held.empty()) return false;
    held = type;
    held_.push_back(place);
    return true;
}

// What is held as Any is looked at as what it says that it is: a list without a tag as one of Any.
bool PickleTypes::matches_any(uint32_t place) {
    if (++comparisons_ > kMostComparisons) return false;
    const PickleValue &value = values_.values[place];
    if (value.kind == Kind::global || value.kind == Kind::storage) return false;
    if (value.kind == Kind::list || value.kind == Kind::dict) {
        if (!hold(place, "Any")) return value.tagged || value.text == "Any";
    } else if (value.kind != Kind::tuple) {
        return true;
    }
    for (size_t i = 0; i < value.count; ++i)
        if (!matches_any(values_.children[value.first + i])) return false;
    return true;
}

// What a type that did not fit has noted is taken back.
bool PickleTypes::matches_one(uint32_t place, const Types &types) {
    const size_t before = held_.size();
    for (const std::string_view type : types) {
        if (matches(place, type)) return true;
        for (; held_.size() > before; held_.pop_back()) values_.values[held_.back()].text = {};
    }
    return false;
}

bool PickleTypes::matches_container(uint32_t place, std::string_view type, const TypeText &text) {
    const PickleValue &value = values_.values[place];
    const bool list = text.head == "List";
    if (value.kind != (list ? Kind::list : Kind::dict) || text.parts.size() != (list ? 1 : 2)) return false;
    if (!hold(place, type)) return value.text == type;
    return list ? all_match(value, 0, 1, text.parts[0])
                : all_match(value, 0, 2, text.parts[0]) && all_match(value, 1, 2, text.parts[1]);
}

bool PickleTypes::matches_class(const PickleValue &value, const TypeText &text) {
    const CodeClass *made = text.parts.empty() ? code_.find_class(text.head) : nullptr;
    if (!made) return false;
    if (made->kind == CodeClass::Kind::tuple) return fields_match(value, made->fields);
    const Kind expected = made->kind == CodeClass::Kind::enumeration ? Kind::enumeration : Kind::object;
    return value.kind == expected && value.text == text.head;
}

// Each type once: as many values as a pickle has may be held as the same long one.
const TypeText &PickleTypes::taken_apart(std::string_view type) {
    const auto found = taken_apart_.find(type);
    return found != taken_apart_.end() ? found->second : taken_apart_.emplace(type, split_type(type)).first->second;
}

bool PickleTypes::matches(uint32_t place, std::string_view type) {
    comparisons_ += 1 + type.size() / kLettersAsOne;
    if (comparisons_ > kMostComparisons || (comparisons_ % 64 == 0 && findings_.ended())) return false;
    const PickleValue &value = values_.values[place];
    const TypeText &text = taken_apart(type);
    for (const PlainType &plain : kPlainTypes)
        if (plain.name == text.head) return text.parts.empty() && value.kind == plain.kind;
    const size_t parts = text.parts.size();
    if (text.head == "Any") return parts == 0 && matches_any(place);
    if (text.head == "number")
        return value.kind == Kind::integer || value.kind == Kind::real || value.kind == Kind::complex;
    if (text.head == "Optional") return parts == 1 && (value.kind == Kind::none || matches(place, text.parts[0]));
    if (text.head == "Union") return matches_one(place, text.parts);
    if (text.head == "List" || text.head == "Dict") return matches_container(place, type, text);
    if (text.head == "Tuple") return fields_match(value, parts == 1 && text.parts[0] == "()" ? Types() : text.parts);
    return matches_class(value, text);
}

bool PickleTypes::tag(uint32_t place, std::string_view type) {
    PickleValue &value = values_.values[place];
    if ((value.kind != Kind::list && value.kind != Kind::dict) || !matches(place, *tags_.emplace(type).first))
        return false;
    value.tagged = true;
    return true;
}

}  // namespace weighbridge::lib
