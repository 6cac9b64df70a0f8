// SPDX-License-Identifier: Apache-2.0
#include "engine/sinks.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace weighbridge::lib {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kNaN32 = std::numeric_limits<float>::quiet_NaN();

Status no_such_output(size_t count, size_t index) {
    return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}", count, index);
}

}  // namespace

void Sink::answered(int64_t row, const Answer &answer) {
    ++tally_.scored;
    if (reason_ == WB_REASON_NONE) {
        ran_ = answer.by;
    } else {
        ++tally_.fallbacks;
        ++tally_.by_spare;
    }
    write(row, answer);
}

void Sink::refused(int64_t row, const Status &why) {
    if (reason_ != WB_REASON_NONE) return answer_fixed(row);
    ++tally_.invalid;
    fail(row, why);
}

void Sink::failed(int64_t row, const Status &why) {
    if (reason_ != WB_REASON_NONE) return answer_fixed(row);
    if (tally_.failure.ok()) tally_.failure = why;
    if (!accept_fallback_) fail(row, why);
}

void Sink::fail(int64_t row, const Status &why) {
    ++tally_.errors;
    write_failure(row, why);
    if (!tally_.first.ok() && tally_.first.row <= row) return;
    tally_.first = why;
    tally_.first.row = row;
}

void Sink::answer_fixed(int64_t row) {
    ++tally_.fallbacks;
    const double score = manifest().fallback.score;
    write_fixed(row, score, band_of(model_.bundle().primary().bands, score));
}

Status ResultSink::check() const {
    const auto &outputs = manifest().outputs;
    for (size_t i = 0; i < buffers_.size(); ++i) {
        if (!buffers_[i].data) continue;
        if (i >= outputs.size()) return no_such_output(outputs.size(), i);
        if (buffers_[i].capacity < static_cast<size_t>(outputs[i].width))
            return Status::failure(WB_BUFFER_TOO_SMALL, "output '{}': expected room for {} floats, got {}",
                                   outputs[i].name, outputs[i].width, buffers_[i].capacity);
    }
    return {};
}

void ResultSink::write(int64_t, const Answer &answer) {
    made_.score = answer.score;
    made_.probability = answer.probability;
    made_.band = answer.band;
    made_.defaulted = answer.notes.defaulted;
    made_.clipped = answer.notes.clipped;
    answer.by->name_run(made_);
    if (reason() != WB_REASON_NONE) return;  // another model's outputs are not these
    for (size_t i = 0; i < buffers_.size(); ++i)
        if (buffers_[i].data) std::copy_n(answer.outputs[i], manifest().outputs[i].width, buffers_[i].data);
}

void ResultSink::write_fixed(int64_t, double score, int32_t band) {
    target().name(made_);
    made_.score = made_.probability = score;
    made_.band = band;
}

void ResultSink::conclude(Status &status, const Timing &timing) {
    if (!status.ok()) return;
    if (!tally().first.ok()) {
        status = tally().first;
        return;
    }
    status.code = made_.status = code();
    made_.reason = reason();
    made_.queue_ns = timing.queue_ns;
    made_.run_ns = timing.run_ns;
    out_ = made_;
}

Status ColumnSink::check() const {
    for (size_t i = manifest().outputs.size(); i < batch_.outputs().size(); ++i)
        if (batch_.outputs()[i].data) return no_such_output(manifest().outputs.size(), i);
    return {};
}

void ColumnSink::write(int64_t row, const Answer &answer) {
    put(row, answer, code(), -1);
    if (reason() != WB_REASON_NONE) return blank_outputs(row);  // another model's outputs are not these
    for (size_t i = 0; i < batch_.outputs().size(); ++i) {
        const ResultColumn &column = batch_.outputs()[i];
        if (column.data)
            std::memcpy(column.data + row * column.stride, answer.outputs[i],
                        static_cast<size_t>(manifest().outputs[i].width) * sizeof(float));
    }
}

void ColumnSink::write_fixed(int64_t row, double score, int32_t band) {
    Answer fixed;
    fixed.score = fixed.probability = score;
    fixed.band = band;
    put(row, fixed, code(), -1);
    blank_outputs(row);
}

void ColumnSink::write_failure(int64_t row, const Status &why) {
    Answer none;
    none.score = none.probability = kNaN;
    put(row, none, why.code, why.feature);
    blank_outputs(row);
}

void ColumnSink::put(int64_t row, const Answer &answer, int32_t status, int32_t feature) const {
    batch_.result(WB_COLUMN_SCORE).put(row, answer.score);
    batch_.result(WB_COLUMN_PROBABILITY).put(row, answer.probability);
    batch_.result(WB_COLUMN_BAND).put(row, answer.band);
    batch_.result(WB_COLUMN_STATUS).put(row, status);
    batch_.result(WB_COLUMN_REASON).put(row, status == WB_OK_FALLBACK ? reason() : int32_t{WB_REASON_NONE});
    batch_.result(WB_COLUMN_DEFAULTED).put(row, answer.notes.defaulted);
    batch_.result(WB_COLUMN_CLIPPED).put(row, answer.notes.clipped);
    batch_.result(WB_COLUMN_FEATURE).put(row, feature);
    batch_.result(WB_COLUMN_DEVICE).put(row, answer.by ? answer.by->device() : -1);
}

void ColumnSink::blank_outputs(int64_t row) const {
    for (size_t i = 0; i < batch_.outputs().size(); ++i)
        for (int64_t k = 0; batch_.outputs()[i].data && k < manifest().outputs[i].width; ++k)
            std::memcpy(batch_.outputs()[i].data + row * batch_.outputs()[i].stride + k * int64_t{sizeof(float)},
                        &kNaN32, sizeof kNaN32);
}

void ColumnSink::conclude(Status &status, const Timing &timing) {
    if (status.ok() && tally().errors > 0) {
        status = tally().first;
        status.code = WB_OK_PARTIAL;
    } else if (status.ok() && tally().fallbacks > 0) {
        status.code = WB_OK_FALLBACK;
    }
    wb_batch_result &made = out_.emplace(wb_batch_result WB_BATCH_RESULT_INIT);
    made.status = status.code;
    made.rows = batch_.window().rows;
    made.scored = tally().scored - tally().by_spare;
    made.fallbacks = tally().fallbacks;
    made.invalid = tally().invalid;
    made.failed = tally().errors - tally().invalid;
    if (tally().errors > 0) made.first_error = tally().first.row;
    made.reason = tally().fallbacks > 0 ? reason() : int32_t{WB_REASON_NONE};
    made.queue_ns = timing.queue_ns;
    made.run_ns = timing.run_ns;
    wb_result named{};
    if (tally().by_spare > 0) {
        answering().name(named);
        made.fallback_bundle = named.bundle;
    }
    ran().name_run(named);
    made.bundle = named.bundle;
    std::memcpy(made.version, named.version, sizeof made.version);
    if (made.scored == 0) return;
    made.backend = named.backend;
    made.precision = named.precision;
    made.numerics = named.numerics;
    made.device = named.device;
}

}  // namespace weighbridge::lib
