// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "scan/module.hpp"
#include "support/catch.hpp"
#include "support/module_archive.hpp"

namespace weighbridge::test {

// The first rule that a file breaks; "" for none.
inline std::string broken_rule(lib::ByteView file, const lib::ScanLimits &limits = {}) {
    lib::ModuleReport report;
    const auto checked = lib::scan_module(file, limits, report);
    REQUIRE(checked.ok() == report.findings.none());
    if (checked) return "";
    REQUIRE(checked.status().code == WB_INVALID_BUNDLE);
    const lib::ScanFinding &first = report.findings.list.front();
    UNSCOPED_INFO(first.file << ":" << first.line << ": " << first.text);
    return first.rule;
}

inline std::string repeated(const std::string &text, int count) {
    std::string made;
    for (int i = 0; i < count; ++i) made += text;
    return made;
}

// The first rule that a module breaks whose forward has these lines.
inline std::string rule_of_body(const std::string &lines, const lib::ScanLimits &limits = {}) {
    std::string body;
    for (size_t at = 0; at < lines.size();) {
        const size_t end = std::min(lines.find('\n', at), lines.size());
        body += "    " + lines.substr(at, end - at) + "\n";
        at = end + 1;
    }
    return broken_rule(
        module_archive(module_files("Net", "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n" + body)),
        limits);
}

// The same for members of the class, and for a file of code beside it.
inline std::string rule_of_members(const std::string &members) {
    return broken_rule(module_archive(module_files("Net", members)));
}
inline std::string rule_of_file(const std::string &code) {
    auto files = module_files();
    files["code/__torch__/more.py"] = code;
    return broken_rule(module_archive(files));
}

}  // namespace weighbridge::test
