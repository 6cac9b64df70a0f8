// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <algorithm>
#include <cmath>

#include "graph/trees.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib {
namespace {

constexpr std::pair<int32_t, std::string_view> kPrecisionNames[] = {{WB_PRECISION_FP32, "fp32"},
                                                                    {WB_PRECISION_BF16, "bf16"},
                                                                    {WB_PRECISION_INT8, "int8"},
                                                                    {WB_PRECISION_INT8BF16, "int8bf16"}};

size_t in_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

std::string_view precision_name(int32_t precision) {
    for (const auto &[value, name] : kPrecisionNames)
        if (value == precision) return name;
    return precision == WB_PRECISION_FAKE ? "fake" : "unknown";
}

Expected<int32_t> precision_of(std::string_view name) {
    for (const auto &[value, known] : kPrecisionNames)
        if (known == name) return value;
    return Status::failure(WB_INVALID_ARGUMENT, "precision: expected fp32, bf16, int8 or int8bf16, got '{}'", name);
}

bool uses_int8_weights(int32_t precision) {
    return precision == WB_PRECISION_INT8 || precision == WB_PRECISION_INT8BF16;
}
bool needs_bf16_instructions(int32_t precision) {
    return precision == WB_PRECISION_BF16 || precision == WB_PRECISION_INT8BF16;
}

std::vector<ConstantUse> constant_uses(const Graph &graph) {
    std::vector<ConstantUse> uses(graph.constants().size());
    auto use = [&](ValueId id) -> ConstantUse * {
        const Node &node = graph.node(id);
        return node.op == Op::constant ? &uses[static_cast<size_t>(node.attributes.index)] : nullptr;
    };
    for (const Node &node : graph.nodes())
        for (size_t i = 0; i < node.operands.size(); ++i)
            if (ConstantUse *found = use(node.operands[i]))
                (has_panels(node.op) && i == 1 ? found->weights : found->raw) = true;
    for (ValueId id : graph.outputs())
        if (ConstantUse *found = use(id)) found->raw = true;
    return uses;
}

Status check_precisions(const Graph &graph, const Precisions &precisions) {
    if (precisions.empty()) return Status::failure(WB_INVALID_BUNDLE, "precisions: expected one at least, found none");
    bool int8 = false;
    for (size_t i = 0; i < precisions.size(); ++i) {
        const std::string_view name = precision_name(precisions[i]);
        if (name == "unknown" || std::find(precisions.begin(), precisions.begin() + static_cast<ptrdiff_t>(i),
                                           precisions[i]) != precisions.begin() + static_cast<ptrdiff_t>(i))
            return Status::failure(WB_INVALID_BUNDLE, "precisions: expected each once, found {} ({}) at place {}", name,
                                   precisions[i], i);
        int8 = int8 || uses_int8_weights(precisions[i]);
    }
    if (needs_bf16_instructions(precisions[0]))
        return Status::failure(WB_INVALID_BUNDLE,
                               "precisions: expected fp32 or int8 first, as every CPU can run them, found {}",
                               precision_name(precisions[0]));
    int64_t outputs = 0;
    for (const Node &node : graph.nodes()) {
        if (!has_panels(node.op)) continue;
        const Extents &weights = graph.type(node.operands[1]).shape;
        outputs += panel_columns(weights[0].terms[0]);
        if (outputs > kMaxLinearOutputs)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "expected at most {} outputs of all linear layers together, found more",
                                   kMaxLinearOutputs);
        if (int8 && weights[1].terms[0] > kMaxInt8Width)
            return Status::failure(WB_INVALID_BUNDLE, "int8: expected linear layers of {} inputs at most, found {}",
                                   kMaxInt8Width, weights[1].terms[0]);
    }
    return {};
}

bool Plan::has(int32_t precision) const {
    return std::find(precisions_.begin(), precisions_.end(), precision) != precisions_.end();
}

int64_t Plan::weight_bytes(int32_t precision) const {
    int64_t bytes = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
        if (!weights_[i].f32 && !weights_[i].bf16 && !weights_[i].i8) continue;
        const int64_t n = graph_.constants()[i].shape[0], k = graph_.constants()[i].shape[1];
        bytes += stays_float(n, k)                ? panel_elements_f32(n, k) * 4
                 : uses_int8_weights(precision)   ? panel_elements_i8(n, k)
                 : precision == WB_PRECISION_BF16 ? panel_elements_bf16(n, k) * 2
                                                  : panel_elements_f32(n, k) * 4;
    }
    return bytes;
}

int64_t Plan::bytes(int32_t precision) const {
    int64_t bytes = weight_bytes(precision);
    for (const Constant &constant : graph_.constants())
        if (constant.data) bytes += constant.elements() * static_cast<int64_t>(size_of(constant.dtype));
    return bytes;
}

namespace {

// Memory for a plan's panels, zeroed.
template <class T>
T *allocate(int64_t count, std::vector<std::shared_ptr<const std::byte>> &owned) {
    AlignedBuffer buffer(in_lines(static_cast<size_t>(count) * sizeof(T)));
    T *memory = reinterpret_cast<T *>(buffer.data());
    owned.push_back(share(std::move(buffer)));
    return memory;
}

}  // namespace

Expected<std::shared_ptr<const Plan>> Plan::make(Graph graph, const Digest &module, Precisions precisions,
                                                 const StopSource &stop) {
    if (Status status = validate(graph); !status.ok()) return status;
    if (Status status = check_tables(graph); !status.ok()) return status;
    if (Status status = check_precisions(graph, precisions); !status.ok()) return status;
    std::shared_ptr<Plan> plan(new Plan);
    plan->weights_.resize(graph.constants().size());
    const auto uses = constant_uses(graph);
    auto wants = [&](auto test) { return std::any_of(precisions.begin(), precisions.end(), test); };
    for (size_t i = 0; i < uses.size(); ++i) {
        if (!uses[i].weights) continue;
        if (Status status = stop.check("packing constant {} of {}", i + 1, uses.size()); !status.ok()) return status;
        const Constant &constant = graph.constants()[i];
        const int64_t n = constant.shape[0], k = constant.shape[1];
        const float *from = constant.as<float>();
        for (int64_t place = 0; place < n * k; ++place)
            if (!std::isfinite(from[place]))
                return Status::failure(
                    WB_INVALID_BUNDLE,
                    "weights of a linear layer [{}, {}]: expected finite numbers, found {} in row {}", n, k,
                    from[place], place / k);
        PackedWeights &packed = plan->weights_[i];
        const bool stays = stays_float(n, k);
        if (stays || wants([](int32_t p) { return p == WB_PRECISION_FP32; })) {
            auto *panels = allocate<float>(panel_elements_f32(n, k), plan->owned_);
            pack_f32(from, k, n, k, panels);
            packed.f32 = panels;
        }
        if (!stays && wants([](int32_t p) { return p == WB_PRECISION_BF16; })) {
            std::vector<uint16_t> rounded(static_cast<size_t>(n * k));
            std::transform(from, from + n * k, rounded.begin(), to_bf16);
            auto *panels = allocate<uint16_t>(panel_elements_bf16(n, k), plan->owned_);
            pack_bf16(rounded.data(), k, n, k, panels);
            packed.bf16 = panels;
        }
        if (!stays && wants(uses_int8_weights)) {
            std::vector<int8_t> quantised(static_cast<size_t>(n * k));
            auto *scale = allocate<float>(panel_columns(n), plan->owned_);
            for (int64_t row = 0; row < n; ++row)
                quantise_weights(from + row * k, k, quantised.data() + row * k, scale + row);
            auto *panels = allocate<int8_t>(panel_elements_i8(n, k), plan->owned_);
            pack_i8(quantised.data(), k, n, k, panels);
            packed.i8 = panels;
            packed.i8_scale = scale;
        }
    }
    plan->graph_ = std::move(graph);
    plan->module_ = module;
    plan->precisions_ = std::move(precisions);
    return std::shared_ptr<const Plan>(std::move(plan));
}

}  // namespace weighbridge::lib
