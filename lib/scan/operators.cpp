// SPDX-License-Identifier: Apache-2.0
#include "scan/operators.hpp"

#include <algorithm>

#include "base/spelling.hpp"

namespace weighbridge::lib {
namespace {

struct OperatorGroup {
    std::string_view names;  // qualified, or of aten, with blanks between them
    std::string_view reason;
};

constexpr OperatorGroup kAllowed[] = {
#define WB_ALLOWED(reason, names) {names, reason},
#define WB_HARMFUL(harm, names)
#include "scan/operators.def"
#undef WB_ALLOWED
#undef WB_HARMFUL
};
constexpr OperatorGroup kHarmful[] = {
#define WB_ALLOWED(reason, names)
#define WB_HARMFUL(harm, names) {names, harm},
#include "scan/operators.def"
#undef WB_ALLOWED
#undef WB_HARMFUL
};

// Calls `visit` with each name of a group.
template <class Visitor>
void for_each_name(std::string_view names, const Visitor &visit) {
    while (!names.empty()) {
        const size_t end = std::min(names.find(' '), names.size());
        if (end > 0) visit(names.substr(0, end));
        names.remove_prefix(std::min(end + 1, names.size()));
    }
}

std::string qualified(std::string_view name) {
    return name.find("::") == name.npos ? "aten::" + std::string(name) : std::string(name);
}

// A pattern may have one "*".
bool matches_pattern(std::string_view pattern, std::string_view name) {
    const size_t star = pattern.find('*');
    if (star == pattern.npos) return pattern == name;
    const std::string_view first = pattern.substr(0, star), last = pattern.substr(star + 1);
    return name.size() >= first.size() + last.size() && name.starts_with(first) && name.ends_with(last);
}

// Whether a name can fit both patterns.
bool overlap(std::string_view one, std::string_view other) {
    const size_t star = one.find('*'), its = other.find('*');
    if (star == one.npos) return matches_pattern(other, one);
    if (its == other.npos) return matches_pattern(one, other);
    const auto fits = [](std::string_view a, std::string_view b, bool at_begin) {
        if (a.size() > b.size()) std::swap(a, b);
        return at_begin ? b.starts_with(a) : b.ends_with(a);
    };
    return fits(one.substr(0, star), other.substr(0, its), true) &&
           fits(one.substr(star + 1), other.substr(its + 1), false);
}

bool matches_any(const std::vector<std::string> &patterns, std::string_view name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string &pattern) { return matches_pattern(pattern, name); });
}

std::string_view find_reason(const OperatorGroup *first, const OperatorGroup *last, std::string_view name) {
    for (; first != last; ++first) {
        bool found = false;
        for_each_name(first->names, [&](std::string_view one) { found |= matches_pattern(qualified(one), name); });
        if (found) return first->reason;
    }
    return {};
}

}  // namespace

OperatorRules::OperatorRules(const ScanLimits &limits) : also_(limits.also_allowed), never_(limits.not_allowed) {
    allowed_.reserve(1024);
    for (const OperatorGroup &group : kAllowed)
        for_each_name(group.names, [&](std::string_view name) { allowed_.push_back(name); });
    std::sort(allowed_.begin(), allowed_.end());
}

bool OperatorRules::listed(std::string_view name) const {
    if (name.starts_with("aten::")) name.remove_prefix(6);
    return std::binary_search(allowed_.begin(), allowed_.end(), name);
}

bool OperatorRules::refused(std::string_view name) const { return matches_any(never_, name); }

bool OperatorRules::allowed(std::string_view name) const {
    if (refused(name)) return false;
    if (matches_any(also_, name) || listed(name)) return true;
    const bool in_place = name.ends_with('_') && !name.ends_with("__");  // "aten::add_" goes with "aten::add"
    return in_place && !refused(name.substr(0, name.size() - 1)) && listed(name.substr(0, name.size() - 1));
}

std::string_view harm_of(std::string_view name) { return find_reason(std::begin(kHarmful), std::end(kHarmful), name); }
std::string_view reason_of(std::string_view name) {
    return find_reason(std::begin(kAllowed), std::end(kAllowed), name);
}

// The lists' names and their forms in place: "aten::add_", "aten::__iand__".
bool is_known(std::string_view pattern) {
    bool known = false;
    for (const OperatorGroup &group : kAllowed)
        for_each_name(group.names, [&](std::string_view name) {
            const std::string full = qualified(name);
            const bool sign = full.starts_with("aten::__");
            const std::string in_place = sign ? "aten::__i" + full.substr(8) : full + "_";
            known |= overlap(pattern, full) || overlap(pattern, in_place);
        });
    for (const OperatorGroup &group : kHarmful)
        for_each_name(group.names, [&](std::string_view name) { known |= overlap(pattern, qualified(name)); });
    return known;
}

Status check_refusals(const ScanLimits &limits) {
    for (const std::string &pattern : limits.not_allowed) {
        const auto fits = [&](const std::string &other) { return overlap(pattern, other); };
        if (is_known(pattern) || std::any_of(limits.also_allowed.begin(), limits.also_allowed.end(), fits)) continue;
        const std::vector<std::string> listed = listed_operators();
        return Status::failure(WB_INVALID_ARGUMENT,
                               "scan_refuse: expected operators of the library's lists or of scan_allow, got '{:.64}', "
                               "which no module may call anyway; near: {}",
                               pattern, nearest_names(pattern, {listed.begin(), listed.end()}));
    }
    return {};
}

std::vector<std::string> listed_operators() {
    std::vector<std::string> all;
    for (const OperatorGroup &group : kAllowed)
        for_each_name(group.names, [&](std::string_view name) { all.push_back(qualified(name)); });
    return all;
}

}  // namespace weighbridge::lib
