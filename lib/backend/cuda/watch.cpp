// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/watch.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/fp_env.hpp"
#include "base/thread.hpp"

namespace weighbridge::lib::cuda {
namespace {

constexpr int64_t kLeastPauseNs = 20'000, kMostPauseNs = 1'000'000;
constexpr int64_t kPartOfAge = 16;         // a run is seen to be through later by this part of its length at most
constexpr unsigned long kSlackNs = 1'000;  // instead of Linux's 50 us, by which each pause were longer
constexpr int64_t kEndNs = 200'000'000;    // that end() waits for a call of the driver

// Until a run of that age is looked at again.
int64_t pause_ns(int64_t age_ns) { return std::clamp(age_ns / kPartOfAge, kLeastPauseNs, kMostPauseNs); }

}  // namespace

Expected<std::shared_ptr<Watch>> Watch::start(const std::string &name, const DeviceTimes &times) {
    std::shared_ptr<Watch> watch(new Watch(times));
    auto own = std::make_unique<std::shared_ptr<Watch>>(watch);
    if (Status status = start_thread(watch->thread_, name, kStackBytes, &Watch::main, own.get()); !status.ok())
        return status;
    (void)own.release();  // owned by the new thread
    return watch;
}

void *Watch::main(void *argument) {
    const std::unique_ptr<std::shared_ptr<Watch>> own(static_cast<std::shared_ptr<Watch> *>(argument));
    const FpEnvironment environment;
    (void)prctl(PR_SET_TIMERSLACK, kSlackNs, 0, 0, 0);  // where it is refused, pauses are longer
    (*own)->keep();
    return nullptr;
}

void Watch::end() {
    if (!born_.current()) return;  // a forked child has no such thread
    std::shared_ptr<Task> task;
    bool busy = false;
    {
        const Lock lock(mutex_);
        ended_ = true;
        task.swap(task_);
        wake_.notify_all();
        const int64_t until_ns = steady_clock().now_ns() + kEndNs;
        while (in_call_ && steady_clock().now_ns() < until_ns) idle_.wait_until(mutex_, until_ns);
        busy = in_call_;
    }
    busy ? pthread_detach(thread_) : pthread_join(thread_, nullptr);
}

void Watch::keep() {
    const Lock lock(mutex_);
    while (!ended_) {
        const int64_t now_ns = steady_clock().now_ns();
        if (task_ && now_ns >= task_due_ns_) {
            carry_out();
        } else {
            const int64_t next_ns = first_ ? look_at_all() : WB_NO_DEADLINE;
            if (!ended_) wake_.wait_until(mutex_, task_ ? std::min(next_ns, task_due_ns_) : next_ns);
        }
    }
}

// Nobody is looked at meanwhile, so that those who wait look themselves.
void Watch::carry_out() {
    std::shared_ptr<Task> task = task_;
    in_call_ = in_task_ = true;
    for (Look *look = first_.get(); look; look = look->next.get()) look->changed.notify_all();
    mutex_.unlock();
    const bool done = (*task)();
    mutex_.lock();
    in_task_ = false;
    if (done && task_ == task) task_.reset();
    task_due_ns_ = steady_clock().now_ns() + times_.recovery_pause_ns;
    give_back(task);
    in_call_ = false;
    idle_.notify_all();
}

// Of what is shared, not under the mutex: the last to have it has the driver take back what it holds.
template <class T>
void Watch::give_back(std::shared_ptr<T> &shared) {
    mutex_.unlock();
    shared.reset();
    mutex_.lock();
}

void Watch::repeat(Task task) {
    auto made = std::make_shared<Task>(std::move(task));
    const Lock lock(mutex_);
    if (task_ || ended_) return;
    task_ = std::move(made);
    task_due_ns_ = steady_clock().now_ns() + times_.recovery_pause_ns;
    wake_.notify_all();
}

// Says when they shall be looked at again.
int64_t Watch::look_at_all() {
    ++round_;
    while (std::shared_ptr<Look> look = next_of_round()) look_at(std::move(look));
    const int64_t now_ns = steady_clock().now_ns();
    int64_t youngest_ns = kMostPauseNs * kPartOfAge;
    for (const Look *look = first_.get(); look; look = look->next.get())
        youngest_ns = std::min(youngest_ns, now_ns - look->began_ns);
    return now_ns + pause_ns(youngest_ns);
}

std::shared_ptr<Watch::Look> Watch::next_of_round() {
    for (std::shared_ptr<Look> look = first_; look; look = look->next)
        if (look->round != round_ && look->result == kNotReady) return look;
    return nullptr;
}

// Without the mutex: a caller whose deadline comes does not wait for the driver.
void Watch::look_at(std::shared_ptr<Look> look) {
    look->round = round_;
    const int64_t began_ns = look->began_ns;
    in_call_ = true;
    mutex_.unlock();
    Result result = kNotReady;
    {
        const DeviceContext::Current current(*look->context);
        result = current.result();
        if (result == kSuccess) result = look->context->functions().event_query(look->event.get());
    }
    mutex_.lock();
    settle(*look, began_ns, result);
    give_back(look);
    in_call_ = false;
    idle_.notify_all();
}

// What an event gave for the run that began then, if that is still waited for.
void Watch::settle(Look &look, int64_t began_ns, Result result) const {
    const bool stalls = result == kNotReady && steady_clock().now_ns() - began_ns > times_.longest_run_ns;
    if (look.result != kNotReady || look.began_ns != began_ns || (result == kNotReady && !stalls)) return;
    look.result = result == kNotReady ? kSuccess : result;
    look.stalled = stalls;
    look.changed.notify_all();
}

// For who waits while the thread has its task. The context is current.
void Watch::look_oneself(Look &look) {
    const int64_t began_ns = look.began_ns;
    mutex_.unlock();
    const Result result = look.context->functions().event_query(look.event.get());
    mutex_.lock();
    settle(look, began_ns, result);
    if (look.result != kNotReady || !in_task_) return;
    const int64_t now_ns = steady_clock().now_ns();
    look.changed.wait_until(mutex_, now_ns + pause_ns(now_ns - began_ns));
}

// For the watch's own thread, in its task.
Watch::Outcome Watch::poll(const Look &look, const StopSource &stop) const {
    Outcome outcome;
    const int64_t began_ns = steady_clock().now_ns();
    for (;;) {
        outcome.result = look.context->functions().event_query(look.event.get());
        if (outcome.result != kNotReady) return outcome;
        outcome.result = kSuccess;
        outcome.stop = stop.poll();
        outcome.stalled = steady_clock().now_ns() - began_ns > times_.longest_run_ns;
        if (outcome.left()) return outcome;
        std::this_thread::sleep_for(std::chrono::nanoseconds(kLeastPauseNs));
    }
}

Watch::Outcome Watch::wait(const std::shared_ptr<Look> &look, const StopSource &stop) {
    if (pthread_equal(thread_, pthread_self())) return poll(*look, stop);
    Outcome outcome;
    outcome.result = look->context->functions().event_query(look->event.get());
    if (outcome.result != kNotReady) return outcome;
    const Clock &clock = stop.clock ? *stop.clock : steady_clock();
    const WakeOnCancel waking(stop.cancel, mutex_, look->changed);
    const Lock lock(mutex_);
    look->began_ns = steady_clock().now_ns();
    look->result = kNotReady;
    look->stalled = false;
    look->next = first_;
    first_ = look;
    wake_.notify_one();
    while (look->result == kNotReady && (outcome.stop = stop.poll()) == WB_OK) {
        if (in_task_)
            look_oneself(*look);
        else
            clock.wait_until(look->changed, mutex_, stop.deadline_ns);
    }
    if (outcome.stop == WB_OK) {
        outcome.stalled = look->stalled;
        outcome.result = look->result;
    }
    forget(look);
    return outcome;
}

void Watch::forget(const std::shared_ptr<Look> &look) {
    std::shared_ptr<Look> *place = &first_;
    while (*place != look) place = &(*place)->next;
    *place = std::move(look->next);
    look->result = kSuccess;
}

}  // namespace weighbridge::lib::cuda
