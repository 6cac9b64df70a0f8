// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluation.hpp"

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/progress.hpp"
#include "cli/scorer.hpp"
#include "cli/summary.hpp"

namespace weighbridge::cli {

Ranking evaluate(const Model &model, const EvaluationFile &evaluation) {
    constexpr size_t kRows = 256;
    Input input;
    input.path = evaluation.file;
    input.allow_unknown = true;
    InputOptions options;
    options.label = evaluation.label;
    InputFile file = input.open(model.schema(), options);
    ScoreSettings settings;
    settings.batch = kRows;
    std::vector<Labelled> labelled;
    uint64_t rows = 0, rejected = 0;
    {
        Progress progress;
        run_pipeline(
            *file.reader, 1, kRows, [&] { return make_scorer(model, *file.payments, settings); },
            [&](Chunk &chunk) {
                labelled.insert(labelled.end(), chunk.labelled.begin(), chunk.labelled.end());
                rows += chunk.rows;
                rejected += chunk.rejected;
                progress.show(rows, rejected);
            });
    }
    auto ranking = rank(labelled, alert_share);
    if (!ranking)
        throw Failure(exit_failed, "'" + evaluation.file + "': expected rows with " + evaluation.label +
                                       " 0 and 1 that can be scored, got " + std::to_string(labelled.size()) +
                                       " of one kind (" + std::to_string(rejected) + " of " + std::to_string(rows) +
                                       " rows were rejected)");
    return *ranking;
}

}  // namespace weighbridge::cli
