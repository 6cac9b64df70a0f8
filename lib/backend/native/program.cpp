// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/native/native.hpp"
#include "backend/native/step.hpp"
#include "backend/plan_run.hpp"
#include "tensor/fence.hpp"

namespace weighbridge::lib {
namespace native {
namespace {

// The cache block: rows that pass through all steps together. Enough to reuse each panel of weights, few enough that
// their intermediate values stay in the second-level cache. A sequence counts as its tokens.
constexpr int64_t kRowsTogether = 64;
constexpr int64_t kTokensTogether = 128;
constexpr int64_t kTileRows = 64;
constexpr int64_t kSequenceTileRows = 32;
constexpr int64_t kWorkBetweenPolls = int64_t{4} << 20;  // multiply-adds

// What every executor of a program reads. Constant after make.
struct Shared {
    std::shared_ptr<const Plan> plan;
    int32_t precision = 0;
    const Kernels *kernels = nullptr;
    std::vector<std::string> tensor_names;
    Schedule schedule;
    bool sequences = false;
    std::unique_ptr<const Linears> linears;
    std::vector<ValueId> inputs;  // the graph's input nodes

    int64_t rows_together(int64_t length, int64_t tile_rows) const {
        const int64_t rows = sequences ? kTokensTogether / std::max<int64_t>(1, length) : kRowsTogether;
        return std::clamp<int64_t>(rows, 1, tile_rows);
    }
    // The largest run of each number of rows. Their maxima bound the memory of every run.
    std::vector<Schedule::RunSize> largest_runs(int64_t tile_rows) const {
        if (!sequences) return {{std::min(kRowsTogether, tile_rows), 0}};
        // Sizes are most at the least or the largest length that a number of rows has (infer sees to it).
        const int64_t least = plan->graph().least_length, most = plan->graph().largest_length;
        const int64_t most_rows = rows_together(least, tile_rows);
        std::vector<Schedule::RunSize> runs{{1, most}, {most_rows, least}};
        for (int64_t rows = 2; rows <= most_rows; ++rows) {
            const int64_t length = std::clamp(kTokensTogether / rows, least, most);
            if (runs.back().length == length && runs.size() > 2) runs.pop_back();  // more rows need more
            runs.push_back({rows, length});
        }
        return runs;
    }
    // What a step needs at most, bound to each of the runs: Step::scratch_bytes() grows with its sizes. These are most
    // at an end of the lengths, where the first two runs are: what needs nothing there needs nothing between.
    static int64_t scratch_of(Step &step, const std::vector<Schedule::RunSize> &runs) {
        int64_t scratch = 0;
        for (size_t i = 0; i < runs.size() && (i < 2 || scratch > 0); ++i) {
            step.bind(runs[i].rows, runs[i].length);
            scratch = std::max(scratch, step.scratch_bytes());
        }
        return scratch;
    }
};

class NativeExecutor final : public Executor {
  public:
    NativeExecutor(std::shared_ptr<const Shared> shared, int64_t tile_rows)
        : shared_(std::move(shared)), tile_rows_(tile_rows) {
        const Schedule &schedule = shared_->schedule;
        const StepContext context{shared_->plan.get(), shared_->kernels, shared_->precision, shared_->linears.get()};
        for (const StepPlan &plan : schedule.steps) steps_.push_back(make_step(context, plan));
        const auto runs = shared_->largest_runs(tile_rows);
        int64_t scratch = 0;
        for (const auto &step : steps_) scratch = std::max(scratch, Shared::scratch_of(*step, runs));
        memory_ = schedule.arena(runs);
        scratch_bytes_ = scratch;
        for (const Storage &storage : schedule.storages) {
            int64_t most = 0;
            for (const auto &run : runs) most = std::max(most, storage.elements.at(run.rows, run.length));
            room_.push_back(most);
        }
        bind(runs[0].rows, runs[0].length);
        const Graph &graph = shared_->plan->graph();
        for (const Storage &storage : schedule.storages)
            bases_.push_back(storage.kind == Storage::Kind::constant
                                 ? const_cast<std::byte *>(graph.constants()[storage.index].data.get())
                                 : nullptr);
    }

    static int64_t bytes(const Shared &shared, int64_t tile_rows) {
        const auto runs = shared.largest_runs(tile_rows);
        const StepContext context{shared.plan.get(), shared.kernels, shared.precision, shared.linears.get()};
        int64_t scratch = 0;
        for (const StepPlan &plan : shared.schedule.steps)
            scratch = std::max(scratch, Shared::scratch_of(*make_step(context, plan), runs));
        return shared.schedule.arena(runs).bytes + scratch;
    }

    Status run(Run &run) override {
        auto length = check_run(run, shared_->plan->graph(), shared_->inputs, tile_rows_, shared_->tensor_names);
        if (!length) return length.status();
        if (run.scratch != arena_) lie_in(run.scratch);
        const int64_t together = shared_->rows_together(*length, tile_rows_);
        for (int64_t row = 0; row < run.rows; row += together)
            if (Status status = run_rows(run, row, std::min(together, run.rows - row), *length); !status.ok())
                return status;
        return {};
    }

  private:
    // Moves to other memory, as arenas do when they grow. Constants stay where the plan has them.
    void lie_in(std::byte *arena) {
        arena_ = arena;
        for (size_t i = 0; i < bases_.size(); ++i)
            if (shared_->schedule.storages[i].kind == Storage::Kind::arena) bases_[i] = arena + memory_.begins[i];
    }
    size_t arena_bytes() const { return static_cast<size_t>(memory_.bytes + scratch_bytes_); }
    std::byte *scratch() const { return arena_ + memory_.bytes; }

    void bind(int64_t rows, int64_t length) {
        if (rows == rows_ && length == length_) return;
        fits_ = true;
        for (const auto &step : steps_) {
            step->bind(rows, length);
            fits_ = fits_ && step->scratch_bytes() <= scratch_bytes_;
        }
        for (size_t i = 0; i < room_.size(); ++i)
            fits_ = fits_ && shared_->schedule.storages[i].elements.at(rows, length) <= room_[i];
        rows_ = rows;
        length_ = length;
    }

    Status run_rows(const Run &run, int64_t row, int64_t rows, int64_t length) {
        bind(rows, length);
        if (!fits_)  // never, as largest_runs() says; a plan that finds a hole in it must not write past its memory
            return Status::failure(WB_INTERNAL, "{} rows of length {}: expected to fit the context's memory", rows,
                                   length);
        const Schedule &schedule = shared_->schedule;
        for (size_t i = 0; i < schedule.storages.size(); ++i) {
            if (schedule.storages[i].kind != Storage::Kind::input) continue;
            const TensorView &view = run.inputs[schedule.storages[i].index];
            auto *data = static_cast<std::byte *>(const_cast<void *>(view.data));
            if (!data) data = arena_;  // of no elements: steps still add offsets to it
            const int64_t row_elements = run.rows == 0 ? 0 : view.shape.elements() / run.rows;
            bases_[i] = data + row * row_elements * static_cast<int64_t>(size_of(view.dtype));
        }
        int32_t left = WB_OK;
        const StepRun step_run{bases_.data(), scratch(), &run.stop, &left};
        const Opened opened{*this};
        int64_t work = 0;
        for (size_t i = 0; i < steps_.size(); ++i) {
            Step &step = *steps_[i];
            work += step.work();
            if (work > kWorkBetweenPolls) {
                if (!step_run.may_continue()) return stopped(left);
                work = step.work();
            }
            if constexpr (kFenced) fence(i, rows, length);
            if (Status status = step.run(step_run); !status.ok()) return status;
            if (left != WB_OK) return stopped(left);
        }
        open_memory(arena_, arena_bytes());
        if (work > kWorkBetweenPolls && !step_run.may_continue()) return stopped(left);
        for (size_t i = 0; i < schedule.outputs.size(); ++i) {
            const Bound output = Bound::of(schedule.outputs[i], schedule.output_types[i], rows, length);
            int64_t width = 1;
            for (int axis = 1; axis < output.rank; ++axis) width *= output.size[static_cast<size_t>(axis)];
            if (rows * width > 0)
                std::memcpy(run.outputs[i] + row * width, step_run.at<const float>(output),
                            static_cast<size_t>(rows * width) * sizeof(float));
        }
        return {};
    }

    // Scope guard: opens the arena again however a run ends, because the next run may be another program's.
    struct Opened {
        const NativeExecutor &executor;
        ~Opened() { open_memory(executor.arena_, executor.arena_bytes()); }
    };

    // Memory fence of sanitizer builds: only what step `index` may touch stays open.
    void fence(size_t index, int64_t rows, int64_t length) const {
        const StepPlan &step = shared_->schedule.steps[index];
        close_memory(arena_, arena_bytes());
        open_memory(scratch(), static_cast<size_t>(steps_[index]->scratch_bytes()));
        auto open_storage = [&](const ValueView &view) {
            const Storage &storage = shared_->schedule.storages[view.storage];
            if (storage.kind == Storage::Kind::arena)
                open_memory(bases_[view.storage],
                            static_cast<size_t>(storage.elements.at(rows, length)) * size_of(storage.dtype));
        };
        for (const ValueView &view : step.operands) open_storage(view);
        open_storage(step.result);
    }

    static Status stopped(int32_t code) {
        return Status::failure(code, "{} while the model ran",
                               code == WB_CANCELLED ? "cancelled" : "the deadline passed");
    }

    const std::shared_ptr<const Shared> shared_;
    const int64_t tile_rows_;
    std::vector<std::unique_ptr<Step>> steps_;
    MemoryPlan memory_;
    int64_t scratch_bytes_ = 0;        // of steps, behind memory_
    std::byte *arena_ = nullptr;       // where bases_ lie
    std::vector<int64_t> room_;        // elements, by storage
    bool fits_ = true;                 // what steps are bound to, in scratch_bytes_ and room_
    std::vector<std::byte *> bases_;   // by storage
    int64_t rows_ = -1, length_ = -1;  // that steps are bound to
};

class NativeProgram final : public Program {
  public:
    explicit NativeProgram(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {}

    Traits traits() const override { return {.inline_safe = true, .cancellable = true, .batch_invariant = true}; }
    int32_t backend() const override { return WB_BACKEND_NATIVE; }
    int32_t precision() const override { return shared_->precision; }
    int32_t numerics() const override {
        const bool tiles = shared_->precision == WB_PRECISION_BF16 && shared_->kernels->level == Level::amx;
        return static_cast<int32_t>(tiles ? kNumericsV1AmxBf16 : kNumericsV1);
    }
    std::string_view cpu_level() const override { return name_of(shared_->kernels->level); }
    int64_t tile_rows() const override { return shared_->sequences ? kSequenceTileRows : kTileRows; }

    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        return std::unique_ptr<Executor>(std::make_unique<NativeExecutor>(shared_, tile_rows));
    }
    int64_t scratch_bytes(int64_t tile_rows) const override { return NativeExecutor::bytes(*shared_, tile_rows); }
    int64_t weight_bytes() const override { return shared_->plan->bytes(shared_->precision); }

  private:
    const std::shared_ptr<const Shared> shared_;
};

}  // namespace
}  // namespace native

Expected<std::shared_ptr<const Program>> make_native_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                             native::Level level, std::vector<std::string> tensor_names,
                                                             const StopSource &stop) {
    auto shared = std::make_shared<native::Shared>();
    shared->kernels = &native::kernels(level);
    if (needs_bf16_instructions(precision) && !shared->kernels->linear_bf16)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "precision {} needs a CPU with avx512_bf16, found level {}; load fp32 or int8",
                               precision_name(precision), native::name_of(level));
    auto schedule = Schedule::make(plan->graph());
    if (!schedule) return schedule.status();
    shared->plan = std::move(plan);
    shared->precision = precision;
    shared->tensor_names = std::move(tensor_names);
    shared->schedule = *std::move(schedule);
    shared->sequences = has_length(shared->plan->graph());
    auto linears = Linears::make(*shared->plan, precision, stop);
    if (!linears) return Status::failure(linears.status().code, "model.plan: {}", linears.status().message);
    shared->linears = std::make_unique<const Linears>(*std::move(linears));
    shared->inputs = input_nodes(shared->plan->graph());
    return std::shared_ptr<const Program>(std::make_shared<const native::NativeProgram>(std::move(shared)));
}

}  // namespace weighbridge::lib
