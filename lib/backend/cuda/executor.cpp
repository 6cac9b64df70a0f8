// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/executor.hpp"

#include <algorithm>
#include <cstring>

#include "backend/plan_run.hpp"
#include "graph/bounds.hpp"

namespace weighbridge::lib::cuda {
namespace {

constexpr int64_t kLeastTokens = 64, kMostTokens = 8192;  // of a bucket; unless one sequence is longer
constexpr int64_t kTokensOfRow = 4;                       // at least, in all buckets but the largest
constexpr int64_t kAlignment = 256;
constexpr int64_t kMostPinnedBytes = int64_t{1} << 30;  // memory that the system cannot page out, a run
constexpr int64_t kLeaveNs = 1'000'000'000;             // that what goes away waits for a run that was left

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t elements(const Storage &storage, const Before &of) {
    return storage.own ? piece_begin(storage, of) : storage.elements.terms[0];
}
int64_t bytes_of(const Storage &storage, int64_t elements) {
    return elements * static_cast<int64_t>(size_of(storage.dtype));
}

// What ends a run there is no failure of its rows.
Status of_device(Status status) {
    if (status.code == WB_OUT_OF_MEMORY) status.code = WB_BACKEND_UNAVAILABLE;
    return status;
}

}  // namespace

std::vector<Bucket> DevicePlan::buckets(int64_t tile_rows) const {
    std::vector<Bucket> buckets;
    if (!sequences) {
        for (int64_t rows = 1; rows < tile_rows; rows *= 8) buckets.push_back({rows, 0, 0});
        buckets.push_back({std::max<int64_t>(tile_rows, 1), 0, 0});
        return buckets;
    }
    const int64_t longest = plan->graph().largest_length;
    const int64_t tokens = std::max(longest, std::min(kMostTokens, tile_rows * longest));
    for (int64_t least = kLeastTokens; least < tokens; least *= 2)
        buckets.push_back({std::clamp<int64_t>(least / kTokensOfRow, 1, tile_rows), least, std::min(longest, least)});
    buckets.push_back({std::max<int64_t>(tile_rows, 1), tokens, longest});
    return buckets;
}

bool DevicePlan::drop_largest(std::vector<Bucket> &buckets) const {
    if (buckets.size() < 2) return false;
    if (sequences && buckets[buckets.size() - 2].tokens < plan->graph().largest_length) return false;
    buckets.pop_back();
    return true;
}

int64_t DevicePlan::room(const Storage &storage, const Before &most) {
    const auto &terms = storage.elements.terms;
    if (!storage.own) return terms[0];
    const auto positive = [](int64_t term) { return Wide{std::max<int64_t>(term, 0)}; };
    const Wide all =
        positive(terms[0]) * most.rows + positive(terms[1]) * most.places + positive(terms[2]) * most.squares;
    // infer: no piece has more.
    return static_cast<int64_t>(std::min(all, Wide{std::max<int64_t>(most.rows, 1)} * kMaxElements));
}

RunLayout RunLayout::make(const Schedule &schedule, const Before &most) {
    RunLayout layout;
    int64_t end = 0;
    const auto take = [&](int64_t bytes) {
        const int64_t begin = end;
        end += aligned(bytes);
        return begin;
    };
    layout.count = take(8);
    layout.offsets = take((most.rows + 1) * 8);
    layout.squares = take((most.rows + 1) * 8);
    layout.faults = take(most.rows * 4);
    layout.control_bytes = end;
    std::vector<int64_t> room;
    for (const Storage &storage : schedule.storages) {
        room.push_back(DevicePlan::room(storage, most));
        const bool input = storage.kind == Storage::Kind::input;
        layout.inputs.push_back(input ? take(std::max<int64_t>(bytes_of(storage, room.back()), 1)) : -1);
    }
    layout.copied_bytes = end;
    layout.arena = schedule.arena(room);
    layout.arena.bytes = aligned(layout.arena.bytes);
    for (const ValueView &view : schedule.outputs)
        layout.outputs.push_back(take(bytes_of(schedule.storages[view.storage], room[view.storage])));
    layout.faults_back = take(most.rows * 4);
    layout.pinned_bytes = end;
    return layout;
}

CudaExecutor::CudaExecutor(std::shared_ptr<const DevicePlan> shared, int64_t tile_rows, std::vector<Bucket> buckets)
    : shared_(std::move(shared)),
      tile_rows_(tile_rows),
      buckets_(std::move(buckets)),
      most_(buckets_.back().most()),
      layout_(RunLayout::make(shared_->schedule, most_)) {}

Expected<std::unique_ptr<CudaExecutor>> CudaExecutor::make(const std::shared_ptr<const DevicePlan> &shared,
                                                           int64_t tile_rows) {
    auto buckets = shared->buckets(tile_rows);
    for (;;) {
        std::unique_ptr<CudaExecutor> executor(new CudaExecutor(shared, tile_rows, buckets));
        Status status = executor->prepare();
        if (status.ok()) return executor;
        if (status.code != WB_OUT_OF_MEMORY || !shared->drop_largest(buckets)) return status;
    }
}

CudaExecutor::~CudaExecutor() {
    const DeviceContext &context = *shared_->kernels->context();
    if (!left_ || !context.driver().of_this_process() || context.is_given_up()) return;
    const Clock &clock = steady_clock();
    const DeviceContext::Current current(context);
    if (current.result() != kSuccess || record() != kSuccess) return;
    if (shared_->kernels->watch().wait(done_, {&clock, nullptr, clock.now_ns() + kLeaveNs}).left()) context.give_up();
}

Status CudaExecutor::prepare() {
    if (layout_.pinned_bytes > kMostPinnedBytes)
        return Status::failure(WB_OUT_OF_MEMORY, "a context's pinned memory: expected at most {} bytes, got {}",
                               kMostPinnedBytes, layout_.pinned_bytes);
    const Resources resources = shared_->kernels->resources();
    Launches most;
    for (const Bucket &bucket : buckets_) {
        auto sized = make_launches(*shared_->plan, shared_->schedule, shared_->precision, {}, bucket, resources);
        if (!sized) return sized.status();
        most.quantised_bytes = std::max(most.quantised_bytes, sized->quantised_bytes);
        most.scales = std::max(most.scales, sized->scales);
        most.scores = std::max(most.scores, sized->scores);
        most.dense_bytes = std::max(most.dense_bytes, sized->dense_bytes);
    }
    if (Status status = take_memory(most); !status.ok()) return status;
    for (const Bucket &bucket : buckets_) {
        auto made = make_launches(*shared_->plan, shared_->schedule, shared_->precision, places(), bucket, resources);
        if (!made) return made.status();
        prepared_.push_back({bucket, starts(*made), {}});
        prepared_.back().graph = capture(prepared_.back());
    }
    return {};
}

Status CudaExecutor::take_memory(const Launches &sizes) {
    const auto &context = shared_->kernels->context();
    quantised_ = layout_.copied_bytes + layout_.arena.bytes;
    scales_ = quantised_ + aligned(sizes.quantised_bytes);
    scores_ = scales_ + aligned(sizes.scales * 4);
    dense_ = scores_ + aligned(sizes.scores * 4);
    auto memory = allocate_on_device(context, dense_ + sizes.dense_bytes, "a context's runs");
    if (!memory) return memory.status();
    memory_ = *std::move(memory);
    auto pinned = allocate_pinned(context, layout_.pinned_bytes);
    if (!pinned) return pinned.status();
    pinned_ = *std::move(pinned);
    auto stream = make_stream(context);
    if (!stream) return stream.status();
    stream_ = *std::move(stream);
    auto done = shared_->kernels->make_look();
    if (!done) return done.status();
    done_ = *std::move(done);
    return {};
}

Places CudaExecutor::places() const {
    auto *device = reinterpret_cast<std::byte *>(memory_.get());
    Places places;
    const auto &storages = shared_->schedule.storages;
    for (size_t i = 0; i < storages.size(); ++i) {
        switch (storages[i].kind) {
            case Storage::Kind::input:
                places.storages.push_back(device + layout_.inputs[i]);
                break;
            case Storage::Kind::constant:
                places.storages.push_back(shared_->weights->constant(storages[i].index));
                break;
            case Storage::Kind::arena:
                places.storages.push_back(device + layout_.copied_bytes + layout_.arena.begins[i]);
                break;
        }
    }
    places.linears = shared_->weights->linears();
    places.run = {reinterpret_cast<const int64_t *>(device + layout_.count),
                  reinterpret_cast<const int64_t *>(device + layout_.offsets),
                  reinterpret_cast<const int64_t *>(device + layout_.squares),
                  reinterpret_cast<int32_t *>(device + layout_.faults)};
    places.quantised = reinterpret_cast<uint8_t *>(device + quantised_);
    places.scales = reinterpret_cast<float *>(device + scales_);
    places.scores = reinterpret_cast<float *>(device + scores_);
    places.dense = device + dense_;
    return places;
}

std::vector<CudaExecutor::Start> CudaExecutor::starts(const Launches &launches) const {
    std::vector<Start> starts;
    for (const Launch &launch : launches.list) {
        Start start;
        start.config.grid_x = launch.blocks_x;
        start.config.grid_y = launch.blocks_y;
        start.config.grid_z = launch.blocks_z;
        start.config.block_x = launch.threads;
        start.config.shared_bytes = static_cast<unsigned>(launch.shared_bytes);
        start.config.stream = stream_.get();
        start.kernel = reinterpret_cast<FunctionHandle>(shared_->kernels->kernel(launch.kernel));
        start.arguments.resize(launch.arguments.size() / sizeof(std::max_align_t) + 1);
        std::memcpy(start.arguments.data(), launch.arguments.data(), launch.arguments.size());
        starts.push_back(std::move(start));
    }
    return starts;
}

// A bucket's work as a graph; none where the device has no room for one more.
GraphExec CudaExecutor::capture(const Prepared &prepared) const {
    const auto &context = shared_->kernels->context();
    const Functions &call = context->functions();
    const DeviceContext::Current current(*context);
    if (current.result() != kSuccess || call.capture_begin(stream_.get(), kCaptureThreadLocal) != kSuccess) return {};
    const Result submitted = submit(prepared, prepared.bucket.most());
    GraphHandle captured = nullptr;
    const Result ended = call.capture_end(stream_.get(), &captured);
    const CapturedGraph graph(context, captured);
    GraphExecHandle made = nullptr;
    if (submitted != kSuccess || ended != kSuccess || call.graph_instantiate(&made, captured, 0) != kSuccess) return {};
    GraphExec exec(context, made);
    if (call.graph_upload(made, stream_.get()) != kSuccess) return {};
    return exec;
}

Status CudaExecutor::run(Run &run) {
    auto length = check_run(run, shared_->plan->graph(), shared_->inputs, tile_rows_, shared_->tensor_names);
    if (!length) return length.status();
    if (Status status = take_back(run.stop); !status.ok()) return of_device(std::move(status));
    Before before;
    while (before.rows < run.rows) {
        if (int32_t code = run.stop.poll(); code != WB_OK) return ended_while(code, "the model ran");
        const Before end = write_block(run, before, *length);
        write_inputs(run, before);
        if (Status status = run_block(run.stop); !status.ok()) return of_device(std::move(status));
        if (Status status = check_faults(); !status.ok()) return status;
        leave(run, before);
        before = end;
    }
    return {};
}

// Says in pinned memory where the sequences behind `before` lie, as many as pass together. Gives the end of them.
Before CudaExecutor::write_block(const Run &run, const Before &before, int64_t length) {
    auto *offsets = pinned<int64_t>(layout_.offsets), *squares = pinned<int64_t>(layout_.squares);
    all_ = {};
    longest_ = 0;
    Before end = before;
    *offsets = *squares = 0;
    while (end.rows < run.rows && all_.rows < most_.rows) {
        const auto at = static_cast<size_t>(end.rows);
        const int64_t own = run.offsets.empty() ? length : run.offsets[at + 1] - run.offsets[at];
        if (all_.rows > 0 && all_.places + own > most_.places) break;
        all_ = all_.after(own);
        longest_ = std::max(longest_, own);
        end = end.after(own);
        offsets[all_.rows] = all_.places;
        squares[all_.rows] = all_.squares;
    }
    *pinned<int64_t>(layout_.count) = all_.rows;
    std::fill_n(pinned<int32_t>(layout_.faults), all_.rows, 0);
    return end;
}

void CudaExecutor::write_inputs(const Run &run, const Before &before) {
    const auto &storages = shared_->schedule.storages;
    for (size_t i = 0; i < storages.size(); ++i) {
        if (storages[i].kind != Storage::Kind::input) continue;
        const auto bytes = static_cast<size_t>(bytes_of(storages[i], elements(storages[i], all_)));
        const auto *from = static_cast<const std::byte *>(run.inputs[storages[i].index].data);
        if (bytes > 0)
            std::memcpy(pinned<std::byte>(layout_.inputs[i]),
                        from + bytes_of(storages[i], piece_begin(storages[i], before)), bytes);
    }
}

const CudaExecutor::Prepared &CudaExecutor::bucket_of_block() const {
    size_t i = 0;
    while (i + 1 < prepared_.size() &&
           (prepared_[i].bucket.sequences < all_.rows || prepared_[i].bucket.tokens < all_.places ||
            prepared_[i].bucket.longest < longest_))
        ++i;
    return prepared_[i];
}

// Copies, runs and copies back; waits for the end.
Status CudaExecutor::run_block(const StopSource &stop) {
    const auto &context = *shared_->kernels->context();
    const DeviceContext::Current current(context);
    if (current.result() != kSuccess)
        return context.status(current.result(), "taking its context", WB_BACKEND_UNAVAILABLE);
    const Prepared &prepared = bucket_of_block();
    Result result =
        prepared.graph ? context.functions().graph_launch(prepared.graph.get(), stream_.get()) : submit(prepared, all_);
    left_ = true;  // what did begin, until it is seen to be through
    if (result == kSuccess) result = record();
    if (result != kSuccess) return context.status(result, "running the model", WB_BACKEND_UNAVAILABLE);
    return wait(stop, "running the model");
}

// Behind all that the stream has.
Result CudaExecutor::record() const {
    return shared_->kernels->context()->functions().event_record(done_->event.get(), stream_.get());
}

// Waits for the block's end, or for the stop: then the device works on, on this executor's own memory, which stays its
// until a later run finds it done. A device that hangs is left so.
Status CudaExecutor::wait(const StopSource &stop, std::string_view what) {
    const auto &context = *shared_->kernels->context();
    const Watch::Outcome outcome = shared_->kernels->watch().wait(done_, stop);
    left_ = outcome.left() || outcome.result != kSuccess;
    if (outcome.stop != WB_OK) return ended_while(outcome.stop, "the model ran");
    if (!outcome.stalled) return context.status(outcome.result, what, WB_BACKEND_UNAVAILABLE);
    return Status::failure(WB_BACKEND_UNAVAILABLE, "cuda:{} ({}): {}: it does not end", context.ordinal(),
                           context.name(), what);
}

// Waits for the work that a former run left, as long as the run may; one without a deadline does not.
Status CudaExecutor::take_back(const StopSource &stop) {
    if (!left_) return {};
    const auto &context = *shared_->kernels->context();
    const DeviceContext::Current current(context);
    if (current.result() != kSuccess)
        return context.status(current.result(), "taking its context", WB_BACKEND_UNAVAILABLE);
    Result result = record();
    if (result == kSuccess && stop.deadline_ns != WB_NO_DEADLINE) return wait(stop, "ending a former run");
    if (result == kSuccess) result = context.functions().event_query(done_->event.get());
    left_ = result != kSuccess;
    return context.status(result, "ending a former run", WB_BACKEND_UNAVAILABLE);
}

// Puts a block's work into the stream, or into what that captures; copies are of what `sizes` has.
Result CudaExecutor::submit(const Prepared &prepared, const Before &sizes) const {
    const Functions &call = shared_->kernels->context()->functions();
    const auto &storages = shared_->schedule.storages;
    Result result = kSuccess;
    const auto copy = [&](int64_t begin, int64_t bytes) {
        if (result == kSuccess && bytes > 0)
            result = call.copy_to_device(memory_.get() + static_cast<DevicePointer>(begin), pinned<std::byte>(begin),
                                         static_cast<size_t>(bytes), stream_.get());
    };
    copy(0, layout_.control_bytes);
    for (size_t i = 0; i < storages.size(); ++i)
        if (storages[i].kind == Storage::Kind::input)
            copy(layout_.inputs[i], bytes_of(storages[i], DevicePlan::room(storages[i], sizes)));
    for (const Start &start : prepared.starts) {
        void *arguments[] = {const_cast<std::max_align_t *>(start.arguments.data())};
        if (result == kSuccess) result = call.launch(&start.config, start.kernel, arguments, nullptr);
    }
    const auto copy_back = [&](int64_t to, int64_t from, int64_t bytes) {
        if (result == kSuccess && bytes > 0)
            result = call.copy_to_host(pinned<std::byte>(to), memory_.get() + static_cast<DevicePointer>(from),
                                       static_cast<size_t>(bytes), stream_.get());
    };
    copy_back(layout_.faults_back, layout_.faults, sizes.rows * 4);
    for (size_t i = 0; i < layout_.outputs.size(); ++i) {
        const uint32_t storage = shared_->schedule.outputs[i].storage;
        copy_back(layout_.outputs[i], layout_.copied_bytes + layout_.arena.begins[storage],
                  bytes_of(storages[storage], DevicePlan::room(storages[storage], sizes)));
    }
    return result;
}

// What a row's data did wrong, said as the CPU's steps say it.
Status CudaExecutor::check_faults() const {
    const auto *faults = pinned<const int32_t>(layout_.faults_back);
    for (int64_t row = 0; row < all_.rows; ++row) {
        if (faults[row] == 0) continue;
        return failure_of_step(*shared_->plan, shared_->schedule, faults[row]);
    }
    return {};
}

void CudaExecutor::leave(const Run &run, const Before &before) const {
    for (size_t i = 0; i < layout_.outputs.size(); ++i) {
        const Storage &storage = shared_->schedule.storages[shared_->schedule.outputs[i].storage];
        const auto bytes = static_cast<size_t>(bytes_of(storage, elements(storage, all_)));
        if (bytes > 0)
            std::memcpy(run.outputs[i] + piece_begin(storage, before), pinned<std::byte>(layout_.outputs[i]), bytes);
    }
}

}  // namespace weighbridge::lib::cuda
