// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/cancel.hpp"
#include "compile/import_request.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// Reads a module of some format, TorchScript for one, as a graph. What it is given and what it gives are data, so that
// it may do its work in a plug-in or in a process of its own.
class Importer {
  public:
    virtual ~Importer() = default;
    // The module, which was scanned, as a graph, not optimised. WB_INVALID_BUNDLE where it does not lower; `report`
    // then has a line for each operator that is to blame, with its place in the source. WB_BACKEND_UNAVAILABLE where
    // this importer cannot run here. Ends as `stop` says, and then may go on beside its caller: it owns the module's
    // bytes meanwhile.
    virtual Expected<Graph> import(std::shared_ptr<const Bytes> module, const ImportRequest &request,
                                   std::string &report, const StopSource &stop) = 0;
    // What a graph depends on besides module and request: programs, versions. "" where results are not to be kept.
    virtual std::string identity() const { return {}; }
};

}  // namespace weighbridge::lib
