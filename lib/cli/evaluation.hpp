// SPDX-License-Identifier: Apache-2.0
// How well a model ranks a file of labelled payments.
#pragma once

#include <string>

#include "cli/metrics.hpp"
#include "cli/report.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

struct EvaluationFile {
    std::string file;             // .csv, .ndjson or .jsonl
    std::string label = "label";  // column with 0 or 1
};

// Scores the file in batches, ranks it, and adds to the report how many rows it has, how many were rejected, have a
// label or were answered by the fallback. A Failure says where the file is not as expected, or that no row could be
// ranked. Columns that the model does not know are passed over.
Ranking evaluate(const Model &model, const EvaluationFile &evaluation, Report &report);

}  // namespace weighbridge::cli
