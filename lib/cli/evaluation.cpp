// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluation.hpp"

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/progress.hpp"
#include "cli/scorer.hpp"
#include "cli/summary.hpp"

namespace weighbridge::cli {

Ranking evaluate(const Model &model, const EvaluationFile &evaluation, Report &report) {
    constexpr size_t kRows = 256;
    Input input;
    input.path = evaluation.file;
    input.allow_unknown = true;
    InputOptions options;
    options.label = evaluation.label;
    InputFile file = input.open(model.schema(), options);
    ScoreSettings settings;
    settings.batch = kRows;
    Summary summary;
    {
        Progress progress;
        run_pipeline(
            *file.reader, 1, kRows, [&] { return make_scorer(model, *file.payments, settings); },
            [&](Chunk &chunk) {
                summary.add(chunk);
                progress.show(summary.rows, summary.rejected);
            });
    }
    summary.add_counts(report);
    auto ranking = summary.add_ranking(report);
    if (!ranking)
        throw Failure(exit_failed, "'" + evaluation.file + "': expected rows with " + evaluation.label +
                                       " 0 or 1 that can be scored, found none among " + std::to_string(summary.rows) +
                                       " rows, of which " + std::to_string(summary.rejected) + " were rejected");
    return *ranking;
}

}  // namespace weighbridge::cli
