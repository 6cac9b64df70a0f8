// SPDX-License-Identifier: Apache-2.0
#include "cli/scorer.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/printable.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

// A member of a line of NDJSON.
void append_member(std::string &out, std::string_view name, const std::optional<std::string> &value) {
    out += formatted(",{}:{}", json_text(name), value ? json_text(*value) : "null");
}

// What the output says of one payment.
struct Answer {
    double score = 0.0, probability = 0.0;
    int32_t band = -1, reason = WB_REASON_NONE, backend = WB_BACKEND_NONE, device = -1;
};

class Scorer {
  public:
    Scorer(const Model &model, const Payments &payments, const ScoreSettings &settings)
        : model_(model), payments_(payments), settings_(settings), row_(payments.schema()), rows_(payments.schema()) {
        if (settings.batch) batch_.emplace(Batch::create(payments.schema()).value());
    }

    void operator()(Chunk &chunk) {
        chunk.bands.assign(settings_.bands.size(), 0);
        chunk.band_frauds.assign(settings_.bands.size(), 0);
        chunk.with_id.assign(payments_.options().ids.size(), 0);
        for (const Record &record : chunk.records) {
            if (interrupted()) {
                chunk.cut = true;
                break;
            }
            if (record.lines > chunk.longest.lines) chunk.longest = {record.line, record.lines};
            if (auto read = read_record(record); !read) {
                reject(chunk, record, payment_, read.error());
            } else if (!settings_.batch) {
                score_row(chunk, record);
            } else {
                rows_.push_back(row_);
                pending_.emplace_back(&record, payment_);
                if (pending_.size() == settings_.batch) score_batch(chunk);
            }
            for (size_t i = 0; i < payment_.ids.size(); ++i) chunk.with_id[i] += !payment_.ids[i].value_or("").empty();
            ++chunk.rows;
        }
        if (!pending_.empty()) score_batch(chunk);
    }

  private:
    Deadline deadline() const { return settings_.budget ? Deadline(*settings_.budget) : Deadline(); }

    Expected<void> read_record(const Record &record) {
        if (auto read = payments_.read(record, row_, payment_); !read) return read;
        if (settings_.output == Format::ndjson)
            for (size_t i = 0; i < payment_.ids.size(); ++i)
                if (!is_utf8(*payment_.ids[i]))
                    return Error{WB_INVALID_INPUT,
                                 formatted("id '{}': expected UTF-8, which JSON is", payments_.options().ids[i]), -1,
                                 0};
        return {};
    }

    void reject(Chunk &chunk, const Record &record, const Payment &payment, const Error &error) {
        append_reject(chunk.rejects, settings_.output, record, payment, error, payments_);
        ++chunk.rejected;
    }

    void score_row(Chunk &chunk, const Record &record) {
        int64_t begin = wb_now_ns();
        auto result = model_.score(row_, deadline());
        chunk.latencies_ns.push_back(wb_now_ns() - begin);
        if (!result)
            refuse(chunk, record, payment_, result.error());
        else
            accept(chunk, record, payment_,
                   {result->score, result->probability, result->band, result->reason, result->backend, result->device});
    }

    // A row that is wrong is rejected; anything else would fail for every row, and ends the command.
    void refuse(Chunk &chunk, const Record &record, const Payment &payment, const Error &error) {
        if (error.code != WB_INVALID_INPUT) throw Exception(error);
        reject(chunk, record, payment, error);
    }

    void score_batch(Chunk &chunk) {
        batch_->rows(rows_).value();
        int64_t begin = wb_now_ns();
        const BatchResult result = model_.score(*batch_, deadline()).value();
        chunk.latencies_ns.push_back(wb_now_ns() - begin);
        for (size_t i = 0; i < pending_.size(); ++i) {
            const auto &[record, payment] = pending_[i];
            int32_t status = batch_->statuses()[i];
            if (status < 0) {
                auto checked = batch_->check(i);
                refuse(chunk, *record, payment,
                       checked ? Error{status, "the row was not scored", -1, 0} : checked.error());
            } else {
                accept(chunk, *record, payment,
                       {batch_->scores()[i], batch_->probabilities()[i], batch_->bands()[i], batch_->reasons()[i],
                        result.backend, batch_->devices()[i]});
            }
        }
        pending_.clear();
        rows_.clear();
    }

    void accept(Chunk &chunk, const Record &record, const Payment &payment, const Answer &answer) {
        ++chunk.scored;
        ++chunk.fallbacks[answer.reason];
        chunk.on_gpus += answer.device > 0;
        if (answer.reason == WB_REASON_NONE) ++chunk.backends[answer.backend];
        auto band = static_cast<size_t>(answer.band);
        std::string_view name;
        if (answer.band >= 0 && band < settings_.bands.size()) {
            name = settings_.bands[band];
            ++chunk.bands[band];
            chunk.band_frauds[band] += payment.fraud.value_or(false) ? 1 : 0;
        }
        if (payment.fraud) ++chunk.with_label;
        // A fallback's score says nothing of the model.
        if (payment.fraud && answer.reason == WB_REASON_NONE) chunk.labelled.push_back({answer.score, *payment.fraud});
        append_answer(chunk.output, record.line, payment, answer, name);
    }

    void append_answer(std::string &out, uint64_t line, const Payment &payment, const Answer &answer,
                       std::string_view band) const {
        const char *by = answer.reason == WB_REASON_NONE ? "model" : "fallback";
        if (settings_.output == Format::csv) {
            out += formatted("{}", line);
            for (const auto &id : payment.ids) append_csv(out += ',', *id);
            out += formatted(",{},{},", answer.score, answer.probability);
            append_csv(out, band);
            out += formatted(",{},{}\n", by, answer.reason == WB_REASON_NONE ? "" : reason_name(answer.reason));
            return;
        }
        out += formatted("{{\"line\":{}", line);
        for (size_t i = 0; i < payment.ids.size(); ++i) append_member(out, payments_.options().ids[i], payment.ids[i]);
        out += formatted(",\"score\":{},\"probability\":{}", answer.score, answer.probability);
        out += formatted(",\"band\":{},\"answer\":\"{}\"", band.empty() ? "null" : json_text(band), by);
        if (answer.reason != WB_REASON_NONE) out += formatted(",\"reason\":\"{}\"", reason_name(answer.reason));
        out += "}\n";
    }

    const Model &model_;
    const Payments &payments_;
    const ScoreSettings &settings_;
    Row row_;
    Payment payment_;
    Rows rows_;  // of the batch that is being gathered, as `pending_` is
    std::optional<Batch> batch_;
    std::vector<std::pair<const Record *, Payment>> pending_;
};

}  // namespace

std::string output_header(const ScoreSettings &settings, const std::vector<std::string> &ids) {
    if (settings.output == Format::ndjson) return {};
    std::string header = "line";
    for (const std::string &id : ids) append_csv(header += ',', id);
    return header + ",score,probability,band,answer,reason\n";
}

std::string rejects_header(const ScoreSettings &settings, const std::vector<std::string> &ids) {
    if (settings.output == Format::ndjson) return {};
    std::string header = "line";
    for (const std::string &id : ids) append_csv(header += ',', id);
    return header + ",status,feature,reason\n";
}

void refuse_taken_names(const std::vector<std::string> &ids) {
    constexpr std::string_view taken[] = {"line",   "score",  "probability", "band",
                                          "answer", "reason", "status",      "feature"};
    for (const std::string &id : ids)
        if (std::find(std::begin(taken), std::end(taken), id) != std::end(taken))
            throw Failure(exit_usage,
                          formatted("--id '{}': the output has a column of that name; rename the input's", id));
}

void append_reject(std::string &out, Format format, const Record &record, const Payment &payment, const Error &error,
                   const Payments &payments) {
    const std::vector<std::string> &names = payments.options().ids;
    std::span<const wb_feature_info> features = payments.schema().features();
    bool named = error.feature >= 0 && static_cast<size_t>(error.feature) < features.size();
    std::string feature = named ? features[static_cast<size_t>(error.feature)].name : "";
    std::string reason = error.message;
    if (record.lines > 1) reason += formatted(" (in a record of {} lines)", record.lines);
    auto id = [&](size_t i) { return payments.is_private(names[i]) ? std::nullopt : payment.ids[i]; };
    out += format == Format::csv ? formatted("{}", record.line) : formatted("{{\"line\":{}", record.line);
    if (format == Format::csv) {
        for (size_t i = 0; i < names.size(); ++i) append_csv(out += ',', id(i).value_or(""));
        out += formatted(",{},", error.name());
        append_csv(out, feature);
        append_csv(out += ',', reason);
        out += '\n';
    } else {
        for (size_t i = 0; i < names.size(); ++i) append_member(out, names[i], id(i));
        append_member(out, "status", error.name());
        append_member(out, "feature", named ? std::optional(feature) : std::nullopt);
        append_member(out, "reason", reason);
        out += "}\n";
    }
}

Worker make_scorer(const Model &model, const Payments &payments, const ScoreSettings &settings) {
    auto scorer = std::make_shared<Scorer>(model, payments, settings);
    return [scorer](Chunk &chunk) { (*scorer)(chunk); };
}

}  // namespace weighbridge::cli
