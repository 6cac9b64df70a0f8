// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "scan/locals.hpp"

namespace weighbridge::lib {

// Finds divisions of whole numbers that LibTorch may compute while it loads a module, in whatever branch they stand:
// those of which no operand is certain to be data (a parameter, an attribute, what a function of the archive gives) and
// whose divisor is not certain to be other than 0 and -1. Such a one ends the process (SIGFPE).
class DivisionFinder {
  public:
    // `tokens`: of the function. Where it is crafted to take more than that suggests, nothing more is certain.
    DivisionFinder(const CodeLocals &locals, const ModuleCode &code, size_t tokens);

    // The places of their signs, or of the brackets of their calls.
    std::vector<size_t> find(CodeTokens line);

  private:
    // What is known of a name or an expression.
    struct Known {
        bool data = true;      // certain to be data
        bool divides = false;  // certain to be a number other than 0 and -1
    };

    bool may_fold(CodeTokens dividend, CodeTokens divisor);
    Known of(CodeTokens expression, int depth);
    Known of_name(std::string_view name, int depth);
    Known of_value(CodeTokens expression, int depth);
    bool all_data(CodeTokens parts, int depth);
    bool any_data(CodeTokens parts, int depth);

    const CodeLocals &locals_;
    const ModuleCode &code_;
    std::map<std::string_view, Known> names_;
    const size_t most_work_;
    size_t work_ = 0;  // tokens that were looked at
};

}  // namespace weighbridge::lib
