// SPDX-License-Identifier: Apache-2.0
// How well a model ranks a file of labelled payments.
#pragma once

#include <string>

#include "cli/metrics.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

struct EvaluationFile {
    std::string file;             // .csv, .ndjson or .jsonl
    std::string label = "label";  // column with 0 or 1
};

// Scores the file in batches and ranks it. A Failure says where the file is not as expected, or that its labels are all
// the same. Columns that the model does not know are passed over.
Ranking evaluate(const Model &model, const EvaluationFile &evaluation);

}  // namespace weighbridge::cli
