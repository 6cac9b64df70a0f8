// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compile/importer.hpp"
#include "isolation/importer_process.hpp"
#include "model/backend.hpp"

namespace weighbridge::lib {

// Imports each module in an importer process of its own, whose reply is parsed as untrusted. WB_INVALID_BUNDLE too
// where a module ends that process, takes more time or memory than the options allow, or makes it write what is no
// graph. Thread-safe; nothing is kept between two imports.
std::unique_ptr<Importer> make_isolated_importer(IsolationOptions options);

// A backend that runs modules in an importer process, for the golden vectors of `pack`: named "torchscript", a process
// for each program, which one thread at a time may run. It loads and is done with: nothing serves by it.
std::unique_ptr<Backend> make_isolated_backend(IsolationOptions options);

}  // namespace weighbridge::lib
