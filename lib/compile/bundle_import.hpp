// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/bundle.hpp"
#include "compile/importer.hpp"
#include "graph/passes/pipeline.hpp"
#include "plan/plan.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

// The bundle's module after a scan (scan/module.hpp), as an importer or LibTorch may be given it: never the file
// itself. WB_INVALID_BUNDLE where it has none or a rule refuses it; as scan_module().
Expected<std::shared_ptr<const Bytes>> checked_module(const Bundle &bundle, const ScanLimits &limits,
                                                      const StopSource &stop = {});

// The bundle's module, scanned, as a graph: as checked_module(), Importer::import and largest_size().
Expected<Graph> import_bundle(Importer &importer, const std::shared_ptr<const Bundle> &bundle, const ScanLimits &limits,
                              std::string &report, const StopSource &stop = {});

// The plan of the bundle's module: imported, optimised, its weights packed, bound to the manifest. `report` and
// failures as import_bundle(); `dump` as optimise().
Expected<std::shared_ptr<const Plan>> import_plan(Importer &importer, const std::shared_ptr<const Bundle> &bundle,
                                                  const ScanLimits &limits, const Precisions &precisions,
                                                  const DumpPass &dump, std::string &report,
                                                  const StopSource &stop = {});

}  // namespace weighbridge::lib
