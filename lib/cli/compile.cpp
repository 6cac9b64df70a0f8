// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle_file.hpp"
#include "cli/command.hpp"
#include "cli/evaluation.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

class Compile final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        options.names(
            "--precision", options_.precisions, precision_names(),
            "fp32, bf16, int8, int8bf16, or a list (default fp32); the first serves by default and is fp32 or "
            "int8");
        options.text("--eval", evaluation_.file, "payments with labels: AUC and AP of each precision");
        options.text("--label", evaluation_.label,
                     "with --eval: the column with 0 or 1, or nothing where it is not known (default label)");
        options.flag("--dump-passes", options_.dump_passes, "print the graph after each pass");
        options.flag("--json", json_, "print the report as JSON");
        choice_.declare_engine(options);
    }

    int run() override {
        if (evaluation_.file.empty() && evaluation_.label != EvaluationFile().label)
            throw Failure(exit_usage, "expected --eval beside --label");
        check_streams();
        Engine engine = choice_.engine();
        options_.named = {{"import_cache", choice_.cache()}};
        const Reported compiled = compile(engine, choice_.directory, options_);
        Report report = Report::parse(compiled.report);  // null where there is nothing to tell
        if (options_.dump_passes && !json_ && compiled.outcome)
            for (auto &[name, pass] : report["passes"].members())
                std::printf("# %s\n%s\n", pass["pass"].text().c_str(), pass["graph"].text().c_str());
        if (!evaluation_.file.empty() && compiled.outcome) add_evaluation(engine, report);
        const std::string lines = json_ ? "" : lines_of(report);
        if (!report.members().empty()) print_report(report, json_);
        std::fputs(lines.c_str(), stdout);
        compiled.outcome.value();
        warn_of_end(choice_.directory);
        return exit_ok;
    }

  private:
    // What tables have no room for: what does not lower, the golden lines that do not come out.
    static std::string lines_of(Report &report) {
        if (!report.is_part()) return {};
        report.erase("passes");
        std::string lines = take_lines(report, "refused");
        if (!lines.empty()) return lines;
        for (auto &[name, entry] : report["precisions"].members())
            lines += take_lines(entry, "mismatches", entry["precision"].text() + ": ");
        return lines;
    }

    // Ranks the labelled payments in each precision; the first, as the plan's own, is what the others are held against.
    void add_evaluation(const Engine &engine, Report &report) const {
        std::optional<Ranking> first;
        for (auto &[name, entry] : report["precisions"].members()) {
            LoadOptions load = choice_.load();
            load.precision = entry["precision"].text();
            load.verify = false;
            auto model = Model::load(engine, choice_.directory, load);
            if (!model) {
                const std::string &why = model.error().message;
                entry["evaluation"] = "not run: " + why.substr(0, why.find(';'));
                continue;
            }
            const Ranking ranking = evaluate(*model, evaluation_, entry);
            if (!first) {
                first = ranking;
                continue;
            }
            if (ranking.auc && first->auc) entry["auc_change"] = *ranking.auc - *first->auc;
            entry["average_precision_change"] = ranking.average_precision - first->average_precision;
        }
    }

    ModelChoice choice_;
    CompileOptions options_;
    EvaluationFile evaluation_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_compile() { return std::make_unique<Compile>(); }

}  // namespace weighbridge::cli
