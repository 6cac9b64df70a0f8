// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/expected.hpp"
#include "base/sha256.hpp"
#include "graph/graph.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {

inline constexpr uint32_t kNumericsV1 = 1;         // how every operation rounds: lib/plan/README.md
inline constexpr uint32_t kNumericsV1AmxBf16 = 2;  // the same but for products of bf16; of results, not of plans
inline constexpr int64_t kMaxInt8Width = 65536;    // inputs of a linear in int8: 255 * 127 * 65536 fits an int32_t

// Cap on the outputs of all linear layers together: load computes at most some 128 MiB for them.
inline constexpr int64_t kMaxLinearOutputs = int64_t{1} << 24;

using Precisions = std::vector<int32_t>;  // WB_PRECISION_*, each once, the one that serves by default first

std::string_view precision_name(int32_t precision);     // "fp32", "bf16", "int8", "int8bf16"
Expected<int32_t> precision_of(std::string_view name);  // WB_INVALID_ARGUMENT names the four
bool uses_int8_weights(int32_t precision);              // int8 and int8bf16
bool needs_bf16_instructions(int32_t precision);        // bf16 and int8bf16

// Small layers, the first and last of a model, stay float32 in every precision: they cost next to nothing, and
// card-transformer's largest int8 error falls from 0.010 to 0.003.
inline constexpr int64_t kFloatWeights = 4096;
constexpr bool stays_float(int64_t n, int64_t k) { return n * k <= kFloatWeights; }

// A linear's weights [n, k] in panels (plan/panels.hpp), for the precisions of the plan; null for those it has not.
struct PackedWeights {
    const float *f32 = nullptr;
    const uint16_t *bf16 = nullptr;
    const int8_t *i8 = nullptr;
    const float *i8_scale = nullptr;  // by output
};

// A model as plain data, ready to run in each of its precisions. Checked, immutable, shared.
class Plan {
  public:
    // Packs the weights of a graph whose constants are all there. The same graph, module and precisions are the same
    // plan. WB_INVALID_BUNDLE says what does not fit; WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which is
    // asked before each layer.
    static Expected<std::shared_ptr<const Plan>> make(Graph graph, const Digest &module, Precisions precisions,
                                                      const StopSource &stop = {});

    const Graph &graph() const { return graph_; }
    const Digest &module() const { return module_; }  // sha256 of the model.ts that it was compiled from
    const Precisions &precisions() const { return precisions_; }
    bool has(int32_t precision) const;

    // By the index of a graph's constant; empty where no linear has it as weights.
    const PackedWeights &weights(size_t constant) const { return weights_[constant]; }
    int64_t weight_bytes(int32_t precision) const;  // of all panels of one precision
    int64_t bytes(int32_t precision) const;         // the same and all constants that are no panels

  private:
    friend class PlanFile;
    Plan() = default;
    Graph graph_;
    Digest module_{};
    Precisions precisions_;
    std::vector<PackedWeights> weights_;
    std::vector<std::shared_ptr<const std::byte>> owned_;  // what weights_ points into
};

// How a graph uses one of its constants: as a linear's weights, which are packed, and otherwise, as it lies.
struct ConstantUse {
    bool weights = false;
    bool raw = false;
};
std::vector<ConstantUse> constant_uses(const Graph &graph);

// WB_INVALID_BUNDLE where a graph cannot be run in these precisions, or they are none, twice there or unknown.
Status check_precisions(const Graph &graph, const Precisions &precisions);

}  // namespace weighbridge::lib
