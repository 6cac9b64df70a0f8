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

}  // namespace weighbridge::test
