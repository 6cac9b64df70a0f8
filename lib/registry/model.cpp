// SPDX-License-Identifier: Apache-2.0
#include "registry/model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "base/exception.hpp"
#include "registry/activation.hpp"
#include "registry/finite.hpp"

namespace weighbridge::lib {
namespace {

// An exception is a failure like any other: it must cost its row only.
template <class Step>
Status guarded(Step &&step) noexcept {
    try {
        return step();
    } catch (...) {
        return failure_of_exception();
    }
}

// Failures that are the whole call's: what is left of it would only meet them again.
bool ends_call(int32_t code) { return code == WB_DEADLINE_EXCEEDED || code == WB_CANCELLED || code == WB_FORKED; }

}  // namespace

// A model's memory in one context.
struct Model::Place {
    Tile tile;
    std::vector<AlignedBuffer> outputs;      // by output, tile_rows * width floats
    std::vector<float *> output_data;        // the same
    std::vector<const float *> row_outputs;  // of the row that is being answered
    std::vector<RowNotes> notes;             // by row of the tile
    std::unique_ptr<Executor> executor;
    Pool::Lease lease;  // held here during a run, so that an abandoned one keeps its context
    Ref<Model> model;   // and its model

    // The backend is through with an abandoned run.
    static void finish(void *self) {
        auto *place = static_cast<Place *>(self);
        Ref<Model> model = std::move(place->model);
        place->lease.reset();
    }
};

Model::Model(Ref<Runtime> runtime, std::shared_ptr<const Bundle> bundle, std::shared_ptr<const Program> program)
    : runtime_(std::move(runtime)),
      bundle_(std::move(bundle)),
      program_(std::move(program)),
      may_abandon_(!program_->traits().inline_safe) {
    named_.bundle = leading_u64(bundle_->digest());
    const std::string &version = bundle_->manifest().identity.version;
    std::memcpy(named_.version, version.data(), std::min(version.size(), sizeof named_.version - 1));
    named_.backend = program_->backend();
    named_.precision = program_->precision();
    named_.numerics = program_->numerics();
    runtime_->models.fetch_add(1, std::memory_order_relaxed);
}

Model::~Model() {
    runtime_->models.fetch_sub(1, std::memory_order_relaxed);
    if (runtime_->logger.enabled()) {
        const auto &identity = bundle_->manifest().identity;
        auto line = Status::failure(WB_OK, "model '{}' {} was freed", identity.name, identity.version);
        runtime_->logger.event(WB_LOG_UNLOADED, line.message);
    }
}

void Model::name(wb_result &result) const {
    result.bundle = named_.bundle;
    std::memcpy(result.version, named_.version, sizeof result.version);
}

void Model::name_run(wb_result &result) const {
    name(result);
    result.backend = named_.backend;
    result.precision = named_.precision;
    result.numerics = named_.numerics;
}

void Model::retire() { runtime_->bury(this); }

Expected<Ref<Model>> Model::make(Ref<Runtime> runtime, std::shared_ptr<const Bundle> bundle,
                                 std::shared_ptr<const Program> program) {
    Ref<Model> model(new Model(std::move(runtime), std::move(bundle), std::move(program)));
    const Encoder &encoder = model->bundle_->encoder();
    const Manifest &manifest = model->bundle_->manifest();
    int64_t output_floats = 0;
    for (const Output &output : manifest.outputs) output_floats += output.width;
    auto bytes = [&](int64_t rows) {
        return encoder.tile_bytes(rows) + model->program_->executor_bytes(rows) +
               rows * (output_floats * int64_t{sizeof(float)} + int64_t{sizeof(RowNotes)});
    };
    int64_t rows = std::min(model->program_->tile_rows(), encoder.limits().rows);
    int64_t needed = bytes(rows);
    while (rows > 1 && needed > encoder.limits().memory_bytes) needed = bytes(rows /= 2);
    if (needed > encoder.limits().memory_bytes)
        return Status::failure(WB_INVALID_BUNDLE,
                               "manifest.json: limits.memory_bytes: expected at least {} for one row, got {}", needed,
                               encoder.limits().memory_bytes);
    model->tile_rows_ = rows;
    model->context_bytes_ = needed;

    for (int context = 0; context < model->runtime_->pool.contexts(); ++context) {
        auto place = std::make_unique<Place>();
        place->tile = encoder.make_tile(rows);
        for (const Output &output : manifest.outputs) {
            place->outputs.emplace_back(static_cast<size_t>(rows * output.width) * sizeof(float));
            place->output_data.push_back(reinterpret_cast<float *>(place->outputs.back().data()));
        }
        place->row_outputs.resize(manifest.outputs.size());
        place->notes.resize(static_cast<size_t>(rows));
        auto executor = model->program_->make_executor(context, rows);
        if (!executor) return executor.status();
        place->executor = *std::move(executor);
        model->places_.push_back(std::move(place));
    }
    return model;
}

// Runs the rows of place.tile. Where the backend still works on them when this returns, the lease stays with the place
// until it is done: `lease` is empty then, and the place must not be touched any more.
Status Model::run(Place &place, Pool::Lease &lease, const Service &service) {
    Run run;
    run.inputs = place.tile.views();
    run.outputs = place.output_data;
    run.rows = place.tile.rows();
    run.stop = {&runtime_->clock, service.cancel, service.deadline_ns};
    if (may_abandon_) {
        run.done = Place::finish;
        run.done_arg = &place;
    }
    if (int32_t code = run.stop.poll(); code != WB_OK)
        return Status::failure(code, "{} before the model ran",
                               code == WB_CANCELLED ? "cancelled" : "the deadline passed");
    auto execute = [&] { return place.executor->run(run); };
    if (!may_abandon_) return guarded(execute);
    place.lease = std::move(lease);
    place.model = Ref<Model>(this);
    Status status = guarded(execute);
    if (!run.abandoned) {
        lease = std::move(place.lease);
        place.model = Ref<Model>();
    }
    return status;
}

// Makes the answer of what the run left for a row, unless a number of it is not finite.
Status Model::answer(Place &place, size_t index, int64_t row, RowSink &sink) const {
    const Manifest &manifest = bundle_->manifest();
    Answer answer;
    answer.notes = place.notes[index];
    for (size_t i = 0; i < manifest.outputs.size(); ++i) {
        const Output &output = manifest.outputs[i];
        float *values = place.output_data[i] + static_cast<int64_t>(index) * output.width;
        if (!all_finite(values, output.width)) return not_finite(output, values).at_row(row);
        float raw = values[output.class_index];
        activate(output, values);
        place.row_outputs[i] = values;
        if (!output.primary) continue;
        answer.score = values[output.class_index];
        answer.probability = calibrate(output.calibration, raw_logit(output, raw), answer.score);
        if (!std::isfinite(answer.probability)) return not_finite(output, answer.probability).at_row(row);
        answer.band = band_of(output.bands, answer.probability);
    }
    answer.outputs = place.row_outputs;
    sink.answered(row, answer);
    return Status();
}

Status Model::score(const RowSource &source, const Service &service, RowSink &sink, Timing &timing) {
    const int64_t entered = timing.entered_ns != 0 ? timing.entered_ns : runtime_->clock.now_ns();
    int64_t begun = entered;
    auto lease = runtime_->pool.acquire(service.priority, service.deadline_ns, service.cancel, begun);
    timing.queue_ns = begun - entered;
    if (!lease) return lease.status();

    Place &place = *places_[static_cast<size_t>(lease->context())];
    place.tile.clear();
    Encoder::Append appended;
    Status encoded =
        guarded([&] { return bundle_->encoder().append(place.tile, source, 0, place.notes[0], appended); });
    if (!encoded.ok()) return encoded.at_row(0);
    Status status = run_alone(place, *lease, service, sink);
    timing.ended_ns = runtime_->clock.now_ns();
    timing.run_ns = timing.ended_ns - begun;
    return status;
}

// The row that place.tile holds. Assigning a Status costs nanoseconds: none is here.
Status Model::run_alone(Place &place, Pool::Lease &lease, const Service &service, RowSink &sink) {
    Status ran = run(place, lease, service);
    if (!ran.ok()) return ran;
    return answer(place, 0, 0, sink);
}

// Encodes rows from rows[begin] on until the tile has `most` or a row has another shape. Afterwards the tile's rows are
// rows[begin..end); rows that were refused stand before them and begin has moved behind those. A failure is not a row's
// fault, and leaves rows[begin..end) to be tried again.
Status Model::fill(Place &place, const RowSource &source, std::span<int64_t> rows, RowSink &sink, size_t &begin,
                   size_t &end, int64_t most) const {
    const Encoder &encoder = bundle_->encoder();
    place.tile.clear();
    end = begin;
    while (end < rows.size() && place.tile.rows() < most) {
        Encoder::Append appended;
        Status status = guarded([&] {
            if (end == begin && rows.size() - begin > 1) encoder.share(place.tile, source);
            return encoder.append(place.tile, source, rows[end], place.notes[end - begin], appended);
        });
        if (status.code == WB_INVALID_INPUT) {
            sink.refused(rows[end], status.at_row(rows[end]));
            std::rotate(rows.begin() + static_cast<ptrdiff_t>(begin), rows.begin() + static_cast<ptrdiff_t>(end),
                        rows.begin() + static_cast<ptrdiff_t>(end) + 1);
            ++begin;
        } else if (!status.ok()) {
            ++end;
            return status;
        } else if (appended == Encoder::Append::other_shape) {
            break;
        }
        ++end;
    }
    return Status();
}

Status Model::score_rows(const RowSource &source, std::span<int64_t> rows, const Service &service, RowSink &sink,
                         Progress &progress) {
    const Encoder &encoder = bundle_->encoder();
    if (encoder.limits().length > 0) {
        auto length = [&](int64_t row) {
            auto found = encoder.length(source, row);
            return found ? *found : int64_t{-1};
        };
        std::sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) {
            int64_t length_a = length(a), length_b = length(b);
            return length_a != length_b ? length_a < length_b : a < b;
        });
    }
    Pool::Lease lease;
    auto &[failed, done] = progress;
    size_t alone_until = 0;  // rows before it were in a tile whose run failed
    while (done < rows.size()) {
        if (lease && runtime_->pool.waiting() > 0) lease.reset();  // a batch does not keep others waiting for longer
        if (!lease) {                                              // than a tile
            auto acquired = runtime_->pool.acquire(service.priority, service.deadline_ns, service.cancel);
            if (!acquired) return acquired.status();
            lease = *std::move(acquired);
        }
        Place &place = *places_[static_cast<size_t>(lease.context())];
        size_t end = done;
        Status ran = fill(place, source, rows, sink, done, end, done < alone_until ? 1 : tile_rows_);
        if (end == done) continue;
        if (ran.ok()) ran = run(place, lease, service);
        if (ends_call(ran.code)) return ran;
        if (!ran.ok() && end - done > 1) {
            alone_until = end;
            continue;
        }
        for (const size_t begin = done; done < end; ++done) {
            Status status = ran.ok() ? answer(place, done - begin, rows[done], sink) : ran;
            if (status.ok()) continue;
            status.at_row(rows[done]);
            if (status.code == WB_INVALID_INPUT) {
                sink.refused(rows[done], status);
            } else {
                sink.failed(rows[done], status);
                std::swap(rows[failed++], rows[done]);
            }
        }
    }
    return Status();
}

Status Model::warm(const RowSource &source) {
    for (const auto &place : places_) {
        place->tile.clear();
        Encoder::Append appended;
        Status status = bundle_->encoder().append(place->tile, source, 0, place->notes[0], appended);
        if (!status.ok()) return status;
        Pool::Lease none;
        status = run(*place, none, Service{});
        if (!status.ok()) return status;
    }
    return Status();
}

}  // namespace weighbridge::lib
