// SPDX-License-Identifier: Apache-2.0
#include "model/verify.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "bundle/golden.hpp"
#include "feature/row.hpp"
#include "model/activation.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {
namespace {

// Scores one row at a time and keeps the answer.
class AnswerSink final : public RowSink {
  public:
    explicit AnswerSink(Model &model, const StopSource &stop = {})
        : model_(model), manifest_(model.bundle().manifest()) {
        options_.deadline_ns = stop.deadline_ns;
        options_.cancel = stop.cancel;
    }

    Status score(const RowSource &row) {
        int64_t index = 0;
        Progress progress;
        Timing timing;
        failure_ = Status();
        Status status = model_.score(row, {&index, 1}, options_, *this, progress, timing);
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
    CallOptions options_;
    Status failure_;
};

// Keeps the outputs of all rows.
class OutputsSink final : public RowSink {
  public:
    explicit OutputsSink(size_t rows) : outputs(rows) {}

    void answered(int64_t row, const Answer &from) override {
        const auto &manifest = from.by->bundle().manifest();
        for (size_t i = 0; i < manifest.outputs.size(); ++i)
            outputs[static_cast<size_t>(row)].emplace_back(from.outputs[i],
                                                           from.outputs[i] + manifest.outputs[i].width);
    }
    void refused(int64_t row, const Status &why) override { failed(row, why); }
    void failed(int64_t, const Status &why) override {
        if (failure.ok()) failure = why;
    }

    std::vector<std::vector<std::vector<float>>> outputs;  // by row and output
    Status failure;
};

// Rows of their own lengths, side by side.
struct RowsTogether {
    RowsTogether(const Schema &schema, std::span<const GoldenVector> vectors) {
        size_t words = schema.fixed_bytes() / 8;
        for (const GoldenVector &vector : vectors) words = std::max(words, vector.row.size());
        memory.resize(words * vectors.size());
        for (size_t i = 0; i < vectors.size(); ++i)
            std::copy(vectors[i].row.begin(), vectors[i].row.end(), memory.begin() + static_cast<ptrdiff_t>(i * words));
        stride = static_cast<int64_t>(words * 8);
    }
    std::vector<uint64_t> memory;
    int64_t stride = 0;
};

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

std::string band_name(const Output &output, const std::optional<int32_t> &band) {
    return band ? output.bands[static_cast<size_t>(*band)].name : std::string("none");
}

// Of one golden vector.
void compare_outputs(const Manifest &manifest, size_t line, size_t lines, const GoldenAnswer &golden,
                     const AnswerSink &found, bool told, VerifyReport &report) {
    for (size_t i = 0; i < golden.outputs.size(); ++i) {
        const auto &expected = golden.outputs[i], &got = found.answer.outputs[i];
        double largest = 0.0;
        for (size_t k = 0; k < got.size(); ++k) {
            const double difference = std::fabs(static_cast<double>(got[k]) - expected[k]);
            report.mean_difference[i] += difference / static_cast<double>(lines * got.size());
            largest = std::max(largest, difference);
        }
        if (told && !(largest <= report.tolerance))
            report.mismatches.push_back(formatted("line {}: output '{}': expected within {}, found a difference of {}",
                                                  line, manifest.outputs[i].name, report.tolerance, largest));
        if (largest <= report.largest_difference[i]) continue;
        report.largest_difference[i] = largest;
        report.largest_line[i] = line;
    }
}

// Compares probability and band with what a vector has of them. They may be as far off as the tolerance of the outputs
// makes them; a band is another one only where its edge is out of that reach.
void compare_decision(const Output &primary, size_t line, const GoldenAnswer &golden, const AnswerSink &found,
                      bool told, VerifyReport &report) {
    if (!golden.probability) return;
    const double expected = *golden.probability, got = *found.answer.probability;
    const double reach = probability_reach(primary, found.primary, report.tolerance);
    const auto refuse = [&](const std::string &what) {
        if (told) report.mismatches.push_back(formatted("line {}: {}", line, what));
        if (report.mismatch.ok())
            report.mismatch = Status::failure(WB_VERIFY_FAILED, "golden.jsonl: line {}: {}", line, what);
    };
    ++report.probabilities;
    report.largest_probability_difference = std::max(report.largest_probability_difference, std::fabs(got - expected));
    if (!(std::fabs(got - expected) <= reach))
        refuse(formatted("probability of output '{}': expected {} within {}, found {}", primary.name, expected, reach,
                         got));
    if (!golden.band) return;
    ++report.bands;
    const int32_t lowest = band_of(primary.bands, expected - reach), highest = band_of(primary.bands, expected + reach);
    const auto near = [&](const std::optional<int32_t> &band) { return band && *band >= lowest && *band <= highest; };
    if (!near(golden.band) || !near(found.answer.band))
        refuse(formatted("band: expected {} for a probability of {}, found {}", band_name(primary, golden.band),
                         expected, band_name(primary, found.answer.band)));
}

}  // namespace

Status VerifyReport::verdict(const Manifest &manifest) const {
    for (size_t i = 0; i < largest_difference.size(); ++i)
        if (!(largest_difference[i] <= tolerance))
            return Status::failure(WB_VERIFY_FAILED,
                                   "golden.jsonl: output '{}': expected within {} (tolerances.{}) of the golden "
                                   "vectors, found {} in line {}",
                                   manifest.outputs[i].name, tolerance, precision, largest_difference[i],
                                   largest_line[i]);
    return mismatch;
}

Expected<VerifyReport> verify(Model &model, const StopSource &stop, Mismatches mismatches) {
    const Bundle &bundle = model.bundle();
    const Manifest &manifest = bundle.manifest();
    auto golden = read_golden(bundle, stop);
    if (!golden) return golden.status();
    VerifyReport report;
    report.vectors = static_cast<int64_t>(golden->size());
    report.largest_difference.assign(manifest.outputs.size(), 0.0);
    report.largest_line.assign(manifest.outputs.size(), 0);
    report.mean_difference.assign(manifest.outputs.size(), 0.0);
    report.precision = precision_name(model.program().precision());
    auto tolerance = manifest.tolerances.find(report.precision);
    report.tolerance = tolerance == manifest.tolerances.end() ? Tolerance{}.absolute : tolerance->second.absolute;
    AnswerSink sink(model, stop);
    for (size_t line = 1; line <= golden->size(); ++line) {
        const GoldenVector &vector = (*golden)[line - 1];
        const Status status = sink.score(StridedRows(*bundle.schema(), vector.row.data(), 0));
        if (is_stop(status.code))
            return ended_while(status.code, formatted("verifying line {} of {}", line, golden->size()));
        if (!status.ok())
            return Status::failure(status.code == WB_INVALID_INPUT ? int32_t{WB_INVALID_BUNDLE} : status.code,
                                   "golden.jsonl: line {}: {}", line, status.message);
        const bool told = mismatches == Mismatches::told;
        compare_outputs(manifest, line, golden->size(), vector.answer, sink, told, report);
        compare_decision(bundle.primary(), line, vector.answer, sink, told, report);
    }
    return report;
}

namespace {

// Rows [0, sink.outputs.size()) of the source, all together or one by one.
Status score_rows(Model &by, const RowSource &source, bool together, const StopSource &stop, OutputsSink &sink) {
    CallOptions options;
    options.deadline_ns = stop.deadline_ns;
    options.cancel = stop.cancel;
    std::vector<int64_t> order(sink.outputs.size());
    std::iota(order.begin(), order.end(), 0);
    const size_t step = together ? order.size() : 1;
    for (size_t at = 0; at < order.size(); at += step) {
        Progress progress;
        Timing timing;
        Status status = by.score(source, std::span(order).subspan(at, step), options, sink, progress, timing);
        if (is_stop(status.code)) return ended_while(status.code, "verifying rows together");
        if (!status.ok() || !sink.failure.ok()) return status.ok() ? sink.failure : status;
    }
    return {};
}

}  // namespace

Status verify_together(Model &model, Model &replica, const StopSource &stop) {
    const Bundle &bundle = model.bundle();
    auto golden = read_golden(bundle, stop);
    if (!golden) return golden.status();
    const std::span vectors(golden->data(), std::min(golden->size(), static_cast<size_t>(replica.tile_rows())));
    RowsTogether rows(*bundle.schema(), vectors);
    const StridedRows source(*bundle.schema(), rows.memory.data(), rows.stride);
    const bool alike = model.program().numerics() == replica.program().numerics();
    OutputsSink expected(vectors.size()), found(vectors.size());
    if (Status status = score_rows(alike ? model : replica, source, alike, stop, expected); !status.ok()) return status;
    if (Status status = score_rows(replica, source, true, stop, found); !status.ok()) return status;
    for (size_t line = 0; line < vectors.size(); ++line)
        for (size_t i = 0; i < expected.outputs[line].size(); ++i)
            if (!same_bits(expected.outputs[line][i], found.outputs[line][i]))
                return Status::failure(WB_VERIFY_FAILED,
                                       "golden.jsonl: output '{}': expected {} bits for {} rows that run together, got "
                                       "others in line {}",
                                       bundle.manifest().outputs[i].name, alike ? "the CPU's" : "each row's own",
                                       vectors.size(), line + 1);
    return {};
}

Expected<std::string> compute_golden(Model &model, int64_t count) {
    const Bundle &bundle = model.bundle();
    const Manifest &manifest = bundle.manifest();
    const Schema &schema = *bundle.schema();
    AnswerSink sink(model);
    std::string lines;
    const auto rows = generate_golden_rows(bundle, count);
    for (size_t i = 0; i < rows.size(); ++i) {
        const std::string &json = rows[i];
        // A tail as large as the text of the row is enough: no value takes more bytes than eight for each of its
        // characters.
        std::vector<uint64_t> row(schema.fixed_bytes() / 8 + json.size() + 8);
        Status status = init_row(schema, row.data(), row.size() * 8);
        if (status.ok()) status = set_row_json(schema, row.data(), json, manifest.limits.length);
        if (status.ok()) status = sink.score(StridedRows(schema, row.data(), 0));
        if (!status.ok())
            return Status::failure(status.code, "generated golden row {} of {}: {}", i + 1, rows.size(),
                                   status.message);
        lines += golden_line(json, manifest, sink.answer) + "\n";
    }
    return lines;
}

}  // namespace weighbridge::lib
