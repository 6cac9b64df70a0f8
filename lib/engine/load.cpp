// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "bundle/golden.hpp"
#include "engine/engine.hpp"

namespace weighbridge::lib {
namespace {

// Keeps the outputs of one row.
class OutputSink final : public RowSink {
  public:
    explicit OutputSink(const Manifest &manifest) : manifest_(manifest) {}
    void answered(int64_t, const Answer &answer) override {
        values.clear();
        for (size_t i = 0; i < manifest_.outputs.size(); ++i)
            values.emplace_back(answer.outputs[i], answer.outputs[i] + manifest_.outputs[i].width);
    }
    void refused(int64_t, const Status &) override {}
    void failed(int64_t, const Status &) override {}
    std::vector<std::vector<float>> values;

  private:
    const Manifest &manifest_;
};

}  // namespace

Status VerifyReport::verdict(const Manifest &manifest) const {
    for (size_t i = 0; i < largest_difference.size(); ++i)
        if (!(largest_difference[i] <= tolerance))
            return Status::failure(WB_VERIFY_FAILED,
                                   "golden.jsonl: output '{}': expected within {} of the golden vectors, found {}",
                                   manifest.outputs[i].name, tolerance, largest_difference[i]);
    return Status();
}

// The first allowed engine that can run the bundle. Where none can, the message has what each of them said.
Expected<std::shared_ptr<const Program>> Engine::prepare(const std::shared_ptr<const Bundle> &bundle,
                                                         const LoadOptions &options) {
    std::string reasons;
    for (const std::string &name : options.engines) {
        Backend *backend = name == native_->name()      ? native_.get()
                           : name == reference_->name() ? reference_.get()
                                                        : torchscript_.get();
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
    const bool runs_module = std::find(engines.begin(), engines.end(), torchscript_->name()) != engines.end();
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
                  : Status::failure(WB_OK, "a bundle was refused: {}", model.status().message);
        runtime_->logger.event(model ? WB_LOG_LOADED : WB_LOG_REFUSED, line.message);
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
    report.mean_difference.assign(manifest.outputs.size(), 0.0);
    std::string precision(precision_name(model.program().precision()));
    auto tolerance = manifest.tolerances.find(precision);
    report.tolerance = tolerance == manifest.tolerances.end() ? Tolerance{}.absolute : tolerance->second.absolute;
    OutputSink sink(manifest);
    for (size_t line = 0; line < golden->size(); ++line) {
        const GoldenVector &vector = (*golden)[line];
        Timing timing;
        StridedRows row(*bundle.schema(), vector.row.data(), 0);
        Status status = model.score(row, Service{}, sink, timing);
        if (!status.ok()) {
            auto failure = Status::failure(status.code == WB_INVALID_INPUT ? int32_t{WB_INVALID_BUNDLE} : status.code,
                                           "golden.jsonl: line {}: {}", line + 1, status.message);
            return failure;
        }
        for (size_t i = 0; i < sink.values.size(); ++i)
            for (size_t k = 0; k < sink.values[i].size(); ++k) {
                double difference = std::fabs(static_cast<double>(sink.values[i][k]) - vector.outputs[i][k]);
                report.mean_difference[i] += difference / static_cast<double>(golden->size() * sink.values[i].size());
                report.largest_difference[i] = std::max(report.largest_difference[i], difference);
            }
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
    OutputSink sink(manifest);
    std::string lines;
    const auto rows = generate_golden_rows(*bundle, count);
    for (size_t i = 0; i < rows.size(); ++i) {
        const std::string &json = rows[i];
        // A tail as large as the text of the row is enough: no value takes more bytes than eight for each of its
        // characters.
        std::vector<uint64_t> row(bundle->schema()->fixed_bytes() / 8 + json.size() + 8);
        Status status = init_row(*bundle->schema(), row.data(), row.size() * 8);
        if (status.ok()) status = set_row_json(*bundle->schema(), row.data(), json, manifest.limits.length);
        Timing timing;
        if (status.ok())
            status = (*model)->score(StridedRows(*bundle->schema(), row.data(), 0), Service{}, sink, timing);
        if (!status.ok()) {
            auto failure = Status::failure(status.code, "generated golden row {} of {}: {}", i + 1, rows.size(),
                                           status.message);
            return failure;
        }
        lines += golden_line(json, manifest, sink.values) + "\n";
    }
    return lines;
}

}  // namespace weighbridge::lib
