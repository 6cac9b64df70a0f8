// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/bundle.hpp"
#include "compile/importer.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

// The bundle's module after a scan (scan/module.hpp), as an importer or LibTorch may be given it: never the file
// itself. WB_INVALID_BUNDLE where it has none or a rule refuses it; as scan_module().
Expected<std::shared_ptr<const Bytes>> checked_module(const Bundle &bundle, const ScanLimits &limits,
                                                      const StopSource &stop = {});

// The bundle's module, scanned, as a graph: as checked_module(), Importer::import and largest_size().
Expected<Graph> import_bundle(Importer &importer, const std::shared_ptr<const Bundle> &bundle, const ScanLimits &limits,
                              std::string &report, const StopSource &stop = {});

}  // namespace weighbridge::lib
