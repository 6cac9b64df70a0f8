// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "feature/cell_value.hpp"
#include "feature/schema.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// What one value of a feature becomes.
struct Encoded {
    double number[2] = {0, 0};  // of a number the first, of a cyclic time both
    int64_t index = 0;          // of an index or a flag
    bool clipped = false;
};

// Why a value could not be encoded.
enum class Fault : uint8_t {
    none,
    unreadable,  // read says why
    nan,
    infinite,
    outside,      // the range
    unknown_key,  // not in the vocabulary, or not in [0, size)
    not_utf8,
    too_long,   // a text or a key of more bytes than the limit
    too_large,  // for float32, behind the encoding
};

// One feature's encoding, made ready to run: what to read, the steps on doubles, and what it ends in.
struct ValuePlan {
    enum class Kind : uint8_t { floating, integer, boolean, key, code, text };
    enum class Result : uint8_t { number, cyclic, index, tokens };
    enum class Lookup : uint8_t { none, edges, vocabulary, hash, identity };
    struct Step {
        enum class Op : uint8_t { log1p, standardise, clip } op;
        double a, b;
    };

    uint32_t feature = 0;
    Kind kind = Kind::floating;
    Result result = Result::number;
    Lookup lookup = Lookup::none;
    bool single = false;       // a float32: wider values are rounded to it first
    bool fits_single = false;  // a target is float32: the result has to be finite in it
    bool ranged = false;
    double least = 0, most = 0;  // of a float32 rounded to it, as its values are
    int64_t least_integer = 0, most_integer = 0;
    double divisor = 1;  // 10^exponent of money, ticks per second of a timestamp
    std::vector<Step> steps;
    std::vector<double> edges;
    const Vocabulary *vocabulary = nullptr;  // this and the next are owned by the schema's encodings
    const Zone *zone = nullptr;
    const WordPiece *tokeniser = nullptr;
    bool unknown_is_error = false;
    int64_t first_index = 0;  // of a vocabulary's first key
    int64_t indices = 0;      // how many an index may be: [0, indices)
    uint64_t seed = 0;
    Cyclic::Period period = Cyclic::Period::hour;
    int64_t ticks = 1;  // per second
    int64_t max_tokens = 0;
    int64_t most_bytes = 0;  // of a text or a key: limits.text_bytes

    int64_t width() const { return result == Result::cyclic ? 2 : 1; }

    // Encodes element `index` of a cell that is not missing. `read` is set where the fault is unreadable. No
    // allocation.
    Fault encode(const Cell &cell, int64_t index, Encoded &out, CellRead &read) const;

  private:
    Fault encode_number(double x, Encoded &out) const;
    Fault encode_integer(int64_t value, Encoded &out) const;
    Fault encode_key(std::string_view key, Encoded &out) const;
    Fault encode_code(int64_t code, Encoded &out) const;
};

// Checks that the feature's encoding fits its type, step by step. WB_INVALID_BUNDLE names the feature and the step.
// Truncation is the encoder's: it is only checked to be first and on a sequence. `text_bytes`: the limits'.
Expected<ValuePlan> plan_value(const Feature &feature, uint32_t index, int64_t text_bytes);

// The message for a fault; shows no value where the feature has a privacy class. `element` is -1 for a scalar.
Status explain(const Feature &feature, const ValuePlan &plan, Fault fault, CellRead read, const Cell &cell,
               int64_t element);

}  // namespace weighbridge::lib
