// SPDX-License-Identifier: Apache-2.0
#include "scan/finding.hpp"

namespace weighbridge::lib {

// One line: what would end or rewrite it is escaped, and what is beyond 400 bytes cut.
std::string ScanFindings::printable_text(std::string_view text) {
    char line[400];
    const TextValue values[] = {text, 0};
    return {line, write_text(line, sizeof line, "{}", values)};
}

Status ScanFindings::status(std::string_view module) const {
    if (list.empty()) return {};
    const ScanFinding &first = list.front();
    std::string place = first.file;
    if (first.line > 0) place += formatted(":{}", first.line);
    if (!place.empty()) place += ": ";
    const size_t others = list.size() - 1 + more;
    const std::string rest = others == 0 ? "" : formatted("; and {} more", others);
    return Status::failure(WB_INVALID_BUNDLE, "{}: rule {}: {}{}{}", module, first.rule, place, first.text, rest);
}

}  // namespace weighbridge::lib
