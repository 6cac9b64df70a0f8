// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ref.hpp"
#include "torchscript/plugin_loader.hpp"
#include "torchscript/torchscript.hpp"
#include "torchscript/worker.hpp"

namespace weighbridge::lib {

using PluginLine = char[192];  // a plug-in's error, so that a prefix still fits into a Status

// The plug-in and the context threads: what a backend, its programs and their executors share.
struct TorchThreads {
    Plugin plugin;
    std::vector<std::shared_ptr<Worker>> contexts;
};

// Opens the plug-in and starts the context threads, once. Shared by the backend and by jobs that were left behind. (A
// Ref, not a shared_ptr: libstdc++ releases that one inside itself, where ThreadSanitizer sees no order.)
class TorchStart final : public RefCounted {
  public:
    explicit TorchStart(PluginOptions options) : options_(std::move(options)) {}

    bool done() const { return done_.load(std::memory_order_acquire); }
    // WB_FORKED in a child of the process that started the threads.
    Status usable() const;
    // Takes as long as LibTorch does.
    Expected<std::shared_ptr<const TorchThreads>> threads();

  private:
    const PluginOptions options_;
    std::atomic<bool> done_{false};
    ForkMutex mutex_;
    std::shared_ptr<const TorchThreads> threads_ WB_GUARDED_BY(mutex_);
    uint64_t epoch_ = 0;  // constant once done
};

// A long step of LibTorch's, on a thread of its own: the context threads go on scoring beside it, and a caller who has
// to leave leaves it behind.
class TorchJob : public Worker::Job {
  public:
    explicit TorchJob(Ref<TorchStart> start) : start_(std::move(start)) {}

    Status perform() final;
    Status usable() const { return start_->usable(); }
    void leave() { left_.store(true, std::memory_order_relaxed); }

    std::shared_ptr<const TorchThreads> threads;  // once work() was called

  protected:
    // On a thread that had thread_init.
    virtual Status work(const wb_plugin_v1 &table) = 0;
    bool left() const { return left_.load(std::memory_order_relaxed); }

  private:
    const Ref<TorchStart> start_;
    std::atomic<bool> left_{false};
};

// Runs the job on a thread of that name and waits for it for as long as `stop` allows, which ends this with "the
// deadline passed while <doing>": then the job's results must not be looked at.
Status run_job(const std::shared_ptr<TorchJob> &job, const char *thread, std::string_view doing,
               const StopSource &stop);

}  // namespace weighbridge::lib
