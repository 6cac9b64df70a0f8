// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/native/level.hpp"
#include "base/json.hpp"
#include "bundle/bundle.hpp"
#include "bundle/bundle_directory.hpp"
#include "compile/importer.hpp"
#include "model/runtime.hpp"
#include "plan/plan.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

struct CompileOptions {
    Precisions precisions = {WB_PRECISION_FP32};
    bool dump_passes = false;  // adds every pass's graph to the report
};

// Makes a bundle's model.plan: imports the module, optimises the graph, packs the weights, runs the golden vectors in
// each precision. One bundle, on one thread.
class Compiler {
  public:
    // `level`: of the kernels that run the golden vectors. The importer and the limits outlive it.
    Compiler(Ref<Runtime> runtime, native::Level level, Importer &importer, const ScanLimits &limits,
             const StopSource &stop)
        : runtime_(std::move(runtime)), level_(level), importer_(importer), limits_(limits), stop_(stop) {}

    // Writes the plan beside the module. The report stays null where there is nothing to tell; also where this fails it
    // may have something. See wb_bundle_compile.
    Status compile(const DirectorySource &source, const CompileOptions &options, JsonValue &report);

  private:
    Expected<std::shared_ptr<const Plan>> make_plan(const CompileOptions &options, JsonValue &report,
                                                    JsonValue &passes);
    Status check_precision(const std::shared_ptr<const Plan> &plan, int32_t precision, JsonValue &entry);
    Status check_precisions(const std::shared_ptr<const Plan> &plan, JsonValue &report);

    const Ref<Runtime> runtime_;
    const native::Level level_;
    Importer &importer_;
    const ScanLimits &limits_;
    const StopSource stop_;
    std::shared_ptr<const Bundle> bundle_;
};

}  // namespace weighbridge::lib
