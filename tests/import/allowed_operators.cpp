// SPDX-License-Identifier: Apache-2.0
// Holds the scan's list of operators against the importer's tables: what lowers may be called, and what does not lower
// but is advised on too, so that it is refused with that advice. Prints each that the scan would refuse.
#include <cstdio>
#include <set>
#include <sstream>

#include "scan/operators.hpp"
#include "torch/lower/call.hpp"

using namespace weighbridge;

int main() {
    const lib::OperatorRules rules{lib::ScanLimits{}};
    int missing = 0, held = 0;
    const auto expect = [&](const std::string &name) {
        ++held;
        if (rules.allowed(name) && lib::harm_of(name).empty() && !lib::reason_of(name).empty()) return;
        std::printf("%s: lowers or is advised on, and the scan refuses it\n", name.c_str());
        ++missing;
    };
    for (const auto &[name, lowering] : torch_plugin::registry())
        if (name.back() != '_' || name.ends_with("__")) expect(name);
    for (const torch_plugin::Refused &one : torch_plugin::refused()) {
        std::istringstream names(one.operators);
        for (std::string name; names >> name;) expect("aten::" + name);
    }
    std::set<std::string> seen;
    for (const std::string &name : lib::listed_operators())
        if (!seen.insert(name).second) missing += std::printf("%s: listed twice\n", name.c_str()) > 0;
    std::printf("%d operators held, %d wrong; %zu are listed\n", held, missing, seen.size());
    return missing != 0 || held < 400;
}
