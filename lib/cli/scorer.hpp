// SPDX-License-Identifier: Apache-2.0
// Scores chunks of a file, and writes their lines.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/payments.hpp"
#include "cli/pipeline.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

struct ScoreSettings {
    Format output = Format::csv;
    size_t batch = 0;                                 // rows in one call; 0: one by one
    std::optional<std::chrono::microseconds> budget;  // of each call
    std::vector<std::string> bands;                   // names
};

// A Failure where an id has the name of another column of the output or of the rejects.
void refuse_taken_names(const std::vector<std::string> &ids);

// The first line of the output or of the rejects; "" for NDJSON.
std::string output_header(const ScoreSettings &settings, const std::vector<std::string> &ids);
std::string rejects_header(const ScoreSettings &settings, const std::vector<std::string> &ids);

// A line of the rejects: "line", the ids (nothing where they were not read, or are a private feature), "status",
// "feature", "reason".
void append_reject(std::string &out, Format format, const Record &record, const Payment &payment, const Error &error,
                   const Payments &payments);

// A worker for one thread. Model, payments and settings must outlive it.
Worker make_scorer(const Model &model, const Payments &payments, const ScoreSettings &settings);

}  // namespace weighbridge::cli
