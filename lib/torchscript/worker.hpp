// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// A named thread that does one job at a time for callers who may leave before it is done. 64 MB of stack (LibTorch's
// parsers recurse by a module's nesting), all signals blocked, the library's floating-point environment. It sleeps on a
// condition while it has nothing to do.
class Worker {
  public:
    // What the thread is to do. Kept alive by the worker until done, so that its memory may outlive the submitter.
    class Job {
      public:
        virtual ~Job() = default;
        virtual Status perform() = 0;  // on the worker's thread; an exception becomes WB_INTERNAL
    };

    // Told once, on the worker's thread, after a job that its submitter left; then the worker has let go of the job.
    struct Abandoned {
        void (*done)(void *) = nullptr;
        void *argument = nullptr;
    };

    // Starts a thread called `name` (15 bytes are seen by the system) and waits until `prepare` has run on it.
    // WB_OUT_OF_MEMORY where the system gives no thread; prepare's own failure.
    static Expected<std::shared_ptr<Worker>> start(const std::string &name, const std::function<Status()> &prepare);

    // Never waits for a job: an idle thread is joined, a busy one is left to end after its job, whose memory it owns.
    // In a forked child it only forgets: the thread is not there.
    ~Worker();
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    // Runs the job and returns its status, or WB_CANCELLED or WB_DEADLINE_EXCEEDED when `stop` says so: then
    // `left` is true where the job goes on without the caller (abandoned.done follows), and false where it never began.
    // WB_FORKED in a child; WB_INTERNAL where a job is at hand. Allocates nothing.
    Status run(const std::shared_ptr<Job> &job, const StopSource &stop, Abandoned abandoned, bool &left);

  private:
    struct State;
    explicit Worker(std::shared_ptr<State> state) : state_(std::move(state)) {}
    static void *main(void *start);

    std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace weighbridge::lib
