// SPDX-License-Identifier: Apache-2.0
#include "interruptible.hpp"

#include <pthread.h>
#include <signal.h>

#include <future>
#include <optional>
#include <system_error>
#include <thread>

#include "gil.hpp"

namespace weighbridge::python {
namespace {

constexpr std::chrono::milliseconds kSignalsEvery(50);

// Threads that are made meanwhile get no signals, which are for the host's own.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

  private:
    sigset_t before_;
};

// None where the process may have no more threads.
std::thread started(std::packaged_task<void()> &task) {
    const SignalsBlocked blocked;
    try {
        std::thread thread(std::ref(task));
        pthread_setname_np(thread.native_handle(), "wb:load");
        return thread;
    } catch (const std::system_error &) {
        return {};
    }
}

}  // namespace

void interruptible(wb::CancelToken &cancel, const std::function<void()> &work) {
    std::packaged_task<void()> task(work);
    std::future<void> ended = task.get_future();
    std::optional<py::error_already_set> raised;
    if (std::thread thread = started(task); thread.joinable()) {
        auto ended_meanwhile = [&] {
            const Released released;
            return ended.wait_for(kSignalsEvery) == std::future_status::ready;
        };
        while (!ended_meanwhile())
            if (!raised && PyErr_CheckSignals() != 0) {
                raised.emplace();
                (void)cancel.set();
            }
        thread.join();
    } else {
        const Released released;
        task();
    }
    if (raised) throw py::error_already_set(*raised);
    ended.get();
}

}  // namespace weighbridge::python
