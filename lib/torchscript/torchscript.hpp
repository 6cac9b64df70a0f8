// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compile/importer.hpp"
#include "model/backend.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

class JsonValue;

struct PluginOptions {
    std::string plugin;    // absolute path of the plug-in; "" for <libdir>/weighbridge/ beside the core
    std::string libtorch;  // absolute path of LibTorch's lib directory; "" for automatic (see wb_engine_options)
    ScanLimits scan = {};  // of modules, before LibTorch sees them
    int contexts = 1;      // how many context threads: one for each context of the pool, started at the first prepare()
};

// The torchscript backend: LibTorch runs the frozen module on a worker thread for each context ("wb:torch-0", ...).
// Inputs are copied and outputs are the library's, so that a caller returns at its deadline whatever LibTorch is doing.
// Loads and imports have a thread each; one that its caller abandoned holds the bundle until LibTorch's next step, and
// delays no other call. A module that the scan refuses is WB_INVALID_BUNDLE, and LibTorch never sees it. The first
// prepare() opens the plug-in; failures to are WB_BACKEND_UNAVAILABLE: the file, what is wrong, what to do.
class TorchscriptBackend : public Backend, public Importer {
  public:
    virtual bool started() const = 0;  // whether threads exist; a forked child then answers WB_FORKED
};
std::unique_ptr<TorchscriptBackend> make_torchscript_backend(PluginOptions options);

constexpr int64_t kTrial_ns = int64_t{180} * 1'000'000'000;

// Trial run: loads the module by a backend of one context and scores one generated row whose sequences have
// limits.least_length elements. WB_BACKEND_FAILED where forward fails or gives a number that is not finite.
Status score_shortest(Backend &backend, const std::shared_ptr<const Bundle> &bundle);

// The same through LibTorch in a child process. (In a child, since LibTorch's nested tensors end a process that gives
// them an empty sequence.) WB_BACKEND_FAILED where it dies, too; WB_DEADLINE_EXCEEDED after longest_ns, LibTorch's own
// loading included.
Status try_shortest(const PluginOptions &options, const std::shared_ptr<const Bundle> &bundle,
                    int64_t longest_ns = kTrial_ns);

// Plug-ins and mapped LibTorch copies found, as a JSON array, for wb_system_info. Loads nothing.
JsonValue describe_plugins();

}  // namespace weighbridge::lib
