// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <algorithm>
#include <cmath>

#include "cli/text.hpp"

namespace weighbridge::cli {

Report::Report() = default;
Report::Report(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
Report::Report(bool value) : Report(Kind::boolean, value ? "true" : "false") {}
Report::Report(double value)
    : Report(std::isfinite(value) ? Kind::number : Kind::null, std::isfinite(value) ? formatted("{}", value) : "") {}
Report::Report(std::string value) : Report(Kind::text, std::move(value)) {}
Report::Report(const char *value) : Report(Kind::text, value) {}
Report::Report(std::initializer_list<Member> members) : kind_(Kind::object), members_(members) {}

Report &Report::operator[](std::string_view name) {
    kind_ = Kind::object;
    auto found = std::find_if(members_.begin(), members_.end(), [&](const Member &one) { return one.name == name; });
    if (found != members_.end()) return found->value;
    members_.push_back({std::string(name), {}});
    return members_.back().value;
}

const Report &Report::operator[](std::string_view name) const {
    static const Report null;
    auto found = std::find_if(members_.begin(), members_.end(), [&](const Member &one) { return one.name == name; });
    return is(Kind::object) && found != members_.end() ? found->value : null;
}

void Report::erase(std::string_view name) {
    std::erase_if(members_, [&](const Member &one) { return one.name == name; });
}

void Report::push_back(Report element) {
    kind_ = Kind::list;
    members_.push_back({{}, std::move(element)});
}

std::string Report::json() const {
    std::string out;
    append_json(out);
    return out;
}

void Report::append_json(std::string &out) const {
    if (is(Kind::null)) out += "null";
    if (is(Kind::text)) out += json_text(text_);
    if (is(Kind::number) || is(Kind::boolean)) out += text_;
    if (!is_part()) return;
    bool object = is(Kind::object);
    out += object ? '{' : '[';
    for (size_t i = 0; i < members_.size(); ++i) {
        if (i) out += ',';
        if (object) out += json_text(members_[i].name) + ':';
        members_[i].value.append_json(out);
    }
    out += object ? '}' : ']';
}

}  // namespace weighbridge::cli
