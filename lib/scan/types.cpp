// SPDX-License-Identifier: Apache-2.0
#include "scan/types.hpp"

#include "scan/limits.hpp"

namespace weighbridge::lib {

TypeText split_type(std::string_view text) {
    const size_t open = text.find('[');
    if (open == text.npos) return {text.find_first_of("],") == text.npos ? text : std::string_view(), {}};
    if (text.back() != ']') return {};
    TypeText made{text.substr(0, open), {}};
    const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    int depth = 0;
    size_t first = 0;
    for (size_t at = 0; at <= inside.size(); ++at) {
        const char one = at < inside.size() ? inside[at] : ',';
        if (one == ',' && (depth == 0 || at == inside.size())) {
            made.parts.push_back(inside.substr(first, at - first));
            first = at + 1;
        }
        depth += one == '[' ? 1 : one == ']' ? -1 : 0;
        if (depth < 0) return {};
    }
    return depth == 0 ? made : TypeText{};
}

bool is_type_text(std::string_view text) {
    int depth = 0;
    bool name = false;  // whether a name stands before this place
    for (const char one : text) {
        const bool letter = (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
                            one == '_' || one == '.';
        if (one == '[' && (!name || ++depth > kScanDepth)) return false;
        if (one == ']' && --depth < 0) return false;
        if (!letter && one != '[' && one != ']' && one != ',' && one != ' ') return false;
        name = letter;
    }
    return depth == 0 && !text.empty() && text.size() <= 4096 && text.find("torch.classes") == text.npos;
}

}  // namespace weighbridge::lib
