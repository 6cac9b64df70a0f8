// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "batch/batch.hpp"
#include "model/model.hpp"

namespace weighbridge::lib {

// A caller's memory for one output of a single row; null where it is not wanted.
struct OutputBuffer {
    float *data = nullptr;
    size_t capacity = 0;
};

// Where the answers of a request go, and what they came to. Each row gets one of three: a model's answer, the fixed
// score of the bundle's fallback, or a failure.
class Sink : public RowSink {
  public:
    struct Tally {
        int64_t scored = 0;     // rows that a model answered
        int64_t fallbacks = 0;  // rows that a fallback answered: another model, or the fixed score
        int64_t by_spare = 0;   // of these, by the other model
        int64_t invalid = 0;    // rows refused
        int64_t errors = 0;     // rows without an answer: the refused ones and others
        Status first;           // failure of the lowest row that has one
        Status failure;         // the first that was the model's
    };

    // `model`: that of the target, which outlives the sink.
    Sink(const Model &model, bool accept_fallback)
        : model_(model), answering_(&model), ran_(&model), accept_fallback_(accept_fallback) {}

    // Whether the caller's memory fits the model's outputs. WB_INVALID_ARGUMENT, WB_BUFFER_TOO_SMALL.
    virtual Status check() const = 0;

    // From now on the fallback answers, for this reason: `model`, where the bundle names a slot for it, and the fixed
    // score for rows that it refuses or fails on.
    void serve_fallback(int32_t reason, const Model &model) {
        reason_ = reason;
        answering_ = &model;
    }

    void answered(int64_t row, const Answer &answer) final;
    void refused(int64_t row, const Status &why) final;
    void failed(int64_t row, const Status &why) final;
    void fail(int64_t row, const Status &why);
    void answer_fixed(int64_t row);

    // The end of the call, which came to `status` as a whole: makes it what the caller is told.
    virtual void conclude(Status &status, const Timing &timing) = 0;
    const Tally &tally() const { return tally_; }

  protected:
    virtual void write(int64_t row, const Answer &answer) = 0;
    virtual void write_fixed(int64_t row, double score, int32_t band) = 0;
    virtual void write_failure(int64_t row, const Status &why) = 0;

    const Model &target() const { return model_; }
    const Model &answering() const { return *answering_; }
    const Model &ran() const { return *ran_; }  // for the target: it, or its replica on another device
    int32_t reason() const { return reason_; }
    const Manifest &manifest() const { return model_.bundle().manifest(); }
    // WB_OK_FALLBACK for what the fallback answers.
    int32_t code() const { return reason_ == WB_REASON_NONE ? WB_OK : WB_OK_FALLBACK; }

  private:
    const Model &model_;
    const Model *answering_;
    const Model *ran_;
    const bool accept_fallback_;
    int32_t reason_ = WB_REASON_NONE;
    Tally tally_;
};

// The result of a single row, written at the end and only on success; outputs where the target's model answers.
class ResultSink final : public Sink {
  public:
    ResultSink(const Model &model, bool accept_fallback, std::span<const OutputBuffer> buffers, wb_result &out)
        : Sink(model, accept_fallback), buffers_(buffers), out_(out) {}
    Status check() const override;
    // A row's own failure becomes the call's.
    void conclude(Status &status, const Timing &timing) override;

  private:
    void write(int64_t row, const Answer &answer) override;
    void write_fixed(int64_t row, double score, int32_t band) override;
    void write_failure(int64_t, const Status &) override {}

    const std::span<const OutputBuffer> buffers_;
    wb_result &out_;
    wb_result made_ = WB_RESULT_INIT;
};

// A batch's result columns and outputs. What has no value is NaN, -1 or 0.
class ColumnSink final : public Sink {
  public:
    ColumnSink(const Model &model, bool accept_fallback, const Batch &batch, std::optional<wb_batch_result> &out)
        : Sink(model, accept_fallback), batch_(batch), out_(out) {}
    Status check() const override;
    // WB_OK_PARTIAL where rows failed, which tells of the lowest one, else WB_OK_FALLBACK where a fallback answered.
    // Writes the batch's result.
    void conclude(Status &status, const Timing &timing) override;

  private:
    void write(int64_t row, const Answer &answer) override;
    void write_fixed(int64_t row, double score, int32_t band) override;
    void write_failure(int64_t row, const Status &why) override;
    void put(int64_t row, const Answer &answer, int32_t status, int32_t feature) const;
    void blank_outputs(int64_t row) const;

    const Batch &batch_;
    std::optional<wb_batch_result> &out_;
};

}  // namespace weighbridge::lib
