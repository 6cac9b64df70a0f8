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

// The plug-in and a worker thread for each context. Shared by a backend, its programs and their executors.
struct TorchThreads {
    Plugin plugin;
    std::vector<std::shared_ptr<Worker>> contexts;
};

// Lazy start: the first threads() opens the plug-in and starts the context threads. Shared by the backend and by jobs
// whose callers have left. (A Ref, not a shared_ptr: libstdc++ releases the last of those where ThreadSanitizer sees no
// happens-before.)
class TorchStart final : public RefCounted {
  public:
    explicit TorchStart(PluginOptions options) : options_(std::move(options)) {}

    bool done() const { return done_.load(std::memory_order_acquire); }
    // WB_FORKED in a child of the process that started the threads.
    Status usable() const;
    // Blocks while LibTorch is mapped: seconds, the first time.
    Expected<std::shared_ptr<const TorchThreads>> threads();

  private:
    const PluginOptions options_;
    std::atomic<bool> done_{false};
    ForkMutex mutex_;
    std::shared_ptr<const TorchThreads> threads_ WB_GUARDED_BY(mutex_);
    uint64_t epoch_ = 0;  // constant once done
};

// A load or an import, on a thread of its own: scoring on the context threads continues, and a caller whose deadline
// passes abandons the job, which ends at LibTorch's next step.
class TorchJob : public Worker::Job {
  public:
    explicit TorchJob(Ref<TorchStart> start) : start_(std::move(start)) {}

    Status perform() final;
    Status usable() const { return start_->usable(); }
    void leave() { left_.store(true, std::memory_order_relaxed); }

    std::shared_ptr<const TorchThreads> threads;  // set before work() is called

  protected:
    // Called on the job's thread, after thread_init.
    virtual Status work(const wb_plugin_v1 &table) = 0;
    bool left() const { return left_.load(std::memory_order_relaxed); }

  private:
    const Ref<TorchStart> start_;
    std::atomic<bool> left_{false};
};

// Runs the job on a new thread of that name and waits for it until `stop` ends the call: then the failure is "the
// deadline passed while <doing>" (or the cancel likewise), and the job, still running, may not be read.
Status run_job(const std::shared_ptr<TorchJob> &job, const char *thread, std::string_view doing,
               const StopSource &stop);

}  // namespace weighbridge::lib
