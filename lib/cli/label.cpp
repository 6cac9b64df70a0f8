// SPDX-License-Identifier: Apache-2.0
#include "cli/label.hpp"

#include <charconv>

namespace weighbridge::cli {

Expected<std::optional<bool>> read_label(const std::string &column, std::string_view text) {
    if (text.empty() || text == "null") return std::optional<bool>();
    if (text == "true" || text == "True") return std::optional<bool>(true);
    if (text == "false" || text == "False") return std::optional<bool>(false);
    double number = 0.0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool read = code == std::errc() && end == text.data() + text.size();
    if (read && (number == 0.0 || number == 1.0)) return std::optional<bool>(number == 1.0);
    return Error{
        WB_INVALID_INPUT,
        "label '" + column + "': expected 0, 1, true or false, or nothing where it is not known, got another value", -1,
        0};
}

}  // namespace weighbridge::cli
