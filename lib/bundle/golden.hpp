// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "bundle/bundle.hpp"

namespace weighbridge::lib {

// What a row must come out as.
struct GoldenAnswer {
    std::vector<std::vector<float>> outputs;  // by output, in the manifest's order; activation applied, not calibrated
    // Of the primary output. Lines of older bundles have neither; a band stands beside a probability only.
    std::optional<double> probability;
    std::optional<int32_t> band;
};

// A line of golden.jsonl.
struct GoldenVector {
    std::vector<uint64_t> row;  // in the schema's row layout
    GoldenAnswer answer;
};

// WB_INVALID_BUNDLE names the line and what is wrong in it; WB_CANCELLED, WB_DEADLINE_EXCEEDED the line that `stop`
// ended it before.
Expected<std::vector<GoldenVector>> read_golden(const Bundle &bundle, const StopSource &stop = {});

// `count` rows that the schema accepts, seeded by the schema's digest, as JSON objects: numbers over the range (or
// around the standardisation), every category, texts from the vocabulary, lengths between the limits. The same schema
// gives the same rows.
std::vector<std::string> generate_golden_rows(const Bundle &bundle, int64_t count);

// One line of golden.jsonl, without its newline; numbers in the shortest form that reads back the same.
std::string golden_line(const std::string &row_json, const Manifest &manifest, const GoldenAnswer &answer);

}  // namespace weighbridge::lib
