// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// A named worker thread: one job at a time, which its caller may abandon. Signals are blocked, the floating-point
// environment is the library's, an idle thread sleeps on a condition variable, and the stack has 64 MB (LibTorch's
// parsers recurse by a module's nesting).
class Worker {
  public:
    // A unit of work. The worker shares it until it is done, so that it may outlive its caller.
    class Job {
      public:
        virtual ~Job() = default;
        virtual Status perform() = 0;  // on the worker's thread; an exception becomes WB_INTERNAL
    };

    // Completion callback of an abandoned job: called once, on the worker's thread, after the worker has dropped the
    // job.
    struct Abandoned {
        void (*done)(void *) = nullptr;
        void *argument = nullptr;
    };

    // Starts a thread called `name` (15 bytes are seen by the system) and waits until `prepare` has run on it.
    // WB_OUT_OF_MEMORY where the system gives no thread; prepare's own failure.
    static Expected<std::shared_ptr<Worker>> start(const std::string &name, const std::function<Status()> &prepare);

    // Does not wait for a job: an idle thread is joined, a busy one detached, and it shares what it uses. A forked
    // child, where the thread does not exist, does neither.
    ~Worker();
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    // Runs the job and returns its status, or WB_CANCELLED or WB_DEADLINE_EXCEEDED when `stop` ends the call. `left`
    // tells these two apart: true where the job runs on, abandoned (abandoned.done follows), false where it never
    // began. WB_FORKED in a child; WB_INTERNAL where the worker has a job already. Allocates nothing.
    Status run(const std::shared_ptr<Job> &job, const StopSource &stop, Abandoned abandoned, bool &left);

  private:
    struct State;
    explicit Worker(std::shared_ptr<State> state) : state_(std::move(state)) {}
    static void *main(void *start);

    std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace weighbridge::lib
