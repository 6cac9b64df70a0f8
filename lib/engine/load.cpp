// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "bundle/golden.hpp"
#include "engine/engine.hpp"
#include "registry/activation.hpp"

namespace weighbridge::lib {
namespace {

// Scores one row at a time and keeps the answer.
class AnswerSink final : public RowSink {
  public:
    explicit AnswerSink(Model &model) : model_(model), manifest_(model.bundle().manifest()) {}

    Status score(const RowSource &row) {
        int64_t index = 0;
        Progress progress;
        Timing timing;
        failure_ = Status();
        Status status = model_.score(row, {&index, 1}, Service{}, *this, progress, timing);
        return status.ok() ? failure_ : status;
    }

    void answered(int64_t, const Answer &from) override {
        primary = from.score;
        answer = GoldenAnswer{};
        for (size_t i = 0; i < manifest_.outputs.size(); ++i)
            answer.outputs.emplace_back(from.outputs[i], from.outputs[i] + manifest_.outputs[i].width);
        answer.probability = from.probability;
        if (from.band >= 0) answer.band = from.band;
    }
    void refused(int64_t, const Status &why) override { failure_ = why; }
    void failed(int64_t, const Status &why) override { failure_ = why; }

    double primary = 0.0;
    GoldenAnswer answer;

  private:
    Model &model_;
    const Manifest &manifest_;
    Status failure_;
};

std::string band_name(const Output &output, const std::optional<int32_t> &band) {
    return band ? output.bands[static_cast<size_t>(*band)].name : std::string("none");
}

// Compares probability and band with what a vector has of them. They may be as far off as the tolerance of the outputs
// makes them; a band is another one only where its edge is out of that reach.
void compare_decision(const Output &primary, size_t line, const GoldenAnswer &golden, const AnswerSink &found,
                      VerifyReport &report) {
    if (!golden.probability) return;
    const double expected = *golden.probability, got = *found.answer.probability;
    const double reach = probability_reach(primary, found.primary, report.tolerance);
    ++report.probabilities;
    report.largest_probability_difference = std::max(report.largest_probability_difference, std::fabs(got - expected));
    if (!(std::fabs(got - expected) <= reach) && report.mismatch.ok())
        report.mismatch = Status::failure(WB_VERIFY_FAILED,
                                          "golden.jsonl: line {}: probability of output '{}': expected {} within {}, "
                                          "found {}",
                                          line, primary.name, expected, reach, got);
    if (!golden.band) return;
    ++report.bands;
    const int32_t lowest = band_of(primary.bands, expected - reach), highest = band_of(primary.bands, expected + reach);
    const auto near = [&](const std::optional<int32_t> &band) { return band && *band >= lowest && *band <= highest; };
    if ((!near(golden.band) || !near(found.answer.band)) && report.mismatch.ok())
        report.mismatch = Status::failure(
            WB_VERIFY_FAILED, "golden.jsonl: line {}: band: expected {} for a probability of {}, found {}", line,
            band_name(primary, golden.band), expected, band_name(primary, found.answer.band));
}

}  // namespace

Status VerifyReport::verdict(const Manifest &manifest) const {
    for (size_t i = 0; i < largest_difference.size(); ++i)
        if (!(largest_difference[i] <= tolerance))
            return Status::failure(
                WB_VERIFY_FAILED,
                "golden.jsonl: output '{}': expected within {} of the golden vectors, found {} in line {}",
                manifest.outputs[i].name, tolerance, largest_difference[i], largest_line[i]);
    return mismatch;
}

// The first allowed engine that can run the bundle. Where none can, the message has what each of them said.
Expected<std::shared_ptr<const Program>> Engine::prepare(const std::shared_ptr<const Bundle> &bundle,
                                                         const LoadOptions &options) {
    std::string reasons;
    for (const std::string &name : options.engines) {
        Backend *backend = name == parts_.native->name()      ? parts_.native.get()
                           : name == parts_.reference->name() ? parts_.reference.get()
                                                              : parts_.torchscript.get();
        auto program = backend->prepare(bundle, options.precision);
        if (program || program.status().code != WB_BACKEND_UNAVAILABLE) return program;
        reasons += formatted("{}{}: {}", reasons.empty() ? "" : "; ", name, program.status().message);
    }
    return Status::failure(WB_BACKEND_UNAVAILABLE, "{}", reasons);
}

Expected<Ref<Model>> Engine::make_model(const std::shared_ptr<const Bundle> &bundle, const LoadOptions &options) {
    auto program = prepare(bundle, options);
    if (!program) return program.status();
    return Model::make(runtime_, bundle, *std::move(program));
}

Expected<Ref<Model>> Engine::load_bundle(const std::string &path, const LoadOptions &options) {
    if (Status status = usable(); !status.ok()) return status;
    const auto &engines = options.engines;
    const bool runs_module = std::find(engines.begin(), engines.end(), parts_.torchscript->name()) != engines.end();
    auto bundle = Bundle::open(path, runs_module || options.check_module ? Bundle::Mode::full : Bundle::Mode::serving);
    if (!bundle) return bundle.status();
    auto model = make_model(*bundle, options);
    if (!model) return model.status();
    auto golden = read_golden(**bundle);
    if (!golden) return golden.status();
    if ((*model)->program().traits().inline_safe && !golden->empty()) {
        StridedRows row(*(*bundle)->schema(), (*golden)[0].row.data(), 0);
        if (Status status = (*model)->warm(row); !status.ok()) return status;
    }
    if (!options.verify) return model;
    auto report = verify(**model);
    if (!report) return report.status();
    if (Status verdict = report->verdict((*bundle)->manifest()); !verdict.ok()) return verdict;
    return model;
}

Expected<Ref<Model>> Engine::load(const std::string &path, const LoadOptions &options) {
    auto model = load_bundle(path, options);
    runtime_->reap();
    if (runtime_->logger.enabled()) {
        auto line =
            model ? Status::failure(WB_OK, "model '{}' {} was loaded", (*model)->bundle().manifest().identity.name,
                                    (*model)->bundle().manifest().identity.version)
                  : Status::failure(WB_OK, "bundle '{}' was refused: {}", path, model.status().message);
        runtime_->logger.event(model ? WB_LOG_LOADED : WB_LOG_REFUSED, line.message);
    }
    if (model) {
        for (const std::string &warning : (*model)->bundle().manifest().warnings) warn(**model, warning);
        warn(**model, fallback_problem(**model, nullptr));
    }
    return model;
}

Expected<VerifyReport> Engine::verify(Model &model) const {
    const Bundle &bundle = model.bundle();
    const Manifest &manifest = bundle.manifest();
    auto golden = read_golden(bundle);
    if (!golden) return golden.status();
    VerifyReport report;
    report.vectors = static_cast<int64_t>(golden->size());
    report.largest_difference.assign(manifest.outputs.size(), 0.0);
    report.largest_line.assign(manifest.outputs.size(), 0);
    report.mean_difference.assign(manifest.outputs.size(), 0.0);
    std::string precision(precision_name(model.program().precision()));
    auto tolerance = manifest.tolerances.find(precision);
    report.tolerance = tolerance == manifest.tolerances.end() ? Tolerance{}.absolute : tolerance->second.absolute;
    AnswerSink sink(model);
    for (size_t line = 0; line < golden->size(); ++line) {
        const GoldenVector &vector = (*golden)[line];
        const Status status = sink.score(StridedRows(*bundle.schema(), vector.row.data(), 0));
        if (!status.ok()) {
            auto failure = Status::failure(status.code == WB_INVALID_INPUT ? int32_t{WB_INVALID_BUNDLE} : status.code,
                                           "golden.jsonl: line {}: {}", line + 1, status.message);
            return failure;
        }
        const auto &expected = vector.answer.outputs, &found = sink.answer.outputs;
        for (size_t i = 0; i < found.size(); ++i)
            for (size_t k = 0; k < found[i].size(); ++k) {
                double difference = std::fabs(static_cast<double>(found[i][k]) - expected[i][k]);
                report.mean_difference[i] += difference / static_cast<double>(golden->size() * found[i].size());
                if (difference <= report.largest_difference[i]) continue;
                report.largest_difference[i] = difference;
                report.largest_line[i] = line + 1;
            }
        compare_decision(bundle.primary(), line + 1, vector.answer, sink, report);
    }
    return report;
}

Expected<std::string> Engine::compute_golden(const std::shared_ptr<const Bundle> &bundle, int64_t count) {
    if (Status status = usable(); !status.ok()) return status;
    LoadOptions options;
    options.engines = {"torchscript"};
    auto model = make_model(bundle, options);
    if (!model) return model.status();
    const Manifest &manifest = bundle->manifest();
    AnswerSink sink(**model);
    std::string lines;
    const auto rows = generate_golden_rows(*bundle, count);
    for (size_t i = 0; i < rows.size(); ++i) {
        const std::string &json = rows[i];
        // A tail as large as the text of the row is enough: no value takes more bytes than eight for each of its
        // characters.
        std::vector<uint64_t> row(bundle->schema()->fixed_bytes() / 8 + json.size() + 8);
        Status status = init_row(*bundle->schema(), row.data(), row.size() * 8);
        if (status.ok()) status = set_row_json(*bundle->schema(), row.data(), json, manifest.limits.length);
        if (status.ok()) status = sink.score(StridedRows(*bundle->schema(), row.data(), 0));
        if (!status.ok()) {
            auto failure =
                Status::failure(status.code, "generated golden row {} of {}: {}", i + 1, rows.size(), status.message);
            return failure;
        }
        lines += golden_line(json, manifest, sink.answer) + "\n";
    }
    return lines;
}

}  // namespace weighbridge::lib
