// SPDX-License-Identifier: Apache-2.0
#include "torchscript/torch_job.hpp"

#include <string>

#include "base/lock.hpp"
#include "base/own_directory.hpp"

namespace weighbridge::lib {
namespace {

Status prepare_thread(const wb_plugin_v1 &table) {
    PluginLine line = "";
    if (const int32_t code = table.thread_init(line, sizeof line); code != WB_OK)
        return Status::failure(code, "LibTorch could not be set up for a thread: {}", line);
    return {};
}

}  // namespace

Status TorchStart::usable() const {
    if (!done() || epoch_ == fork_epoch()) return {};
    return Status::failure(WB_FORKED, "this process forked after the LibTorch threads were started");
}

Expected<std::shared_ptr<const TorchThreads>> TorchStart::threads() {
    const Lock lock(mutex_);
    if (Status status = usable(); !status.ok()) return status;
    if (threads_) return threads_;
    auto plugin = open_plugin(options_.plugin, options_.libtorch, own_directory());
    if (!plugin) return plugin.status();
    auto threads = std::make_shared<TorchThreads>();
    threads->plugin = *std::move(plugin);
    for (int i = 0; i < options_.contexts; ++i) {
        auto worker =
            Worker::start("wb:torch-" + std::to_string(i), [&] { return prepare_thread(*threads->plugin.table); });
        if (!worker) return worker.status();
        threads->contexts.push_back(*std::move(worker));
    }
    threads_ = std::move(threads);
    epoch_ = fork_epoch();
    done_.store(true, std::memory_order_release);
    return threads_;
}

Status TorchJob::perform() {
    auto started = start_->threads();
    if (!started) return started.status();
    threads = *std::move(started);
    if (Status status = prepare_thread(*threads->plugin.table); !status.ok()) return status;
    return left() ? Status::failure(WB_CANCELLED, "the caller has left") : work(*threads->plugin.table);
}

Status run_job(const std::shared_ptr<TorchJob> &job, const char *thread, std::string_view doing,
               const StopSource &stop) {
    if (Status status = job->usable(); !status.ok()) return status;
    const auto worker = Worker::start(thread, [] { return Status(); });
    if (!worker) return worker.status();
    bool left = false;
    const Status status = (*worker)->run(job, stop, {}, left);
    if (left) job->leave();
    return is_stop(status.code) ? ended_while(status.code, doing) : status;
}

}  // namespace weighbridge::lib
