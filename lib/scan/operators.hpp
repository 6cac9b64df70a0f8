// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

// Which operators a module's code may call: those of operators.def, as the host narrowed or widened them.
class OperatorRules {
  public:
    explicit OperatorRules(const ScanLimits &limits);
    // A qualified name, "aten::add".
    bool allowed(std::string_view name) const;
    // Whether the host refuses any, and this one, whatever the list says.
    bool narrowed() const { return !never_.empty(); }
    bool refused(std::string_view name) const;

  private:
    bool listed(std::string_view name) const;

    std::vector<std::string_view> allowed_;  // sorted; those of aten without their qualifier
    std::vector<std::string> also_, never_;
};

// Whether each operator that the host refuses is one that a module might call: of operators.def, or one that the host
// allows besides. WB_INVALID_ARGUMENT names the first that is misspelt, and would narrow nothing.
Status check_refusals(const ScanLimits &limits);

// What an operator that operators.def forbids would do: "writes a file". "" for one that is only unknown.
std::string_view harm_of(std::string_view name);
// Why an operator of operators.def is harmless: its group's reason. "" for one that is not there.
std::string_view reason_of(std::string_view name);
// All operators of operators.def.
std::vector<std::string> listed_operators();

}  // namespace weighbridge::lib
