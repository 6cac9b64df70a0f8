// SPDX-License-Identifier: Apache-2.0
#include "pool/pool.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace weighbridge::lib {

// A request that waits, on its own stack. In a queue until it is settled: given a context, or told why it gets none.
struct Pool::Waiter final : CancelToken::Waker {
    Waiter(State &of, Priority asked) : state(of), priority(asked) {}
    void wake() override;

    State &state;
    const Priority priority;
    Condition condition;
    Waiter *next = nullptr;  // from here on guarded by state.mutex
    Waiter *previous = nullptr;
    bool queued = false;
    int context = -1;
    int32_t code = WB_OK;
};

// One process's side of the pool. While a context is free nobody waits.
struct Pool::State {
    struct Queue {
        Waiter *first = nullptr;
        Waiter *last = nullptr;
    };

    State(int contexts, bool refuses) : closed(refuses) {
        free.reserve(static_cast<size_t>(contexts));
        for (int context = contexts; context-- > 0;) free.push_back(context);
    }

    Queue &queue(Priority priority) { return priority == Priority::high ? high : normal; }

    void enqueue(Waiter &waiter) {
        Queue &to = queue(waiter.priority);
        waiter.previous = to.last;
        (to.last ? to.last->next : to.first) = &waiter;
        to.last = &waiter;
        waiter.queued = true;
        waiting.fetch_add(1, std::memory_order_relaxed);
    }

    // Takes it out of its queue, with the context that it gets or the code that says why not.
    void settle(Waiter &waiter, int context, int32_t code) {
        Queue &from = queue(waiter.priority);
        (waiter.previous ? waiter.previous->next : from.first) = waiter.next;
        (waiter.next ? waiter.next->previous : from.last) = waiter.previous;
        waiter.queued = false;
        waiter.context = context;
        waiter.code = code;
        waiting.fetch_sub(1, std::memory_order_relaxed);
    }

    const ForkGuard born;
    ForkMutex mutex;
    std::vector<int> free;  // guarded by mutex, as all below; the last used comes first, for its warm caches
    Queue high;
    Queue normal;
    std::atomic<bool> closed;          // written under mutex; a forked child reads its parent's
    std::atomic<uint32_t> waiting{0};  // written under mutex
    uint32_t draining = 0;
    Condition idle;
};

namespace {

Status refusal(int32_t code, int contexts, uint32_t waiting) {
    switch (code) {
        case WB_CLOSED:
            return Status::failure(code, "the engine is closed or closing");
        case WB_CANCELLED:
            return Status::failure(code, "cancelled while waiting for a context");
        case WB_OVERLOADED:
            return Status::failure(code, "expected a free context or room in the queue, found {} busy and {} waiting",
                                   contexts, waiting);
        default:
            return Status::failure(code, "the deadline passed before one of {} contexts was free, {} waiting", contexts,
                                   waiting);
    }
}

}  // namespace

void Pool::Waiter::wake() {
    std::lock_guard lock(state.mutex);
    if (!queued) return;
    state.settle(*this, -1, WB_CANCELLED);
    condition.notify_one();
}

Pool::Pool(int contexts, uint32_t queue_limit, const Clock &clock)
    : contexts_(contexts), queue_limit_(queue_limit), clock_(clock), state_(new State(contexts, false)) {}

Pool::~Pool() {
    State *last = state_.load(std::memory_order_acquire);
    if (last->born.current()) delete last;
}

// In a forked child the parent's state may have been caught at any store, with leases and waiters that do not run here:
// it is left alone, leaked on purpose, for leases that the child inherited still point at it.
Pool::State &Pool::state() {
    State *found = state_.load(std::memory_order_acquire);
    if (found->born.current()) [[likely]]
        return *found;
    auto fresh = std::make_unique<State>(contexts_, found->closed.load(std::memory_order_relaxed));
    if (state_.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    return *found;
}

uint32_t Pool::waiting() const {
    const State *found = state_.load(std::memory_order_acquire);
    return found->born.current() ? found->waiting.load(std::memory_order_relaxed) : 0;
}

Expected<Pool::Lease> Pool::acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel) {
    StopSource stop{&clock_, cancel, deadline_ns};
    if (int32_t code = stop.poll(); code != WB_OK) return refusal(code, contexts_, waiting());

    State &here = state();
    // Gives a context, or a code; WB_BUSY where the request has to wait.
    auto attempt = [&](int &context) -> int32_t {
        if (here.closed.load(std::memory_order_relaxed)) return WB_CLOSED;
        if (!here.free.empty()) {
            context = here.free.back();
            here.free.pop_back();
            return WB_OK;
        }
        return here.waiting.load(std::memory_order_relaxed) < queue_limit_ ? WB_BUSY : WB_OVERLOADED;
    };
    int context = -1;
    std::unique_lock lock(here.mutex);
    int32_t code = attempt(context);
    if (code == WB_BUSY) {
        Waiter waiter(here, priority);
        if (cancel) {
            // wake() locks our mutex under the token's, so the token's must not be locked under ours.
            lock.unlock();
            cancel->attach(waiter);
            lock.lock();
            code = cancel->is_set() ? WB_CANCELLED : attempt(context);
        }
        if (code == WB_BUSY) {
            here.enqueue(waiter);
            while (waiter.queued) {
                if (deadline_ns != WB_NO_DEADLINE && clock_.now_ns() >= deadline_ns)
                    here.settle(waiter, -1, WB_DEADLINE_EXCEEDED);
                else
                    clock_.wait_until(waiter.condition, here.mutex, deadline_ns);
            }
            context = waiter.context;
            code = waiter.code;
        }
        if (cancel) {
            lock.unlock();
            cancel->detach(waiter);
        }
    }
    if (lock.owns_lock()) lock.unlock();
    if (code != WB_OK) return refusal(code, contexts_, waiting());
    return Lease(here, context);
}

void Pool::release(State &state, int context) {
    if (!state.born.current()) return;
    std::lock_guard lock(state.mutex);
    Waiter *next = state.high.first ? state.high.first : state.normal.first;
    if (next) {
        state.settle(*next, context, WB_OK);
        next->condition.notify_one();
        return;
    }
    state.free.push_back(context);  // within the capacity reserved
    if (state.draining > 0) state.idle.notify_all();
}

void Pool::refuse() {
    State &here = state();
    std::lock_guard lock(here.mutex);
    here.closed.store(true, std::memory_order_relaxed);
    for (State::Queue *queue : {&here.high, &here.normal}) {
        while (Waiter *waiter = queue->first) {
            here.settle(*waiter, -1, WB_CLOSED);
            waiter->condition.notify_one();
        }
    }
}

Status Pool::drain(int64_t deadline_ns) {
    State &here = state();
    std::lock_guard lock(here.mutex);
    auto busy = [&] { return contexts_ - static_cast<int>(here.free.size()); };
    ++here.draining;
    while (busy() > 0 && (deadline_ns == WB_NO_DEADLINE || clock_.now_ns() < deadline_ns))
        clock_.wait_until(here.idle, here.mutex, deadline_ns);
    --here.draining;
    if (busy() > 0)
        return Status::failure(WB_DEADLINE_EXCEEDED,
                               "expected every context back before the deadline, {} of {} are busy", busy(), contexts_);
    return Status();
}

}  // namespace weighbridge::lib
