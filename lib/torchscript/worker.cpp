// SPDX-License-Identifier: Apache-2.0
#include "torchscript/worker.hpp"

#include <pthread.h>

#include <exception>
#include <new>

#include "base/fp_env.hpp"
#include "base/lock.hpp"
#include "base/thread.hpp"

namespace weighbridge::lib {
namespace {

// LibTorch 2.15's parser overflowed a stack of 8 MB at 5,000 to 7,000 levels of nested parentheses.
constexpr size_t kParserStackBytes = size_t{64} << 20;

Status perform(Worker::Job &job) {
    try {
        return job.perform();
    } catch (const std::bad_alloc &) {
        return Status::failure(WB_OUT_OF_MEMORY, "out of memory in a worker's job");
    } catch (...) {
        return Status::failure(WB_INTERNAL, "an exception left a worker's job");
    }
}

}  // namespace

struct Worker::State {
    enum class Phase { idle, submitted, running, finished };

    const uint64_t epoch = fork_epoch();
    pthread_t thread{};  // constant once start() has returned
    ForkMutex mutex;
    Condition for_worker;
    Condition for_caller;
    // All below: guarded by mutex.
    Phase phase = Phase::idle;
    bool closing = false;
    bool caller_left = false;
    std::shared_ptr<Job> job;
    Abandoned abandoned;
    Status result;
};

namespace {

// Hand-shake of start() with the new thread; on start()'s stack, which waits for `ready`.
struct Start {
    std::shared_ptr<void> state;
    const std::function<Status()> *prepare;
    ForkMutex mutex;
    Condition answered;
    bool ready = false;  // guarded by mutex
    Status result;       // guarded by mutex
};

// The time left by `stop`'s clock as a time of CLOCK_MONOTONIC, which conditions wait by: a test's clock is another.
int64_t wake_at(const StopSource &stop) {
    if (stop.deadline_ns == WB_NO_DEADLINE) return WB_NO_DEADLINE;
    const int64_t now = steady_clock().now_ns();
    const int64_t left = stop.deadline_ns - stop.clock->now_ns();  // poll() has just found this above zero
    return left > WB_NO_DEADLINE - now ? WB_NO_DEADLINE : now + left;
}

}  // namespace

void *Worker::main(void *argument) {
    auto *start = static_cast<Start *>(argument);
    const FpEnvironment environment;
    const auto state = std::static_pointer_cast<State>(start->state);
    Status prepared;
    try {
        prepared = (*start->prepare)();
    } catch (...) {
        prepared = Status::failure(WB_INTERNAL, "an exception left a worker's preparation");
    }
    {
        const Lock lock(start->mutex);
        start->result = prepared;
        start->ready = true;
        start->answered.notify_one();
    }
    if (!prepared.ok()) return nullptr;

    Lock lock(state->mutex);
    for (;;) {
        while (state->phase != State::Phase::submitted && !state->closing)
            state->for_worker.wait_until(state->mutex, WB_NO_DEADLINE);
        if (state->phase != State::Phase::submitted) return nullptr;
        state->phase = State::Phase::running;
        Job &job = *state->job;
        lock.unlock();
        const Status result = perform(job);
        lock.lock();
        if (!state->caller_left) {
            state->result = result;
            state->phase = State::Phase::finished;
            state->for_caller.notify_all();
            continue;
        }
        std::shared_ptr<Job> last = std::move(state->job);
        const Abandoned abandoned = state->abandoned;
        state->caller_left = false;
        state->phase = State::Phase::idle;
        lock.unlock();
        last.reset();
        if (abandoned.done) abandoned.done(abandoned.argument);
        lock.lock();
    }
}

Expected<std::shared_ptr<Worker>> Worker::start(const std::string &name, const std::function<Status()> &prepare) {
    const auto state = std::make_shared<State>();
    std::shared_ptr<Worker> worker(new Worker(state));
    Start start;
    start.state = state;
    start.prepare = &prepare;

    if (Status status = start_thread(state->thread, name, kParserStackBytes, &Worker::main, &start); !status.ok()) {
        worker->state_.reset();  // nothing to join
        return status;
    }
    Lock lock(start.mutex);
    while (!start.ready) start.answered.wait_until(start.mutex, WB_NO_DEADLINE);
    if (!start.result.ok()) return start.result;  // the thread has ended; ~Worker joins it
    return worker;
}

Worker::~Worker() {
    if (!state_ || state_->epoch != fork_epoch()) return;  // in a child the thread's own reference keeps the state
    bool busy = false;
    {
        const Lock lock(state_->mutex);
        state_->closing = true;
        busy = state_->phase == State::Phase::running;
        state_->for_worker.notify_all();
    }
    // The thread itself gets here where abandoned.done drops the last reference: it cannot join itself.
    if (busy || pthread_equal(state_->thread, pthread_self()))
        pthread_detach(state_->thread);
    else
        pthread_join(state_->thread, nullptr);
}

Status Worker::run(const std::shared_ptr<Job> &job, const StopSource &stop, Abandoned abandoned, bool &left) {
    left = false;
    State &state = *state_;
    if (state.epoch != fork_epoch())
        return Status::failure(WB_FORKED, "this process forked after the worker threads were started");
    const WakeOnCancel waking(stop.cancel, state.mutex, state.for_caller);

    Lock lock(state.mutex);
    if (state.phase != State::Phase::idle)
        return Status::failure(WB_INTERNAL, "a worker was handed a job while it had one");
    if (const int32_t code = stop.poll(); code != WB_OK) return Status::failure(code, "the call ended before it ran");
    state.job = job;
    state.abandoned = abandoned;
    state.phase = State::Phase::submitted;
    state.for_worker.notify_one();
    for (;;) {
        if (state.phase == State::Phase::finished) {
            state.phase = State::Phase::idle;
            state.job.reset();
            return state.result;
        }
        if (const int32_t code = stop.poll(); code != WB_OK) {
            if (state.phase == State::Phase::submitted) {
                state.phase = State::Phase::idle;
                state.job.reset();
            } else {
                state.caller_left = true;
                left = true;
            }
            return ended_while(code, "the model ran");
        }
        state.for_caller.wait_until(state.mutex, wake_at(stop));
    }
}

}  // namespace weighbridge::lib
