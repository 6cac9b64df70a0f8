// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/expected.hpp"
#include "bundle/bundle.hpp"

namespace weighbridge::lib {

// A line of golden.jsonl: a row, and what each output must be (activation applied, before calibration).
struct GoldenVector {
    std::vector<uint64_t> row;                // in the schema's row layout
    std::vector<std::vector<float>> outputs;  // by output, in the manifest's order
};

// WB_INVALID_BUNDLE names the line and what is wrong in it.
Expected<std::vector<GoldenVector>> read_golden(const Bundle &bundle);

// `count` rows that the schema accepts, seeded by the schema's digest, as JSON objects: numbers over the range (or
// around the standardisation), every category, texts from the vocabulary, lengths from 0 to the limit. The same schema
// gives the same rows.
std::vector<std::string> generate_golden_rows(const Bundle &bundle, int64_t count);

// One line of golden.jsonl, without its newline; floats in the shortest form that reads back the same.
std::string golden_line(const std::string &row_json, const Manifest &manifest,
                        const std::vector<std::vector<float>> &outputs);

}  // namespace weighbridge::lib
