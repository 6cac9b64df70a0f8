// SPDX-License-Identifier: Apache-2.0
#include "frozen.hpp"

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "error_text.hpp"
#include "forbidden.hpp"
#include "guarded.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::torch_plugin {
namespace {

// Archive reader over the caller's bytes, without a copy.
class MemoryReader final : public caffe2::serialize::ReadAdapterInterface {
  public:
    MemoryReader(const void *bytes, size_t size) : bytes_(static_cast<const char *>(bytes)), size_(size) {}
    size_t size() const override { return size_; }
    size_t read(uint64_t position, void *buffer, size_t count, const char *) const override {
        if (position >= size_) return 0;
        const size_t there = std::min<size_t>(count, size_ - position);
        std::memcpy(buffer, bytes_ + position, there);
        return there;
    }

  private:
    const char *bytes_;
    size_t size_;
};

void check_arguments(const torch::jit::Module &module, uint32_t expected) {
    const auto method = module.find_method("forward");
    if (!method) throw Refusal{WB_INVALID_BUNDLE, "expected a method 'forward', found none"};
    const auto &arguments = method->function().getSchema().arguments();
    size_t most = arguments.size() - 1;  // the first is the module itself
    size_t least = 0;
    for (size_t i = 1; i < arguments.size(); ++i) least += arguments[i].default_value() ? 0 : 1;
    if (expected < least || expected > most)
        throw Refusal{WB_INVALID_BUNDLE, "forward: expected " + std::to_string(expected) +
                                             " argument(s), one for each tensor of the manifest, found " +
                                             std::to_string(most)};
}

}  // namespace

Frozen load_frozen(const void *bytes, size_t size, uint32_t arguments, bool debug_files) {
    // Freezing folds attributes only with the optimiser on, which thread_init turns off for runs.
    const torch::jit::GraphOptimizerEnabledGuard optimiser(true);
    torch::jit::Module module =
        torch::jit::load(std::make_shared<MemoryReader>(bytes, size), c10::Device(c10::kCPU), debug_files);
    check_arguments(module, arguments);
    refuse_before_freezing(module);
    fill_empty(module);
    Frozen frozen;
    visit_reachable(module, [&](const torch::jit::Node &node) { frozen.layers.add(node); });
    guard_operators(module);
    module.eval();
    // Without optimize_numerics: it folds batch norms into weights, which changes results.
    frozen.module = torch::jit::freeze(module, std::nullopt, /*optimize_numerics=*/false);
    refuse_frozen(*frozen.module.get_method("forward").graph());
    return frozen;
}

}  // namespace weighbridge::torch_plugin
