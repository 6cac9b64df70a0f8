// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "feature/encoder.hpp"
#include "feature/schema.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// The sizes of one warm-up run: each sequence and each text has steps / 4 of its limit, rounded up. A sequence has at
// least limits.least_length and at least one element, since LibTorch ends a process that gives some modules an empty
// one.
struct WarmSize {
    int64_t rows;
    int steps;  // 0 (the shortest sequence, no tokens) to 4 (the limit)
};

// The sizes to warm: 1 row and `tile_rows`; where a tensor has a symbolic size, each of the two with a quarter, half
// and all of the limit, and with the shortest.
std::vector<WarmSize> warm_sizes(std::span<const TensorSpec> tensors, int64_t tile_rows);

// Dense inputs that forward can take: zeros (index 0 is valid in every vocabulary), masks all true, real lengths.
class WarmInputs {
  public:
    // May throw std::bad_alloc.
    WarmInputs(const Schema &schema, const Limits &limits, std::span<const TensorSpec> tensors, WarmSize size);

    std::span<const TensorView> views() const { return views_; }
    // Whether the manifest leaves open that the model takes these: a text without tokens, an empty sequence, or the
    // shortest where limits.least_length is 0.
    bool may_fail() const { return may_fail_; }

  private:
    std::vector<AlignedBuffer> buffers_;
    std::vector<TensorView> views_;
    bool may_fail_ = false;
};

}  // namespace weighbridge::lib
