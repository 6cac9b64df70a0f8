// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compile/importer.hpp"
#include "model/backend.hpp"

namespace weighbridge::lib {

class JsonValue;

struct PluginOptions {
    std::string plugin;    // absolute path of the plug-in; "" for <libdir>/weighbridge/ beside the core
    std::string libtorch;  // absolute path of LibTorch's lib directory; "" for automatic (see wb_engine_options)
    int contexts = 1;      // how many context threads: one for each context of the pool, started at the first prepare()
};

// The torchscript backend: the frozen module on named context threads ("wb:torch-0", ...), with copied input and
// library-owned output, so that a caller leaves at its deadline whatever LibTorch does. Loads and imports run on a
// thread of their own, which whoever must leave leaves behind: it ends, and lets go of the bundle, at LibTorch's next
// step, and keeps no other call waiting. Opens the plug-in at the first prepare(); its failures are
// WB_BACKEND_UNAVAILABLE with the file, what is wrong and what to do. started() tells whether threads exist, so that a
// forked child answers WB_FORKED.
class TorchscriptBackend : public Backend, public Importer {
  public:
    virtual bool started() const = 0;
};
std::unique_ptr<TorchscriptBackend> make_torchscript_backend(PluginOptions options);

constexpr int64_t kTrial_ns = int64_t{180} * 1'000'000'000;

// Whether the bundle's module takes rows whose sequences are as short as limits.least_length: loads it and scores one
// generated row, in a child process, as LibTorch may end the process that gives it an empty sequence (nested tensors
// do). WB_BACKEND_FAILED where it does not: forward failed, died or gave a number that is not finite;
// WB_DEADLINE_EXCEEDED where it was not done after longest_ns, the time that LibTorch takes to load included.
Status try_shortest(const PluginOptions &options, const std::shared_ptr<const Bundle> &bundle,
                    int64_t longest_ns = kTrial_ns);

// Plug-ins and mapped LibTorch copies found, as a JSON array, for wb_system_info. Loads nothing.
JsonValue describe_plugins();

}  // namespace weighbridge::lib
