// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <functional>
#include <memory>
#include <string>

#include "backend/cuda/driver.hpp"
#include "base/cancel.hpp"
#include "base/lock.hpp"

namespace weighbridge::lib::cuda {

// How long a device is waited for.
struct DeviceTimes {
    int64_t longest_run_ns = 10'000'000'000;    // a run that takes longer hangs
    int64_t recovery_pause_ns = 1'000'000'000;  // between attempts to make a lost context anew
};

// A device's thread, wb:cuda-0: looks whether runs are through, so that their callers sleep until then, and carries out
// a task now and then. The driver has no wait that ends at a time, and one that blocks does not come back from a device
// that hangs: so runs are polled, by this thread for all of them (by who waits while it has its task), each 20 us to
// 1 ms as they get older. While nothing runs it sleeps. Thread-safe; of one process.
class Watch {
  public:
    // WB_OUT_OF_MEMORY where the system gives no thread.
    static Expected<std::shared_ptr<Watch>> start(const std::string &name, const DeviceTimes &times);
    // Ends the thread; one that a call of the driver keeps is left to end after it.
    void end();

    // An event that runs end with, one after the other; shared with the thread, which may be looking at it.
    struct Look {
        Look(std::shared_ptr<const DeviceContext> of, Event made) : context(std::move(of)), event(std::move(made)) {}
        const std::shared_ptr<const DeviceContext> context;
        const Event event;

      private:
        friend class Watch;
        // All below: guarded by the watch's mutex.
        std::shared_ptr<Look> next;  // of those that are waited for
        int64_t began_ns = 0;
        uint64_t round = 0;
        Result result = kSuccess;
        bool stalled = false;
        Condition changed;
    };
    // How a wait ended.
    struct Outcome {
        int32_t stop = WB_OK;      // what `stop` said, where that ended it
        bool stalled = false;      // longer than a run may take; as after a stop the device may be at work still
        Result result = kSuccess;  // else the run's
        bool left() const { return stop != WB_OK || stalled; }
    };
    // Sleeps until what was recorded is done. The context is current.
    Outcome wait(const std::shared_ptr<Look> &look, const StopSource &stop);

    // Has the thread call `task` after each pause until it returns true. No effect while there is one.
    using Task = std::function<bool()>;
    void repeat(Task task);

    ~Watch() = default;
    Watch(const Watch &) = delete;
    Watch &operator=(const Watch &) = delete;

  private:
    explicit Watch(const DeviceTimes &times) : times_(times) {}
    static void *main(void *own);
    void keep();
    Outcome poll(const Look &look, const StopSource &stop) const;
    void carry_out() WB_REQUIRES(mutex_);
    int64_t look_at_all() WB_REQUIRES(mutex_);
    void look_at(std::shared_ptr<Look> look) WB_REQUIRES(mutex_);
    void look_oneself(Look &look) WB_REQUIRES(mutex_);
    void settle(Look &look, int64_t began_ns, Result result) const WB_REQUIRES(mutex_);
    template <class T>
    void give_back(std::shared_ptr<T> &shared) WB_REQUIRES(mutex_);
    std::shared_ptr<Look> next_of_round() WB_REQUIRES(mutex_);
    void forget(const std::shared_ptr<Look> &look) WB_REQUIRES(mutex_);

    const DeviceTimes times_;
    const ForkGuard born_;
    pthread_t thread_{};  // constant once started
    ForkMutex mutex_;
    Condition wake_, idle_;
    std::shared_ptr<Look> first_ WB_GUARDED_BY(mutex_);
    uint64_t round_ WB_GUARDED_BY(mutex_) = 0;
    std::shared_ptr<Task> task_ WB_GUARDED_BY(mutex_);
    int64_t task_due_ns_ WB_GUARDED_BY(mutex_) = 0;
    bool in_call_ WB_GUARDED_BY(mutex_) = false;  // of the driver
    bool in_task_ WB_GUARDED_BY(mutex_) = false;
    bool ended_ WB_GUARDED_BY(mutex_) = false;
};

}  // namespace weighbridge::lib::cuda
