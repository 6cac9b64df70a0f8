// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/bundle.hpp"
#include "compile/importer.hpp"

namespace weighbridge::lib {

// The bundle's module as a graph, as Importer::import. WB_INVALID_BUNDLE too where it has none, and as largest_size().
Expected<Graph> import_bundle(Importer &importer, const std::shared_ptr<const Bundle> &bundle, std::string &report,
                              const StopSource &stop = {});

}  // namespace weighbridge::lib
