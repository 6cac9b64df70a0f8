// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/bundle_file.hpp"
#include "cli/command.hpp"
#include "cli/evaluation.hpp"

namespace weighbridge::cli {

namespace {

using Json = nlohmann::ordered_json;

class Compile final : public Verb {
  public:
    void declare(CLI::App &app) override {
        choice_.declare_directory(app);
        app.add_option("--precision", options_.precisions,
                       "fp32, bf16, int8, int8bf16, or a list; the first serves by default and is fp32 or int8")
            ->capture_default_str();
        app.add_option("--eval", evaluation_.file, "payments with labels: AUC and AP of each precision");
        app.add_option("--label", evaluation_.label, "with --eval: the column with 0 or 1")->capture_default_str();
        app.add_flag("--dump-passes", options_.dump_passes, "print the graph after each pass");
        app.add_flag("--json", json_, "print the report as JSON");
        choice_.declare_engine(app);
    }

    int run() override {
        Engine engine = choice_.engine();
        Json report = Json::parse(compile(engine, choice_.directory, options_).value());
        if (options_.dump_passes && !json_)
            for (const Json &pass : report["passes"])
                std::printf("# %s\n%s\n", pass["pass"].get<std::string>().c_str(),
                            pass["graph"].get<std::string>().c_str());
        if (!evaluation_.file.empty()) add_evaluation(engine, report);
        if (!json_) report.erase("passes");
        print_report(report.dump(), json_);
        return exit_ok;
    }

  private:
    // Ranks the labelled payments in each precision; the first, as the plan's own, is what the others are held against.
    void add_evaluation(const Engine &engine, Json &report) const {
        std::optional<Ranking> first;
        for (Json &entry : report["precisions"]) {
            LoadOptions load;
            load.precision = entry["precision"].get<std::string>();
            load.verify = false;
            auto model = Model::load(engine, choice_.directory, load);
            if (!model) {
                const std::string &why = model.error().message;
                entry["evaluation"] = "not run: " + why.substr(0, why.find(';'));
                continue;
            }
            const Ranking ranking = evaluate(*model, evaluation_);
            entry["auc"] = ranking.auc;
            entry["average_precision"] = ranking.average_precision;
            if (first) {
                entry["auc_change"] = ranking.auc - first->auc;
                entry["average_precision_change"] = ranking.average_precision - first->average_precision;
            } else {
                first = ranking;
            }
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
