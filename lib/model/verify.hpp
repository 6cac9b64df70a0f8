// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/model.hpp"

namespace weighbridge::lib {

// How the golden vectors of a loaded model came out.
struct VerifyReport {
    int64_t vectors = 0;
    std::vector<double> largest_difference;  // by output
    std::vector<size_t> largest_line;        // by output: of golden.jsonl, from 1
    std::vector<double> mean_difference;     // by output, over its elements
    std::string precision;
    double tolerance = 0.0;     // the manifest's of that precision
    int64_t probabilities = 0;  // vectors that have one
    int64_t bands = 0;          // vectors that have one
    double largest_probability_difference = 0.0;
    Status mismatch;                      // the first probability or band that did not come out
    std::vector<std::string> mismatches;  // one for each output, probability and band of a vector that did not, if told

    // WB_VERIFY_FAILED names the first output beyond the tolerance, or the first probability or band.
    Status verdict(const Manifest &manifest) const;
};

// Whether the report lists them all, which a load has no use for.
enum class Mismatches { untold, told };

// Scores the bundle's golden vectors. WB_INVALID_BUNDLE names a vector that the bundle itself refuses.
Expected<VerifyReport> verify(Model &model, const StopSource &stop = {}, Mismatches mismatches = Mismatches::untold);

// Whether a replica gives a model's bits for golden rows that run together, where verify() runs them one by one: as
// many as fit in one of its tiles. One with other numerics: whether it gives those of each row alone. WB_VERIFY_FAILED
// names the first line and output that differ.
Status verify_together(Model &model, Model &replica, const StopSource &stop = {});

// The golden lines of `count` generated rows, as this model answers them.
Expected<std::string> compute_golden(Model &model, int64_t count);

}  // namespace weighbridge::lib
