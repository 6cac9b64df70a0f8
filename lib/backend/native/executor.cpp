// SPDX-License-Identifier: Apache-2.0
#include "backend/native/executor.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "backend/plan_run.hpp"
#include "graph/bounds.hpp"
#include "tensor/fence.hpp"

namespace weighbridge::lib::native {
namespace {

constexpr int64_t kRowsTogether = 64;
constexpr int64_t kTokensTogether = 128;  // a sequence counts as its tokens

// The most that a storage's pieces have, of any sequences that pass together.
int64_t most_of_sequences(const Storage &storage, int64_t rows, int64_t largest) {
    const int64_t longest = std::min(largest, kTokensTogether);
    Wide most = 0;
    const Before all{rows, kTokensTogether, kTokensTogether * longest};
    const std::array<int64_t, 3> of{all.rows, all.places, all.squares};
    for (size_t i = 0; i < of.size(); ++i) most += Wide{std::max<int64_t>(0, storage.elements.terms[i])} * of[i];
    return static_cast<int64_t>(std::min(most, Wide{rows} * kMaxElements));  // infer: no piece has more
}

// What a step needs at most, bound to each of the runs: Step::scratch_bytes() grows with its sizes. These are most at
// an end of the lengths, where the first two runs are: what needs nothing there needs nothing between.
struct RunSize {
    int64_t rows, length;
};
int64_t scratch_of(Step &step, const std::vector<RunSize> &runs) {
    int64_t scratch = 0;
    for (size_t i = 0; i < runs.size() && (i < 2 || scratch > 0); ++i) {
        step.bind(runs[i].rows, runs[i].length);
        scratch = std::max(scratch, step.scratch_bytes());
    }
    return scratch;
}

// The largest run of each number of rows of one length. Their maxima bound the memory of all of these.
std::vector<RunSize> largest_runs(const Shared &shared, int64_t tile_rows) {
    if (!shared.sequences) return {{std::min(kRowsTogether, tile_rows), 0}};
    // Sizes are most at the least or the largest length that a number of rows has (infer sees to it).
    const int64_t least = shared.plan->graph().least_length, most = shared.plan->graph().largest_length;
    const int64_t most_rows = shared.rows_together(least, tile_rows);
    std::vector<RunSize> runs{{1, most}, {most_rows, least}};
    for (int64_t rows = 2; rows <= most_rows; ++rows) {
        const int64_t length = std::clamp(kTokensTogether / rows, least, most);
        if (runs.back().length == length && runs.size() > 2) runs.pop_back();  // more rows need more
        runs.push_back({rows, length});
    }
    return runs;
}

}  // namespace

int64_t Shared::rows_together(int64_t length, int64_t tile_rows) const {
    const int64_t rows = sequences ? kTokensTogether / std::max<int64_t>(1, length) : kRowsTogether;
    return std::clamp<int64_t>(rows, 1, tile_rows);
}

Steps make_steps(const Shared &shared) {
    Steps steps;
    for (const StepPlan &plan : shared.schedule.steps) steps.push_back(make_step(shared.step_context(), plan));
    return steps;
}

RunMemory plan_run_memory(const Shared &shared, const Steps &steps, int64_t tile_rows) {
    const Schedule &schedule = shared.schedule;
    const auto runs = largest_runs(shared, tile_rows);
    const Before most{runs.back().rows, kTokensTogether, 0};
    RunMemory memory;
    for (size_t i = 0; i < steps.size(); ++i) {
        memory.scratch_bytes = std::max(memory.scratch_bytes, scratch_of(*steps[i], runs));
        const StepPlan &plan = schedule.steps[i];
        if (plan.merge != Merge::places || most.rows == 1) continue;
        // Places that are fewer than a sequence's length are most in one sequence.
        steps[i]->bind(1, merged_length(plan.places, plan.places.terms[0] < 0 ? Before{1, kTokensTogether, 0} : most));
        memory.scratch_bytes = std::max(memory.scratch_bytes, steps[i]->scratch_bytes());
    }
    for (const Storage &storage : schedule.storages) {
        int64_t elements = 0;
        for (const RunSize &run : runs) elements = std::max(elements, storage.elements.at(run.rows, run.length));
        if (most.rows > 1 && storage.own)
            elements = std::max(elements, most_of_sequences(storage, most.rows, shared.plan->graph().largest_length));
        memory.room.push_back(elements);
    }
    memory.arena = schedule.arena(memory.room);
    return memory;
}

NativeExecutor::NativeExecutor(std::shared_ptr<const Shared> shared, int64_t tile_rows)
    : shared_(std::move(shared)),
      tile_rows_(tile_rows),
      steps_(make_steps(*shared_)),
      memory_(plan_run_memory(*shared_, steps_, tile_rows)),
      bindings_(steps_.size()),
      elements_(memory_.room.size()) {
    befores_.reserve(static_cast<size_t>(tile_rows) + 1);
    const Graph &graph = shared_->plan->graph();
    for (const Storage &storage : shared_->schedule.storages)
        bases_.push_back(storage.kind == Storage::Kind::constant
                             ? const_cast<std::byte *>(graph.constants()[storage.index].data.get())
                             : nullptr);
    pieces_ = bases_;
}

// Scope guard: opens the arena again however a run ends, because the next run may be another program's.
struct NativeExecutor::Opened {
    const NativeExecutor &executor;
    ~Opened() { open_memory(executor.arena_, executor.arena_bytes()); }
};

Status NativeExecutor::run(Run &run) {
    auto length = check_run(run, shared_->plan->graph(), shared_->inputs, tile_rows_, shared_->tensor_names);
    if (!length) return length.status();
    if (run.scratch != arena_) lie_in(run.scratch);
    if (!run.offsets.empty()) return run_packed(run);
    const int64_t together = shared_->rows_together(*length, tile_rows_);
    for (int64_t row = 0; row < run.rows; row += together) {
        const Before before{row, row * *length, row * *length * *length};
        if (Status status = run_alike(run, before, std::min(together, run.rows - row), *length); !status.ok())
            return status;
    }
    return {};
}

// Moves to other memory, as arenas do when they grow. Constants stay where the plan has them.
void NativeExecutor::lie_in(std::byte *arena) {
    arena_ = arena;
    for (size_t i = 0; i < bases_.size(); ++i)
        if (shared_->schedule.storages[i].kind == Storage::Kind::arena)
            bases_[i] = pieces_[i] = arena + memory_.arena.begins[i];
}

// Turns to the rows of a run behind `before`.
void NativeExecutor::enter(const Run &run, const Before &before) {
    const auto &storages = shared_->schedule.storages;
    for (size_t i = 0; i < storages.size(); ++i) {
        if (storages[i].kind != Storage::Kind::input) continue;
        const TensorView &view = run.inputs[storages[i].index];
        auto *data = static_cast<std::byte *>(const_cast<void *>(view.data));
        if (!data) data = arena_;  // of no elements: steps still add offsets to it
        bases_[i] = data + piece_begin(storages[i], before) * static_cast<int64_t>(size_of(view.dtype));
    }
}

void NativeExecutor::bind(size_t step, Binding to) {
    if (bindings_[step] == to) return;
    steps_[step]->bind(to.rows, to.length);
    bindings_[step] = to;
}

// Whether a block fits its memory: always, as plan_run_memory() says; a plan that finds a hole in it must not write
// past what it has. `elements_` are the block's.
Status NativeExecutor::fit(const Before &all) {
    for (size_t i = 0; i < elements_.size(); ++i)
        if (elements_[i] > memory_.room[i] && shared_->schedule.storages[i].kind == Storage::Kind::arena)
            return Status::failure(WB_INTERNAL, "{} rows of {} places: expected to fit the context's memory", all.rows,
                                   all.places);
    return {};
}

Status NativeExecutor::run_alike(const Run &run, const Before &before, int64_t rows, int64_t length) {
    const Before all{rows, rows * length, rows * length * length};
    if (const Binding to{rows, length}; whole_ != to) {
        for (size_t i = 0; i < elements_.size(); ++i)
            elements_[i] = shared_->schedule.storages[i].elements.at(rows, length);
        whole_ = {};
        if (Status status = fit(all); !status.ok()) return status;
        for (size_t i = 0; i < steps_.size(); ++i) {
            bind(i, to);
            if (steps_[i]->scratch_bytes() > memory_.scratch_bytes)
                return Status::failure(WB_INTERNAL, "{} rows of length {}: expected to fit the steps' scratch", rows,
                                       length);
        }
        whole_ = to;
    }
    enter(run, before);
    int32_t left = WB_OK;
    const StepRun step_run{bases_.data(), scratch(), &run.stop, &left};
    const Opened opened{*this};
    int64_t work = 0;
    for (size_t i = 0; i < steps_.size(); ++i)
        if (Status status = run_step(i, whole_, step_run, work); !status.ok()) return status;
    open_memory(arena_, arena_bytes());
    if (work > kWorkBetweenPolls && !step_run.may_continue()) return ended_while(left, "the model ran");
    leave(run, before, all);
    return {};
}

Status NativeExecutor::run_packed(const Run &run) {
    const int64_t together = shared_->rows_together(0, tile_rows_);
    const auto length_of = [&](int64_t row) {
        return run.offsets[static_cast<size_t>(row) + 1] - run.offsets[static_cast<size_t>(row)];
    };
    Before before;
    while (before.rows < run.rows) {
        const int64_t first = length_of(before.rows);
        Before end = before.after(first);
        bool alike = true;
        while (end.rows < run.rows && end.rows - before.rows < together &&
               end.places - before.places + length_of(end.rows) <= kTokensTogether) {
            alike = alike && length_of(end.rows) == first;
            end = end.after(length_of(end.rows));
        }
        const int64_t rows = end.rows - before.rows;
        Status status = alike ? run_alike(run, before, rows, first) : run_sequences(run, before, rows);
        if (!status.ok()) return status;
        before = end;
    }
    return {};
}

Status NativeExecutor::run_sequences(const Run &run, const Before &before, int64_t rows) {
    whole_ = {};
    befores_.assign(1, Before{});
    for (int64_t row = before.rows; row < before.rows + rows; ++row)
        befores_.push_back(
            befores_.back().after(run.offsets[static_cast<size_t>(row) + 1] - run.offsets[static_cast<size_t>(row)]));
    const Before all = befores_.back();
    const Schedule &schedule = shared_->schedule;
    for (size_t i = 0; i < elements_.size(); ++i) {
        const Storage &storage = schedule.storages[i];
        elements_[i] = storage.own ? piece_begin(storage, all) : storage.elements.terms[0];
    }
    if (Status status = fit(all); !status.ok()) return status;
    enter(run, before);
    int32_t left = WB_OK;
    const StepRun step_run{bases_.data(), scratch(), &run.stop, &left};
    const Opened opened{*this};
    int64_t work = 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
        const StepPlan &plan = schedule.steps[i];
        const Status status = plan.merge == Merge::none ? run_pieces(i, befores_, step_run, work)
                              : plan.merge == Merge::rows
                                  ? run_step(i, {rows, 0}, step_run, work)
                                  : run_step(i, {1, merged_length(plan.places, all)}, step_run, work);
        if (!status.ok()) return status;
    }
    open_memory(arena_, arena_bytes());
    if (work > kWorkBetweenPolls && !step_run.may_continue()) return ended_while(left, "the model ran");
    leave(run, before, all);
    return {};
}

// One step, bound to the sizes. `work` is what was done since the last poll.
Status NativeExecutor::run_step(size_t index, Binding to, const StepRun &run, int64_t &work) {
    Step &step = *steps_[index];
    if (whole_ != to) {
        bind(index, to);
        if (step.scratch_bytes() > memory_.scratch_bytes)
            return Status::failure(WB_INTERNAL, "{} rows of length {}: expected to fit the steps' scratch", to.rows,
                                   to.length);
    }
    work += step.work();
    if (work > kWorkBetweenPolls) {
        if (!run.may_continue()) return ended_while(*run.left, "the model ran");
        work = step.work();
    }
    if constexpr (kFenced) fence(index);
    Status status = step.run(run);
    if (status.ok() && *run.left != WB_OK) return ended_while(*run.left, "the model ran");
    return status;
}

// One step, sequence after sequence. `befores`: of each, and of the end.
Status NativeExecutor::run_pieces(size_t index, std::span<const Before> befores, StepRun run, int64_t &work) {
    const Schedule &schedule = shared_->schedule;
    const StepPlan &plan = schedule.steps[index];
    run.bases = pieces_.data();
    for (size_t i = 0; i + 1 < befores.size(); ++i) {
        const auto turn_to = [&](const ValueView &view) {
            const Storage &storage = schedule.storages[view.storage];
            pieces_[view.storage] =
                bases_[view.storage] + piece_begin(storage, befores[i]) * static_cast<int64_t>(size_of(storage.dtype));
        };
        for (const ValueView &view : plan.operands) turn_to(view);
        turn_to(plan.result);
        const int64_t length = befores[i + 1].places - befores[i].places;
        if (Status status = run_step(index, {1, length}, run, work); !status.ok()) return status;
    }
    return {};
}

// Hands on the outputs of a block of rows.
void NativeExecutor::leave(const Run &run, const Before &before, const Before &all) const {
    const Schedule &schedule = shared_->schedule;
    for (size_t i = 0; i < schedule.outputs.size(); ++i) {
        const ValueView &view = schedule.outputs[i];
        const Storage &storage = schedule.storages[view.storage];
        const int64_t elements = piece_begin(storage, all);
        if (elements > 0)
            std::memcpy(run.outputs[i] + piece_begin(storage, before), bases_[view.storage],
                        static_cast<size_t>(elements) * sizeof(float));
    }
}

// Memory fence of sanitizer builds: only what the step may touch stays open.
void NativeExecutor::fence(size_t index) const {
    const StepPlan &step = shared_->schedule.steps[index];
    close_memory(arena_, arena_bytes());
    open_memory(scratch(), static_cast<size_t>(steps_[index]->scratch_bytes()));
    const auto open_storage = [&](const ValueView &view) {
        const Storage &storage = shared_->schedule.storages[view.storage];
        if (storage.kind == Storage::Kind::arena)
            open_memory(bases_[view.storage], static_cast<size_t>(elements_[view.storage]) * size_of(storage.dtype));
    };
    for (const ValueView &view : step.operands) open_storage(view);
    open_storage(step.result);
}

}  // namespace weighbridge::lib::native
