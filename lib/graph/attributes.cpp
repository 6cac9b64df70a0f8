// SPDX-License-Identifier: Apache-2.0
#include "graph/attributes.hpp"

#include <optional>
#include <type_traits>

#include "graph/operator.hpp"

namespace weighbridge::lib {
namespace {

// A fill's number is `integer` where it is of int64, else `value`.
bool present(const NamedAttribute &attribute, const Attributes &attributes) {
    const bool integer = attributes.dtype == DType::int64;
    if (attribute.member == NamedAttribute::Member(&Attributes::value)) return !integer;
    if (attribute.member == NamedAttribute::Member(&Attributes::integer)) return integer;
    return true;
}

// Visitor over an operator's own attributes: visit(name, member) gets a reference into `attributes`, and ends the visit
// by false.
template <class Any, class Visit>
bool each_attribute(Op op, Any &attributes, Visit &&visit) {
    for (const NamedAttribute *attribute : operator_of(op).attributes()) {
        if (!present(*attribute, attributes)) continue;
        const bool more =
            std::visit([&](auto member) { return visit(attribute->name, attributes.*member); }, attribute->member);
        if (!more) return false;
    }
    return true;
}

std::optional<DType> known(int64_t number, DType) {
    for (DType dtype : {DType::float32, DType::float64, DType::int64, DType::int32, DType::boolean})
        if (number == static_cast<int64_t>(dtype)) return dtype;
    return std::nullopt;
}
std::optional<Activation> known(int64_t number, Activation) {
    return number >= 0 && number < kActivations ? std::optional(static_cast<Activation>(number)) : std::nullopt;
}
std::optional<Range> known(int64_t number, Range) {
    return number >= 0 && number < kRanges ? std::optional(static_cast<Range>(number)) : std::nullopt;
}
std::optional<Recurrence> known(int64_t number, Recurrence) {
    return number >= 0 && number < kRecurrences ? std::optional(static_cast<Recurrence>(number)) : std::nullopt;
}
std::optional<bool> known(int64_t number, bool) {
    return number == 0 || number == 1 ? std::optional(number == 1) : std::nullopt;
}
std::optional<int64_t> known(int64_t number, int64_t) { return number; }

// A cursor in each of the three lists.
class Taker {
  public:
    explicit Taker(const AttributeLists &from) : from_(from) {}

    // Empty on success, else what was expected and what was found.
    template <class T>
    std::string take(T &to) {
        if (ints_ == from_.ints.size()) return "expected an int, found none";
        const int64_t number = from_.ints[ints_++];
        const auto found = known(number, to);
        if (!found) return formatted("expected a number that it can be, found {}", number);
        to = *found;
        return {};
    }
    std::string take(double &to) {
        if (reals_ == from_.reals.size()) return "expected a real, found none";
        to = from_.reals[reals_++];
        return {};
    }
    std::string take(Extent &to) {
        if (extents_ == from_.extents.size()) return "expected an extent, found none";
        to = from_.extents[extents_++];
        return {};
    }
    std::string take(std::vector<int64_t> &to) {
        to.assign(from_.ints.begin() + static_cast<ptrdiff_t>(ints_), from_.ints.end());
        ints_ = from_.ints.size();
        return {};
    }
    std::string take(Extents &to) {
        to.assign(from_.extents.begin() + static_cast<ptrdiff_t>(extents_), from_.extents.end());
        extents_ = from_.extents.size();
        return {};
    }
    bool finished() const {
        return ints_ == from_.ints.size() && reals_ == from_.reals.size() && extents_ == from_.extents.size();
    }

  private:
    const AttributeLists &from_;
    size_t ints_ = 0, reals_ = 0, extents_ = 0;  // taken
};

template <class T>
std::string text_of(const T &value) {
    if constexpr (std::is_same_v<T, Extent> || std::is_same_v<T, Extents>) {
        return to_string(value);
    } else if constexpr (std::is_same_v<T, DType>) {
        return std::string(name_of(value));
    } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
        std::string text;
        for (int64_t number : value) text += formatted("{}{}", text.empty() ? "[" : ", ", number);
        return text.empty() ? "[]" : text + "]";
    } else if constexpr (std::is_same_v<T, double>) {
        return formatted("{:g}", value);
    } else {
        return formatted("{}", static_cast<int64_t>(value));
    }
}

}  // namespace

AttributeLists lists_of(Op op, const Attributes &attributes) {
    AttributeLists lists;
    each_attribute(op, attributes, [&](std::string_view, const auto &value) {
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<T, double>)
            lists.reals.push_back(value);
        else if constexpr (std::is_same_v<T, Extent>)
            lists.extents.push_back(value);
        else if constexpr (std::is_same_v<T, Extents>)
            lists.extents.insert(lists.extents.end(), value.begin(), value.end());
        else if constexpr (std::is_same_v<T, std::vector<int64_t>>)
            lists.ints.insert(lists.ints.end(), value.begin(), value.end());
        else
            lists.ints.push_back(static_cast<int64_t>(value));
        return true;
    });
    return lists;
}

Expected<Attributes> attributes_of(Op op, const AttributeLists &lists) {
    if (!find_operator(op))
        return Status::failure(WB_INVALID_BUNDLE, "expected a known operator, found number {}",
                               static_cast<uint32_t>(op));
    Attributes attributes;
    Taker taker(lists);
    Status failure;
    each_attribute(op, attributes, [&](std::string_view name, auto &value) {
        const std::string wrong = taker.take(value);
        if (!wrong.empty()) failure = Status::failure(WB_INVALID_BUNDLE, "{}: {}: {}", name_of(op), name, wrong);
        return wrong.empty();
    });
    if (!failure.ok()) return failure;
    if (!taker.finished())
        return Status::failure(WB_INVALID_BUNDLE,
                               "{}: expected no attributes but its own, found {} ints, {} reals and {} extents",
                               name_of(op), lists.ints.size(), lists.reals.size(), lists.extents.size());
    return attributes;
}

bool only_own(Op op, const Attributes &attributes) {
    Attributes rest = attributes;
    for (const NamedAttribute *attribute : operator_of(op).attributes())
        if (present(*attribute, attributes))
            std::visit([&](auto member) { rest.*member = Attributes().*member; }, attribute->member);
    return rest == Attributes();
}

std::string to_string(Op op, const Attributes &attributes) {
    std::string text;
    each_attribute(op, attributes, [&](std::string_view name, const auto &value) {
        text += formatted(" {}={}", name, text_of(value));
        return true;
    });
    return text;
}

}  // namespace weighbridge::lib
