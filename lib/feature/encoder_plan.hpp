// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "feature/encoder.hpp"
#include "feature/value_plan.hpp"

namespace weighbridge::lib {

// Where the values of a feature go: `offset` bytes behind the start of the tensor's row or element. The elements of a
// sequence are `stride` bytes apart.
struct ValuePlace {
    uint32_t tensor;
    DType dtype;
    int64_t offset;
    int64_t stride;
};

struct FeaturePlan {
    ValuePlan value;
    bool sequence = false;
    bool optional = false;  // has a default
    bool nan_is_missing = false;
    bool own_tokens = false;  // of a text: a tensor has as many tokens as it has
    Encoded default_value;    // of a scalar, encoded
    std::vector<ValuePlace> targets;
};

struct TensorPlan {
    enum class Kind : uint8_t { scalars, sequences, text, lengths, length_mask, text_mask };
    Kind kind = Kind::scalars;
    DType dtype = DType::float32;
    int64_t width = 1;          // values along the last size, of scalars and sequences
    int64_t tokens = 0;         // of a text and its mask: the fixed size, or kTokens
    uint32_t text = 0;          // the feature
    int64_t most_elements = 0;  // in a row

    // Whether rows have as many places as their sequences or their texts.
    bool has_own_places() const { return kind == Kind::sequences || kind == Kind::length_mask || tokens == kTokens; }
};

// The encoder's flat lists.
struct Encoder::Plan {
    std::vector<TensorPlan> tensors;  // as the encoder's
    std::vector<FeaturePlan> scalars, sequences, texts;
    std::vector<ScalarRun> runs;     // all scalars, in order
    std::vector<float> least, most;  // by scalar, of those that may be in a plain run of float32
    std::vector<int64_t> last;       // by scalar, of those that may be in a plain run of codes
    std::vector<Piece> pieces;       // by tensor, then by offset
    bool truncate = false, keep_tail = false;
    int64_t longest = 0;

    // Checks everything that lib/bundle/README.md says about tensors and limits.
    static Expected<std::unique_ptr<const Plan>> make(const Schema &schema, const std::vector<TensorSpec> &specs,
                                                      const Limits &limits);
};

}  // namespace weighbridge::lib
