// SPDX-License-Identifier: Apache-2.0
#include "module.hpp"

#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "error_text.hpp"
#include "forbidden.hpp"
#include "frozen.hpp"
#include "weighbridge/c/schema.h"

// A frozen module. Immutable after load(), so that several threads may run it.
struct wb_plugin_module {
    // A weight, buffer or constant with its version counter at load, which LibTorch raises at each write.
    struct Kept {
        std::string name;
        at::Tensor tensor;
        int64_t version;
    };
    torch::jit::Module owner;
    torch::jit::Method forward;
    std::vector<bool> written;  // by argument: forward may write into it, so it gets a copy
    std::vector<Kept> kept;
};

namespace weighbridge::torch_plugin {
namespace {

void require_cpu(wb_plugin_device device) {
    if (device.device_type != 0)
        throw Refusal{WB_BACKEND_UNAVAILABLE, "expected device cpu, got device type " +
                                                  std::to_string(device.device_type) +
                                                  "; this plug-in runs on the CPU only"};
}

// Refuses a module that sets attributes, and lists its tensors for require_unwritten(): constants, and the parameters
// and buffers that freezing left, because it could not prove that forward only reads them.
std::vector<wb_plugin_module::Kept> inspect(const torch::jit::Module &module, const torch::jit::Graph &graph) {
    std::vector<wb_plugin_module::Kept> kept;
    visit_nodes(graph, [&](const torch::jit::Node &node) {
        if (node.kind() == c10::prim::SetAttr)
            throw Refusal{WB_INVALID_BUNDLE, "forward sets the attribute '" + node.s(c10::attr::name) +
                                                 "', which a served module must not; keep no state in forward"};
        if (node.kind() == c10::prim::Constant && node.hasAttribute(c10::attr::value) &&
            node.kindOf(c10::attr::value) == torch::jit::AttributeKind::t) {
            const at::Tensor &tensor = node.t(c10::attr::value);
            kept.push_back({node.output()->debugName(), tensor, tensor._version()});
        }
    });
    for (const auto &one : module.named_parameters()) kept.push_back({one.name, one.value, one.value._version()});
    for (const auto &one : module.named_buffers()) kept.push_back({one.name, one.value, one.value._version()});
    return kept;
}

// Checks that a run wrote into no weight: state left by one request would show one customer's data to the next.
void require_unwritten(const wb_plugin_module &module) {
    for (const auto &one : module.kept)
        if (one.tensor._version() != one.version)
            throw Refusal{WB_INVALID_BUNDLE, "forward wrote into '" + one.name +
                                                 "', which a served module must not; keep no state in forward"};
}

c10::ScalarType scalar_of(int32_t dtype) {
    switch (dtype) {
        case WB_DTYPE_FLOAT32:
            return c10::kFloat;
        case WB_DTYPE_FLOAT64:
            return c10::kDouble;
        case WB_DTYPE_INT64:
            return c10::kLong;
        case WB_DTYPE_INT32:
            return c10::kInt;
        case WB_DTYPE_BOOL:
            return c10::kBool;
        default:
            throw Refusal{WB_INTERNAL, "unknown dtype " + std::to_string(dtype)};
    }
}

std::string text_of(c10::IntArrayRef sizes) {
    std::string text = "[";
    for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
    return text + "]";
}

std::string kind_of(const c10::IValue &value) {
    if (value.isTuple()) return "a tuple of " + std::to_string(value.toTupleRef().elements().size());
    if (value.isList()) return "a list of " + std::to_string(value.toListRef().size());
    if (value.isTensor()) return "a tensor";
    return "a " + value.tagKind();
}

// Takes one output from forward's result. `what` names it in messages.
c10::IValue select(const c10::IValue &result, const wb_plugin_output &wanted, const std::string &what) {
    if (wanted.key) {
        if (!result.isGenericDict())
            throw Refusal{WB_INVALID_BUNDLE,
                          what + "expected a dict with the key '" + wanted.key + "', got " + kind_of(result)};
        for (const auto &entry : result.toGenericDict())
            if (entry.key().isString() && entry.key().toStringRef() == wanted.key) return entry.value();
        throw Refusal{WB_INVALID_BUNDLE, what + "expected the key '" + wanted.key + "' in forward's dict, found none"};
    }
    if (result.isTensor() && wanted.index == 0) return result;
    const auto place = static_cast<size_t>(wanted.index);
    if (wanted.index >= 0 && result.isTuple()) {
        const auto &elements = result.toTupleRef().elements();
        if (place < elements.size()) return elements[place];
    }
    if (wanted.index >= 0 && result.isList() && place < result.toListRef().size()) return result.toListRef()[place];
    throw Refusal{WB_INVALID_BUNDLE,
                  what + "expected place " + std::to_string(wanted.index) + " of a tuple, got " + kind_of(result)};
}

void take(const c10::IValue &result, const wb_plugin_output &wanted) {
    const std::string what = std::string("output '") + wanted.name + "': ";
    const c10::IValue value = select(result, wanted, what);
    if (!value.isTensor() || !value.toTensor().defined())
        throw Refusal{WB_INVALID_BUNDLE, what + "expected a tensor, got " + kind_of(value)};
    at::Tensor tensor = value.toTensor();
    if (tensor.layout() != c10::kStrided || tensor.is_quantized() || tensor.is_complex())
        throw Refusal{WB_INVALID_BUNDLE,
                      what + "expected a dense tensor of real numbers, got " + c10::toString(tensor.scalar_type())};
    const c10::IntArrayRef expected(wanted.shape, static_cast<size_t>(wanted.rank));
    if (tensor.sizes() != expected)
        throw Refusal{WB_INVALID_BUNDLE,
                      what + "expected shape " + text_of(expected) + ", got " + text_of(tensor.sizes())};
    tensor = tensor.to(c10::Device(c10::kCPU), c10::kFloat).contiguous();
    if (tensor.numel() > 0)
        std::memcpy(wanted.data, tensor.const_data_ptr<float>(), static_cast<size_t>(tensor.numel()) * sizeof(float));
}

}  // namespace

int32_t load(wb_plugin_module **out, const void *bytes, uint64_t size, wb_plugin_device device, uint32_t arguments,
             char *error, uint32_t error_bytes) {
    *out = nullptr;
    try {
        require_cpu(device);
        const c10::NoGradGuard no_grad;
        torch::jit::Module module =
            load_frozen(bytes, static_cast<size_t>(size), arguments, /*debug_files=*/false).module;
        torch::jit::Method forward = module.get_method("forward");
        const auto graph = forward.graph();
        auto kept = inspect(module, *graph);
        std::vector<bool> written(arguments, false);
        const torch::jit::AliasDb aliases(graph);
        for (size_t i = 0; i < arguments; ++i) written[i] = aliases.hasWriters(graph->inputs()[i + 1]);
        *out = new wb_plugin_module{std::move(module), std::move(forward), std::move(written), std::move(kept)};
        return WB_OK;
    } catch (...) {
        return write_exception(WB_INVALID_BUNDLE, error, error_bytes);
    }
}

void unload(wb_plugin_module *module) { delete module; }

int32_t run(wb_plugin_module *module, wb_plugin_device device, const wb_plugin_tensor *inputs, uint32_t input_count,
            wb_plugin_output *outputs, uint32_t output_count, char *error, uint32_t error_bytes) {
    try {
        require_cpu(device);
        const c10::InferenceMode inference;
        std::vector<c10::IValue> arguments;
        arguments.reserve(input_count + 1);
        for (uint32_t i = 0; i < input_count; ++i) {
            const wb_plugin_tensor &input = inputs[i];
            at::Tensor view =
                at::from_blob(const_cast<void *>(input.data),
                              c10::IntArrayRef(input.shape, static_cast<size_t>(input.rank)), scalar_of(input.dtype));
            arguments.emplace_back(module->written[i] ? view.clone() : std::move(view));
        }
        const c10::IValue result = module->forward(std::move(arguments));
        require_unwritten(*module);
        for (uint32_t i = 0; i < output_count; ++i) take(result, outputs[i]);
        return WB_OK;
    } catch (...) {
        return write_exception(WB_BACKEND_FAILED, error, error_bytes);
    }
}

}  // namespace weighbridge::torch_plugin
