// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scan/declarations.hpp"

namespace weighbridge::lib {

// Checks one function's text: the forms that its lines may have, and that everything it calls is an allowed operator, a
// built-in of the printer, or a function of the archive, which is noted with its literal loops. A call whose target is
// not certain is refused. Leaves findings and goes on with the next line.
void scan_body(const FunctionSource &source, const OperatorRules &rules, ModuleCode &code, ScanFindings &findings);

}  // namespace weighbridge::lib
