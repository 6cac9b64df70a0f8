// SPDX-License-Identifier: Apache-2.0
#include "model/model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "model/activation.hpp"
#include "model/finite.hpp"
#include "model/place.hpp"
#include "tensor/fence.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kAlignment = 64;

// What ends a call between its rows says how far it came.
Status ended(const Status &why, const Progress &progress, size_t rows) {
    if (!is_stop(why.code) || progress.done == 0) return why;
    return Status::failure(why.code, "{} after {} of {} rows",
                           why.code == WB_CANCELLED ? "cancelled" : "the deadline passed", progress.done, rows);
}

// Rows that are sorted at once, the default of limits.rows.
constexpr size_t kSlice = 4096;

}  // namespace

// Moves into a block, where another model may have been since, or which is new. The place's tile is empty.
void Model::settle_in(Place &place, AlignedBuffer &block) const {
    if (!kFenced && place.memory == block.data()) [[likely]]
        return;
    place.memory = block.data();
    close_memory(block.data(), block.size());
    const auto open = [&](int64_t begin, int64_t bytes) {
        open_memory(place.memory + begin, static_cast<size_t>(bytes));
        return place.memory + begin;
    };
    place.tile.lie_in(place.memory);
    open(layout_.scratch, layout_.scratch_bytes);
    for (size_t i = 0; i < place.output_data.size(); ++i)
        place.output_data[i] = reinterpret_cast<float *>(open(layout_.outputs[i], output_bytes(i, tile_rows_)));
    place.notes = reinterpret_cast<RowNotes *>(open(layout_.notes, tile_rows_ * int64_t{sizeof(RowNotes)}));
}

Model::Model(Ref<Runtime> runtime, int device, std::shared_ptr<const Bundle> bundle,
             std::shared_ptr<const Program> program)
    : runtime_(std::move(runtime)),
      pool_(runtime_->pools[device]),
      bundle_(std::move(bundle)),
      program_(std::move(program)),
      may_abandon_(!program_->traits().inline_safe) {
    named_.bundle = leading_u64(bundle_->digest());
    const std::string &version = bundle_->manifest().identity.version;
    std::memcpy(named_.version, version.data(), std::min(version.size(), sizeof named_.version - 1));
    named_.backend = program_->backend();
    named_.precision = program_->precision();
    named_.numerics = program_->numerics();
    named_.device = device;
    for (const Band &band : bundle_->primary().bands) band_names_ += band.name + '\0';
    if (device == 0) runtime_->models.fetch_add(1, std::memory_order_relaxed);  // a replica is no other model
}

Model::~Model() {
    if (named_.device != 0) return;
    runtime_->models.fetch_sub(1, std::memory_order_relaxed);
    const auto &identity = bundle_->manifest().identity;
    runtime_->events.tell({WB_LOG_UNLOADED, {}, identity.version}, "model '{}' {} was freed", identity.name,
                          identity.version);
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
    result.device = named_.device;
}

void Model::retire() { runtime_->retire_model(this); }

int64_t Model::output_bytes(size_t output, int64_t rows) const {
    return rows * bundle_->manifest().outputs[output].width * int64_t{sizeof(float)};
}

// With bytes of INT64_MAX where they are beyond int64.
Model::Layout Model::layout_of(int64_t rows) const {
    Layout layout;
    const auto place = [&](int64_t bytes) {
        const int64_t begin = layout.bytes;
        if (__builtin_add_overflow(begin, bytes, &layout.bytes) || layout.bytes > INT64_MAX - 2 * kAlignment)
            layout.bytes = INT64_MAX - 2 * kAlignment;
        layout.bytes = (layout.bytes + kAlignment - 1) / kAlignment * kAlignment + kFenceBytes;
        return begin;
    };
    place(bundle_->encoder().tensor_bytes(rows));
    layout.scratch_bytes = program_->scratch_bytes(rows);
    layout.scratch = place(layout.scratch_bytes);
    for (size_t i = 0; i < bundle_->manifest().outputs.size(); ++i)
        layout.outputs.push_back(place(output_bytes(i, rows)));
    layout.notes = place(rows * int64_t{sizeof(RowNotes)});
    return layout;
}

Expected<Ref<Model>> Model::make(Ref<Runtime> runtime, std::shared_ptr<const Bundle> bundle,
                                 std::shared_ptr<const Program> program) {
    const Device on = program->device();
    const int device = runtime->pools.find(on);
    if (device < 0)
        return Status::failure(WB_BACKEND_UNAVAILABLE, "expected a device of the engine's, got device {} of kind {}",
                               on.index, static_cast<int32_t>(on.kind));
    Ref<Model> model(new Model(std::move(runtime), device, std::move(bundle), std::move(program)));
    const Limits &limits = model->bundle_->encoder().limits();
    int64_t rows = std::min(model->program_->tile_rows(), limits.rows);
    Layout layout = model->layout_of(rows);
    while (rows > 1 && layout.bytes > limits.memory_bytes) layout = model->layout_of(rows /= 2);
    if (layout.bytes > limits.memory_bytes)
        return Status::failure(WB_INVALID_BUNDLE,
                               "manifest.json: limits.memory_bytes: expected at least {} for one row, got {}",
                               layout.bytes, limits.memory_bytes);
    model->tile_rows_ = rows;
    const bool any_rows = !model->bundle_->encoder().has_shapes() || model->program_->packed_input() >= 0;
    if (model->runtime_->joining.rows && rows > 1 && any_rows) model->joining_ = model->program_->traits().joining;
    model->layout_ = std::move(layout);
    if (Status status = model->make_places(); !status.ok()) return status;
    if (Status status = model->pool_.reserve(model->layout_.bytes); !status.ok()) return status;
    return model;
}

Status Model::make_places() {
    for (int run = 0; run < pool_.runs(); ++run) {
        auto place = std::make_unique<Place>();
        place->tile = bundle_->encoder().make_homeless_tile(tile_rows_, program_->packed_input());
        place->output_data.resize(layout_.outputs.size());
        place->row_outputs.resize(layout_.outputs.size());
        auto executor = program_->make_executor(run % pool_.contexts(), tile_rows_);
        if (!executor) return executor.status();
        place->executor = *std::move(executor);
        places_.push_back(std::move(place));
    }
    return {};
}

// Runs the rows of place.tile. Where the backend still works on them when this returns, the lease stays with the place
// until it is done: `lease` is empty then, and the place must not be touched any more.
Status Model::run(Place &place, Pool::Lease &lease, const CallOptions &options) {
    Run run;
    run.inputs = place.tile.views();
    run.offsets = place.tile.offsets();
    run.outputs = place.output_data;
    run.rows = place.tile.rows();
    run.scratch = place.memory + layout_.scratch;
    run.stop = {&runtime_->clock, options.cancel, options.deadline_ns};
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
    answer.by = this;
    sink.answered(row, answer);
    return Status();
}

// Encodes rows from the first that is not done on until the tile has as many as it may or a row does not fit in.
// Afterwards the tile's rows are order[done..end); rows that were refused stand before them and are done. A failure is
// not a row's fault, and leaves order[done..end) to be tried again.
Status Model::fill(Place &place, const Rows &rows, size_t &end) const {
    const Encoder &encoder = bundle_->encoder();
    const std::span<int64_t> order = rows.order;
    size_t &begin = rows.progress.done;
    const int64_t most = begin < rows.progress.alone ? 1 : tile_rows_;
    place.tile.clear();
    end = begin;
    while (end < order.size() && place.tile.rows() < most) {
        Encoder::Append appended;
        Status status = guarded([&] {
            if (end == begin && order.size() - begin > 1) encoder.share(place.tile, rows.source);
            return encoder.append(place.tile, rows.source, order[end], place.notes[end - begin], appended);
        });
        if (status.code == WB_INVALID_INPUT) {
            rows.sink.refused(order[end], status.at_row(order[end]));
            std::rotate(order.begin() + static_cast<ptrdiff_t>(begin), order.begin() + static_cast<ptrdiff_t>(end),
                        order.begin() + static_cast<ptrdiff_t>(end) + 1);
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

Status Model::encode_and_run(Place &place, Pool::Lease &lease, const Rows &rows, size_t &end) {
    Status filled = fill(place, rows, end);
    if (!filled.ok() || end == rows.progress.done) return filled;
    return run(place, lease, rows.options);
}

// One tile of rows from the first that is not done on. Fails where the call is at its end.
Status Model::score_tile(Place &place, Pool::Lease &lease, const Rows &rows) {
    size_t &done = rows.progress.done;
    size_t end = done;
    // Assigning a Status costs nanoseconds: none is here.
    const Status ran = encode_and_run(place, lease, rows, end);
    if (ends_call(ran.code)) return ran;
    if (!ran.ok() && end - done > 1) {
        rows.progress.alone = end;
        return Status();
    }
    for (const size_t begin = done; done < end; ++done) {
        const Status status = ran.ok() ? answer(place, done - begin, rows.order[done], rows.sink) : ran;
        if (!status.ok()) fail_next(rows, status);
    }
    return Status();
}

// The first row that is not done failed.
void Model::fail_next(const Rows &rows, Status status) {
    int64_t &row = rows.order[rows.progress.done];
    status.at_row(row);
    if (status.code == WB_INVALID_INPUT) return rows.sink.refused(row, status);
    rows.sink.failed(row, status);
    std::swap(rows.order[rows.progress.failed++], row);
}

Status Model::score(const RowSource &source, std::span<int64_t> order, const CallOptions &options, RowSink &sink,
                    Progress &progress, Timing &timing, ShapeSorter *sorter) {
    if (!replicas_.empty()) [[unlikely]]
        return score_routed(source, order, options, sink, progress, timing, sorter);
    return score_here(source, order, options, sink, progress, timing, sorter);
}

Status Model::score_here(const RowSource &source, std::span<int64_t> order, const CallOptions &options, RowSink &sink,
                         Progress &progress, Timing &timing, ShapeSorter *sorter) {
    Rows rows{source, {}, options, sink, progress};
    if (joining_ != Joining::none && order.size() == 1 && progress.done == 0) {
        rows.order = order;
        return score_row(rows, timing);
    }
    Pool::Lease lease;
    int64_t now_ns = timing.entered_ns != 0 ? timing.entered_ns : runtime_->clock.now_ns();
    while (progress.done < order.size()) {
        if (progress.done >= rows.order.size()) {
            rows.order = order.first(std::min(progress.done + kSlice, order.size()));
            if (sorter && program_->packed_input() < 0 && bundle_->encoder().has_shapes()) {
                lease.reset();
                const Status sorted = sorter->sort(bundle_->encoder(), source, rows.order.subspan(progress.done),
                                                   {&runtime_->clock, options.cancel, options.deadline_ns});
                if (!sorted.ok()) return ended(sorted, progress, order.size());
                now_ns = runtime_->clock.now_ns();
            }
        }
        // A batch does not keep others waiting for longer than a tile, but where it may not wait itself.
        if (lease && options.patience != Patience::none && pool_.waiting() > 0) lease.reset();
        if (!lease) {
            const int64_t asked_ns = now_ns;
            auto acquired =
                pool_.acquire(options.priority, options.deadline_ns, options.cancel, now_ns, options.patience);
            timing.queue_ns += now_ns - asked_ns;
            if (!acquired) return ended(acquired.status(), progress, order.size());
            lease = *std::move(acquired);
        }
        Place &place = *places_[static_cast<size_t>(lease.run())];
        settle_in(place, *lease.arena().block());
        Status status = score_tile(place, lease, rows);
        timing.ended_ns = runtime_->clock.now_ns();
        timing.run_ns += timing.ended_ns - now_ns;
        now_ns = timing.ended_ns;
        if (!status.ok()) return ended(status, progress, order.size());
    }
    return Status();
}

Status Model::warm(const RowSource &source, const CallOptions &options) {
    AlignedBuffer block(static_cast<size_t>(layout_.bytes));
    for (const auto &place : places_) {
        settle_in(*place, block);
        place->tile.clear();
        Encoder::Append appended;
        Status status = bundle_->encoder().append(place->tile, source, 0, place->notes[0], appended);
        if (!status.ok()) return status;
        // The first run of a place takes longer than others.
        for (int left = joining_ == Joining::none ? 1 : 3; left > 0; --left) {
            Pool::Lease none;
            const int64_t before_ns = runtime_->clock.now_ns();
            status = run(*place, none, options);
            if (!status.ok()) return status;
            pace_.saw_one(runtime_->clock.now_ns() - before_ns);
        }
        place->memory = nullptr;  // the block goes
    }
    return Status();
}

}  // namespace weighbridge::lib
