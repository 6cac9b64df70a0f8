// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "model/backend.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::test {

// What the runs of a FakeBackend do, changed by a test while they run: they block, are abandoned, spoil their outputs,
// throw. Callers' tests have the engine fake (lib/fake) instead, whose scripts are data. Thread-safe.
class FakeControl {
  public:
    // What every float of a row's outputs becomes. Default: 0.25.
    using Score = std::function<float(const lib::Run &run, int64_t row)>;

    void set_score(Score score) {
        change([&] { score_ = std::move(score); });
    }
    void fail(const lib::Status &failure) {
        fail_where([failure](const lib::Run &) { return failure; });
    }
    // How each run ends from now on; may throw, as a backend might.
    void fail_where(std::function<lib::Status(const lib::Run &run)> judge) {
        change([&] { judge_ = std::move(judge); });
    }
    void succeed() { fail(lib::Status()); }
    void sleep_ns(int64_t each_ns) {
        change([&] { sleep_ns_ = each_ns; });
    }  // by CLOCK_MONOTONIC

    // Changes a row's outputs after its score is written.
    using Spoil = std::function<void(const lib::Run &run, int64_t row)>;
    void spoil(Spoil change_row) {
        change([&] { spoil_ = std::move(change_row); });
    }

    // What prepare() says, from now on: at first nothing.
    void prepare_with(std::function<lib::Status(const lib::StopSource &stop)> judge) {
        change([&] { prepare_ = std::move(judge); });
    }
    lib::Status prepared(const lib::StopSource &stop) {
        std::unique_lock lock(mutex_);
        const auto judge = prepare_;
        lock.unlock();
        return judge ? judge(stop) : lib::Status();
    }

    // Runs stay until release(), or until their stop says so.
    void block() {
        change([&] { blocked_ = true; });
    }
    // Lets blocked runs go on, and ends abandoned ones: their done() is called here.
    void release() {
        std::vector<std::pair<void (*)(void *), void *>> ended;
        change([&] {
            blocked_ = false;
            ended.swap(abandoned_);
        });
        for (auto [done, argument] : ended) done(argument);
    }
    // A stop leaves the run to itself, as LibTorch's context threads do, until release().
    void abandon_on_stop(bool abandon) {
        change([&] { abandons_ = abandon; });
    }

    void wait_for_running(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return running_ >= count; });
    }
    int64_t runs() const { return locked(runs_); }
    int64_t rows() const { return locked(rows_); }  // of successful runs

    lib::Status execute(lib::Run &run, const std::vector<int64_t> &widths) {
        std::unique_lock lock(mutex_);
        ++runs_;
        ++running_;
        changed_.notify_all();
        lib::Status status = linger(run, lock);
        --running_;
        if (status.ok() && judge_) status = judge_(run);
        if (!status.ok()) return status;
        rows_ += run.rows;
        for (size_t i = 0; i < widths.size(); ++i)
            for (int64_t row = 0; row < run.rows; ++row)
                std::fill_n(run.outputs[i] + row * widths[i], widths[i], score_(run, row));
        for (int64_t row = 0; spoil_ && row < run.rows; ++row) spoil_(run, row);
        return status;
    }

  private:
    template <class Change>
    void change(Change &&apply) {
        std::lock_guard lock(mutex_);
        apply();
        changed_.notify_all();
    }
    int64_t locked(const int64_t &number) const {
        std::lock_guard lock(mutex_);
        return number;
    }

    lib::Status linger(lib::Run &run, std::unique_lock<std::mutex> &lock) {
        int64_t until_ns = lib::steady_clock().now_ns() + sleep_ns_;
        while (blocked_ || lib::steady_clock().now_ns() < until_ns) {
            if (int32_t code = run.stop.poll(); code != WB_OK) {
                if (abandons_) {
                    run.abandoned = true;
                    abandoned_.emplace_back(run.done, run.done_arg);
                }
                return lib::Status::failure(code, "stopped while the fake model ran");
            }
            changed_.wait_for(lock, std::chrono::microseconds(200));  // the stop's clock cannot wake it
        }
        return lib::Status();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Score score_ = [](const lib::Run &, int64_t) { return 0.25f; };
    std::function<lib::Status(const lib::Run &)> judge_;
    Spoil spoil_;
    std::function<lib::Status(const lib::StopSource &)> prepare_;
    int64_t sleep_ns_ = 0;
    bool blocked_ = false;
    bool abandons_ = false;
    int running_ = 0;
    int64_t runs_ = 0;
    int64_t rows_ = 0;
    std::vector<std::pair<void (*)(void *), void *>> abandoned_;
};

inline constexpr lib::Traits kInlineTraits{.inline_safe = true, .cancellable = true, .batch_invariant = true};
inline constexpr lib::Traits kThreadTraits{.inline_safe = false, .cancellable = false, .batch_invariant = true};

class FakeProgram final : public lib::Program {
  public:
    // widths: floats a row, by output; row_bytes: of scratch memory. The control outlives the program.
    FakeProgram(FakeControl &control, std::vector<int64_t> widths, int64_t tile_rows = 16,
                lib::Traits traits = kInlineTraits, int64_t row_bytes = 64, lib::Device device = {})
        : control_(control),
          widths_(std::move(widths)),
          tile_rows_(tile_rows),
          traits_(traits),
          row_bytes_(row_bytes),
          device_(device) {}

    lib::Traits traits() const override { return traits_; }
    lib::Device device() const override { return device_; }
    int32_t backend() const override { return WB_BACKEND_REFERENCE; }
    int32_t precision() const override { return WB_PRECISION_FP32; }
    int32_t numerics() const override { return 1; }
    int64_t tile_rows() const override { return tile_rows_; }
    int64_t scratch_bytes(int64_t rows) const override { return rows * row_bytes_; }
    lib::Expected<std::unique_ptr<lib::Executor>> make_executor(int, int64_t rows) const override {
        return std::unique_ptr<lib::Executor>(std::make_unique<FakeExecutor>(*this, scratch_bytes(rows)));
    }

  private:
    struct FakeExecutor final : lib::Executor {
        FakeExecutor(const FakeProgram &of, int64_t bytes) : program(of), scratch_bytes(bytes) {}
        // Uses all of its scratch memory, as long as the run takes.
        lib::Status run(lib::Run &run) override {
            std::memset(run.scratch, 0x5a, static_cast<size_t>(scratch_bytes));
            return program.control_.execute(run, program.widths_);
        }
        const FakeProgram &program;
        const int64_t scratch_bytes;
    };

    FakeControl &control_;
    const std::vector<int64_t> widths_;
    const int64_t tile_rows_;
    const lib::Traits traits_;
    const int64_t row_bytes_;
    const lib::Device device_;
};

// Runs any bundle, without looking at its model. The control outlives it and its programs.
class FakeBackend final : public lib::Backend {
  public:
    explicit FakeBackend(FakeControl &control, std::string name = "reference")
        : control_(control), name_(std::move(name)) {}

    std::string_view name() const override { return name_; }
    lib::Expected<std::shared_ptr<const lib::Program>> prepare(const std::shared_ptr<const lib::Bundle> &bundle,
                                                               std::string_view, const lib::StopSource &stop) override {
        if (lib::Status status = control_.prepared(stop); !status.ok()) return status;
        std::vector<int64_t> widths;
        for (const lib::Output &output : bundle->manifest().outputs) widths.push_back(output.width);
        return std::shared_ptr<const lib::Program>(std::make_shared<const FakeProgram>(control_, std::move(widths)));
    }

  private:
    FakeControl &control_;
    const std::string name_;
};

}  // namespace weighbridge::test
