// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "bundle/manifest.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Longest text that the feature's tokeniser gives; 0 where it has none.
int64_t most_tokens(const Feature &text);

// The most that the one symbolic size of these tensors can be: limits.length of events, or the text's max_tokens. 0
// where none has one. WB_INVALID_BUNDLE names two tensors whose sizes differ: events and tokens, or tokens of two
// texts.
Expected<int64_t> largest_size(const Manifest &manifest, std::span<const TensorSpec *const> tensors);

// Whether a plan takes the tensors and gives the outputs that a manifest lists: dtype and width of each, in order.
// WB_INVALID_BUNDLE names the tensor or output with both sides.
Status check_binding(const Plan &plan, const Manifest &manifest);

}  // namespace weighbridge::lib
