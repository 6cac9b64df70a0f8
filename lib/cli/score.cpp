// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <thread>

#include "cli/bundle_file.hpp"
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/scorer.hpp"
#include "cli/summary.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

// Rows that a thread takes at a time: enough that handing them over does not show, few enough that memory stays small
// with records of max_record_bytes.
constexpr size_t chunk_rows = 256;

class Score final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        input_.declare(options);
        options.required("--output", output_, "scores: .csv, .ndjson or .jsonl; - for stdout");
        options.text("--rejects", rejects_,
                     "rows that could not be scored (default: OUTPUT.rejects, or stderr where OUTPUT is no file)");
        options.texts("--id", ids_, "a column to pass through; may be repeated");
        options.text("--label", label_, "a column with 0 or 1, or nothing where it is not known: adds an evaluation");
        options.count("--threads", threads_, 1, 256, "threads (default: the CPUs that may be used)");
        options.count("--contexts", choice_.contexts, 1, 256, "contexts (default: automatic)");
        choice_.declare_devices(options);
        options.count("--batch", batch_, 1, 1 << 20, "score in batches of this many rows (default: one by one)");
        options.count("--deadline-us", deadline_us_, 1, 1 << 30,
                      "budget of each call, in microseconds (default: none)");
        choice_.declare_load(options);
        choice_.declare_no_verify(options);
        options.flag("--json", json_, "print the summary as JSON");
    }

    int run() override {
        const std::string rejects_file = rejects_path();
        destination_of(summary_path());  // a Failure where it is closed
        check_outputs(input_.path, choice_.directory, {{"--output", output_}, {"--rejects", rejects_file}});
        const Format output = output_format("--output", output_, format_of(input_.format, input_.path));
        if (!rejects_.empty()) output_format("--rejects", rejects_, output);
        refuse_taken_names(ids_);
        Engine engine = choice_.engine();
        Model model = choice_.loaded(engine);
        InputOptions options;
        options.ids = ids_;
        options.label = label_;
        InputFile file = input_.open(model.schema(), options);

        ScoreSettings settings;
        settings.output = output;
        settings.batch = batch_;
        if (deadline_us_) settings.budget = std::chrono::microseconds(deadline_us_);
        settings.bands = band_names(choice_.directory);
        watch_interrupt();
        Output scores(output_), rejects(rejects_file);
        scores.write(output_header(settings, ids_));
        rejects.write(rejects_header(settings, ids_));

        Summary summary;
        int64_t begin = wb_now_ns();
        {
            Progress progress;
            unsigned threads = threads_ ? threads_ : std::max(1u, std::thread::hardware_concurrency());
            run_pipeline(
                *file.reader, threads, std::max<size_t>(chunk_rows, batch_),
                [&] { return make_scorer(model, *file.payments, settings); },
                [&](Chunk &chunk) {
                    scores.write(chunk.output);
                    rejects.write(chunk.rejects);
                    summary.add(chunk);
                    progress.show(summary.rows, summary.rejected);
                });
        }
        double seconds = static_cast<double>(wb_now_ns() - begin) * 1e-9;
        scores.finish();
        rejects.finish();
        try {
            report(summary, seconds, settings, model);
        } catch (const Failure &) {
            if (!interrupted()) throw;  // Ctrl-C ends a summary's reader too, which is no reason to lose the rows
        }
        scores.close();
        rejects.close();
        if (interrupted())
            throw Failure(interrupt_exit(),
                          formatted("ended by {} after {} rows, {}: scores to '{}', rejects to '{}'", interrupt_name(),
                                    summary.rows, what_is_written(scores, rejects), output_, rejects_file));
        return summary.rejected ? exit_rejected : exit_ok;
    }

  private:
    std::string rejects_path() const {
        if (!rejects_.empty()) return rejects_;
        return destination_of(output_).is_file ? output_ + ".rejects" : to_stderr;
    }

    // stdout, or stderr where the scores go to stdout.
    std::string summary_path() const { return destination_of(output_).descriptor == STDOUT_FILENO ? to_stderr : "-"; }

    void report(Summary &summary, double seconds, const ScoreSettings &settings, const Model &model) const {
        Report info = Report::parse(model.info().value());
        const std::string &backend = info["serving"]["backend"].text();
        Report report = summary.report(seconds, ids_, settings.bands, batch_, backend, !label_.empty());
        if (!choice_.devices.empty()) report["gpu_rows"] = summary.on_gpus;
        print_report(report, json_, summary_path());
    }

    ModelChoice choice_;
    Input input_;
    std::string output_, rejects_, label_;
    std::vector<std::string> ids_;
    uint32_t threads_ = 0, batch_ = 0, deadline_us_ = 0;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_score() { return std::make_unique<Score>(); }

}  // namespace weighbridge::cli
