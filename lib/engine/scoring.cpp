// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

#include "engine/engine.hpp"
#include "feature/mapped_source.hpp"

namespace weighbridge::lib {
namespace {

// Why the fallback may answer for a failure; WB_REASON_NONE where it may not.
int32_t reason_of(int32_t code) {
    switch (code) {
        case WB_DEADLINE_EXCEEDED:
            return WB_REASON_DEADLINE;
        case WB_OVERLOADED:
            return WB_REASON_OVERLOAD;
        case WB_BACKEND_FAILED:
        case WB_INTERNAL:
        case WB_OUT_OF_MEMORY:
            return WB_REASON_BACKEND;
        default:
            return WB_REASON_NONE;
    }
}

// Whether rows whose sequences are shorter than the model takes are the fallback's, as the manifest and the call say.
// Such a row takes no context, alone or in a batch: its answer is the same whatever the queue and the deadline are, but
// where the call is cancelled. A row that is also wrong otherwise is refused as any row.
bool spares_short(const Model &model, const Service &service) {
    const Limits &limits = model.bundle().encoder().limits();
    return service.accept_fallback && limits.least_length > 0 && limits.shorter == Shorter::fallback;
}

// Whether a row is refused for its length alone.
class IsShort {
  public:
    IsShort(const Encoder &encoder, const RowSource &source) : encoder_(encoder), source_(source) {}
    bool operator()(int64_t row) {
        if (!encoder_.is_short(source_, row)) return false;
        if (!tile_) tile_.emplace(encoder_.make_tile(1));
        return encoder_.is_valid(*tile_, source_, row);
    }

  private:
    const Encoder &encoder_;
    const RowSource &source_;
    std::optional<Tile> tile_;
};

Status cancelled() { return Status::failure(WB_CANCELLED, "cancelled before the fallback answered for short rows"); }

class SingleSink final : public RowSink {
  public:
    SingleSink(const Model &model, std::span<const OutputBuffer> buffers, wb_result &result)
        : model_(model), buffers_(buffers), result_(result) {}

    void answered(int64_t, const Answer &answer) override {
        result_.score = answer.score;
        result_.probability = answer.probability;
        result_.band = answer.band;
        result_.defaulted = answer.notes.defaulted;
        result_.clipped = answer.notes.clipped;
        model_.name_run(result_);
        for (size_t i = 0; i < buffers_.size(); ++i)
            if (buffers_[i].data)
                std::copy_n(answer.outputs[i], model_.bundle().manifest().outputs[i].width, buffers_[i].data);
    }
    void refused(int64_t, const Status &) override {}
    void failed(int64_t, const Status &) override {}

  private:
    const Model &model_;
    std::span<const OutputBuffer> buffers_;
    wb_result &result_;
};

// Writes a batch's result columns.
class BatchSink final : public RowSink {
  public:
    BatchSink(const Batch &batch, const Manifest &manifest, bool accept_fallback)
        : batch_(batch), manifest_(manifest), accept_fallback_(accept_fallback) {}

    // From now on the fallback answers: its model, or its score where that has none either.
    void serve_fallback(int32_t reason) { reason_ = reason; }

    void answered(int64_t row, const Answer &answer) override {
        ++scored;
        const bool fallback = reason_ != WB_REASON_NONE;
        write(row, answer.score, answer.probability, answer.band, fallback ? WB_OK_FALLBACK : WB_OK, reason_, -1,
              answer.notes);
        if (fallback) {
            ++fallbacks;
            return blank(row);  // another model's outputs are not these
        }
        for (size_t i = 0; i < batch_.outputs().size(); ++i) {
            const ResultColumn &column = batch_.outputs()[i];
            if (column.data)
                std::memcpy(column.data + row * column.stride, answer.outputs[i],
                            static_cast<size_t>(manifest_.outputs[i].width) * sizeof(float));
        }
    }

    void refused(int64_t row, const Status &why) override {
        if (reason_ != WB_REASON_NONE) return fall_back(row);
        ++invalid;
        fail(row, why);
    }

    void failed(int64_t row, const Status &why) override {
        if (reason_ != WB_REASON_NONE) return fall_back(row);
        if (failure.ok()) failure = why;
        if (!accept_fallback_) fail(row, why);
    }

    void fail(int64_t row, const Status &why) {
        write(row, kNaN, kNaN, -1, why.code, WB_REASON_NONE, why.feature, RowNotes{});
        blank(row);
        if (first.ok() || row < first.row) {
            first = why;
            first.row = row;
        }
    }

    void fall_back(int64_t row) {
        ++fallbacks;
        double score = manifest_.fallback.score;
        int32_t band = -1;
        for (const Output &output : manifest_.outputs)
            if (output.primary) band = band_of(output.bands, score);
        write(row, score, score, band, WB_OK_FALLBACK, reason_, -1, RowNotes{});
        blank(row);
    }

    int64_t scored = 0;
    int64_t fallbacks = 0;
    int64_t invalid = 0;
    Status first;    // failure of the lowest row that has one
    Status failure;  // the first that was the model's

  private:
    static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

    void write(int64_t row, double score, double probability, int32_t band, int32_t status, int32_t reason,
               int32_t feature, const RowNotes &notes) const {
        batch_.result(WB_COLUMN_SCORE).put(row, score);
        batch_.result(WB_COLUMN_PROBABILITY).put(row, probability);
        batch_.result(WB_COLUMN_BAND).put(row, band);
        batch_.result(WB_COLUMN_STATUS).put(row, status);
        batch_.result(WB_COLUMN_REASON).put(row, reason);
        batch_.result(WB_COLUMN_DEFAULTED).put(row, notes.defaulted);
        batch_.result(WB_COLUMN_CLIPPED).put(row, notes.clipped);
        batch_.result(WB_COLUMN_FEATURE).put(row, feature);
    }

    void blank(int64_t row) const {
        for (size_t i = 0; i < batch_.outputs().size(); ++i)
            for (int64_t k = 0; batch_.outputs()[i].data && k < manifest_.outputs[i].width; ++k)
                std::memcpy(batch_.outputs()[i].data + row * batch_.outputs()[i].stride + k * int64_t{sizeof(float)},
                            &kNaN32, sizeof kNaN32);
    }

    static constexpr float kNaN32 = std::numeric_limits<float>::quiet_NaN();
    const Batch &batch_;
    const Manifest &manifest_;
    const bool accept_fallback_;
    int32_t reason_ = WB_REASON_NONE;
};

// The deadline of a first model whose fallback slot keeps some time for itself.
Service first_service(const Service &service, const Fallback &fallback, bool has_slot) {
    Service first = service;
    if (has_slot && service.deadline_ns != WB_NO_DEADLINE) first.deadline_ns -= fallback.reserve_us * 1000;
    return first;
}

uint64_t digest_of_row(const void *row) {
    return load_unaligned<uint64_t>(static_cast<const std::byte *>(row) + offsetof(wb_row_header, schema_digest));
}

}  // namespace

Target::Layout Target::layout(uint64_t schema_digest) const {
    if (deployment)
        if (const auto *found = deployment->layout(schema_digest)) return {found->schema.get(), found->wanted};
    return {model->bundle().schema().get(), {}};
}

// The deployment of the bundle's fallback slot; empty where there is none, or where its bands are not the bundle's: a
// band's index would mean another decision.
Target Engine::fallback_target(const Bundle &bundle) const {
    Target target;
    const std::string &name = bundle.manifest().fallback.slot;
    if (name.empty()) return target;
    auto slot = find_slot(name);
    if (slot) target.deployment = slot->current();
    if (!target.deployment) return target;
    const auto &ours = bundle.primary().bands, &theirs = target.deployment->model().bundle().primary().bands;
    if (std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                   [](const Band &one, const Band &other) { return one.name == other.name; }))
        target.model = target.deployment->model_ref();
    return target;
}

void Engine::report(const CallRecord &record, const Status &failure) {
    runtime_->telemetry.record(record);
    if (!runtime_->logger.enabled()) return;
    if (reason_of(failure.code) == WB_REASON_BACKEND)
        runtime_->logger.limited(WB_LOG_FAILED, "calls on which a model failed", runtime_->clock.now_ns(),
                                 failure.message);
    if (record.fallbacks > 0) runtime_->logger.limited(WB_LOG_FALLBACK, "fallback answers", runtime_->clock.now_ns());
    if (record.status == WB_OVERLOADED || record.reason == WB_REASON_OVERLOAD)
        runtime_->logger.limited(WB_LOG_OVERLOAD, "requests shed", runtime_->clock.now_ns());
}

Status Engine::score(const Target &target, void *row, const Service &service, std::span<const OutputBuffer> outputs,
                     wb_result &result) {
    int64_t entered = runtime_->clock.now_ns();
    if (Status status = usable(); !status.ok()) return status;
    const Manifest &manifest = target.model->bundle().manifest();
    for (size_t i = 0; i < outputs.size(); ++i) {
        if (!outputs[i].data) continue;
        if (i >= manifest.outputs.size())
            return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}",
                                   manifest.outputs.size(), i);
        if (outputs[i].capacity < static_cast<size_t>(manifest.outputs[i].width))
            return Status::failure(WB_BUFFER_TOO_SMALL, "output '{}': expected room for {} floats, got {}",
                                   manifest.outputs[i].name, manifest.outputs[i].width, outputs[i].capacity);
    }

    uint64_t digest = digest_of_row(row);
    const Target::Layout layout = target.layout(digest);
    RowLock lock;
    if (Status status = lock.take(*layout.schema, row); !status.ok()) return status;
    StridedRows rows(*layout.schema, row, 0);
    MappedSource mapped(rows, layout.wanted);
    const RowSource &source = layout.wanted.empty() ? static_cast<const RowSource &>(rows) : mapped;

    wb_result made = WB_RESULT_INIT;
    Timing timing;
    timing.entered_ns = entered;
    CallRecord record;
    Target second = service.accept_fallback ? fallback_target(target.model->bundle()) : Target();
    bool can_second = second.model && second.model.get() != target.model.get() && second.deployment->layout(digest);
    SingleSink sink(*target.model, outputs, made);
    Status status, failure;
    made.status = WB_OK;
    if (spares_short(*target.model, service) && IsShort(target.model->bundle().encoder(), source)(0)) [[unlikely]] {
        if (service.cancel && service.cancel->is_set()) status = cancelled();
        if (status.ok()) made.reason = WB_REASON_SHORT;
    } else {
        status = target.model->score(source, first_service(service, manifest.fallback, can_second), sink, timing);
        if (!status.ok()) failure = status;
        made.reason = service.accept_fallback ? reason_of(status.code) : int32_t{WB_REASON_NONE};
    }
    if (made.reason != WB_REASON_NONE) {
        made.status = WB_OK_FALLBACK;
        bool answered = false;
        if (can_second) {
            const Target::Layout second_layout = second.layout(digest);
            MappedSource second_mapped(rows, second_layout.wanted);
            timing.entered_ns = timing.ended_ns = 0;  // time has passed
            SingleSink second_sink(*second.model, {}, made);
            const RowSource &second_source =
                second_layout.wanted.empty() ? static_cast<const RowSource &>(rows) : second_mapped;
            answered = second.model->score(second_source, service, second_sink, timing).ok();
        }
        if (!answered) {
            target.model->name(made);
            made.score = made.probability = manifest.fallback.score;
            made.band = band_of(target.model->bundle().primary().bands, made.score);
        }
        status = Status();
        status.code = WB_OK_FALLBACK;
    }
    made.queue_ns = timing.queue_ns;
    made.run_ns = timing.run_ns;

    record.status = status.code;
    record.reason = made.reason;
    record.rows = status.ok() && made.backend != WB_BACKEND_NONE;
    record.fallbacks = status.code == WB_OK_FALLBACK;
    record.invalid = status.code == WB_INVALID_INPUT;
    record.latency_ns = (timing.ended_ns != 0 ? timing.ended_ns : runtime_->clock.now_ns()) - entered;
    report(record, failure);
    if (status.ok()) result = made;
    return status;
}

Status Engine::score_batch(const Target &target, Batch &batch, const Service &service, Status &first_error) {
    int64_t entered = runtime_->clock.now_ns();
    if (Status status = usable(); !status.ok()) return status;
    const Manifest &manifest = target.model->bundle().manifest();
    uint64_t digest = batch.schema().digest();
    const Target::Layout layout = target.layout(digest);
    if (layout.schema->digest() != digest)
        return Status::failure(WB_INVALID_ARGUMENT, "batch: expected one made for schema {:016x}, got {:016x}",
                               layout.schema->digest(), digest);
    for (size_t i = manifest.outputs.size(); i < batch.outputs().size(); ++i)
        if (batch.outputs()[i].data)
            return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}",
                                   manifest.outputs.size(), i);
    RowLock lock;
    if (Status status = batch.lock_rows(lock); !status.ok()) return status;

    MappedSource mapped(batch.source(), layout.wanted);
    const RowSource &source = layout.wanted.empty() ? batch.source() : mapped;
    batch.order.resize(static_cast<size_t>(batch.rows()));
    std::iota(batch.order.begin(), batch.order.end(), int64_t{0});
    std::span<int64_t> rows_in_order(batch.order), shorter;
    if (spares_short(*target.model, service)) {
        IsShort is_short(target.model->bundle().encoder(), source);
        const auto others = std::partition(rows_in_order.begin(), rows_in_order.end(), std::ref(is_short));
        shorter = rows_in_order.first(static_cast<size_t>(others - rows_in_order.begin()));
        rows_in_order = rows_in_order.subspan(shorter.size());
    }
    BatchSink sink(batch, manifest, service.accept_fallback);
    Target second = service.accept_fallback ? fallback_target(target.model->bundle()) : Target();
    bool can_second = second.model && second.model.get() != target.model.get() && second.deployment->layout(digest);
    Progress progress;
    Status status = target.model->score_rows(source, rows_in_order,
                                             first_service(service, manifest.fallback, can_second), sink, progress);

    auto fall_back = [&](std::span<int64_t> rows, int32_t reason) {
        sink.serve_fallback(reason);
        Progress again;
        if (can_second && !rows.empty()) {
            const Target::Layout second_layout = second.layout(digest);
            MappedSource second_mapped(batch.source(), second_layout.wanted);
            const RowSource &second_source = second_layout.wanted.empty() ? batch.source() : second_mapped;
            // Whatever ends this call, the fixed score answers for what it leaves.
            (void)second.model->score_rows(second_source, rows, service, sink, again);
        }
        for (int64_t row : rows.subspan(again.done)) sink.fall_back(row);
    };
    const std::span<int64_t> left = rows_in_order.subspan(progress.done);
    int32_t reason = service.accept_fallback ? reason_of(status.code) : int32_t{WB_REASON_NONE};
    if (service.accept_fallback) fall_back(rows_in_order.first(progress.failed), WB_REASON_BACKEND);
    if (!shorter.empty() && status.ok() && service.cancel && service.cancel->is_set()) status = cancelled();
    if (status.ok() || reason != WB_REASON_NONE)
        fall_back(shorter, WB_REASON_SHORT);
    else
        for (int64_t row : shorter) sink.fail(row, status);
    if (!status.ok() && reason != WB_REASON_NONE) {
        fall_back(left, reason);
        status = Status();
    } else if (!status.ok()) {
        for (int64_t row : left) sink.fail(row, status);
    }
    if (progress.failed > 0 && reason == WB_REASON_NONE) reason = WB_REASON_BACKEND;
    if (!shorter.empty() && reason == WB_REASON_NONE) reason = WB_REASON_SHORT;
    if (status.ok() && sink.fallbacks > 0) status.code = WB_OK_FALLBACK;
    if (status.ok() && !sink.first.ok()) status.code = WB_OK_PARTIAL;
    first_error = sink.first;

    CallRecord record;
    record.status = status.code;
    record.reason = reason;
    record.rows = sink.scored;
    record.fallbacks = sink.fallbacks;
    record.invalid = sink.invalid;
    record.latency_ns = runtime_->clock.now_ns() - entered;
    report(record, sink.failure);
    return status;
}

}  // namespace weighbridge::lib
