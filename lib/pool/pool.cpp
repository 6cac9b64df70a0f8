// SPDX-License-Identifier: Apache-2.0
#include "pool/pool.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "base/thread_place.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kLine = 64;  // a cache line of every CPU that this library runs on

// The part of the bound that each waiter has as the first of its class, at least (README.md has what was measured).
constexpr int64_t kTurns = 8;

// How long before its end a thread on the waiter's own CPU may hand over: longer than one run takes.
constexpr int64_t kNearNs = 100'000;

// How long one who was called in vain sleeps before it looks again.
constexpr int64_t kWatchNs = 100'000;

// The thread that was woken may be queued behind this one, while another CPU is idle: Linux pulls a thread over only
// after a while, and its context would be idle as well.
void give_way() { sched_yield(); }

}  // namespace

// A request that waits, on its own stack. In a queue until it is settled: given a context, or told why it gets none.
struct Pool::Waiter final : CancelToken::Waker {
    Waiter(State &of, Priority asked, bool bound_by_limit) : state(of), priority(asked), limited(bound_by_limit) {}
    void wake() override;

    State &state;
    const Priority priority;
    const bool limited;  // counts in the queue's limit, and is refused by it
    Condition condition;
    Waiter *next = nullptr;  // from here on guarded by state.mutex
    Waiter *previous = nullptr;
    bool queued = false;
    bool waited = false;
    int64_t since_ns = 0;  // when it began to wait
    int64_t bound_ns = 0;  // while it is the first of its class: when waiting for a context to be left over ends
    int64_t near_ns = 0;   // from when on a thread on its CPU hands over
    int cpu = -1;          // where it last ran
    int context = -1;
    int32_t code = WB_OK;
};

// One process's side of the pool.
//
// A context is free or busy by its own flag, which whoever sets it owns it by. Everything else is in `gate`: how many
// wait, whether one of high priority does, whether one of them is on his way, how many drain, and whether the pool is
// closed. While the gate is zero, flags are all there is to it. Who waits counts himself in the gate and looks at the
// flags afterwards; who frees a context clears its flag and looks at the gate afterwards; all of it sequentially
// consistent, so that at least one of the two sees the other. In the same way who takes a context by its flag looks
// whether the pool was closed meanwhile. So nobody sleeps while a context is free, but where the context's last holder
// is about to call one, or where one is called: he wakes at once, or where he was called in vain, soon, gives contexts
// to those before him and to himself, and leaves with the next one called.
struct Pool::State {
    struct Queue {
        Waiter *first = nullptr;
        Waiter *last = nullptr;
    };
    struct alignas(kLine) Flag {
        std::atomic<bool> busy{false};
    };
    struct alignas(kLine) Hint {
        std::atomic<int> context{0};
    };

    State(int contexts, bool refuses, const Clock &time, int64_t fair_ns)
        : clock(time), fairness_ns(fair_ns), flags(static_cast<size_t>(contexts)), gate(refuses ? kClosed : 0) {}

    Queue &queue(Priority priority) { return priority == Priority::high ? high : normal; }
    Waiter *next() const { return high.first ? high.first : normal.first; }

    // Until its bound is there, nobody passes a waiter that is the first: a bound holds from when it was set.
    void enqueue(Waiter &waiter) {
        Queue &to = queue(waiter.priority);
        waiter.previous = to.last;
        (to.last ? to.last->next : to.first) = &waiter;
        to.last = &waiter;
        waiter.queued = waiter.waited = true;
        limited += waiter.limited ? 1 : 0;
        if (next() == &waiter) {
            bound_ns.store(kPast);
            call(nullptr);
        }
        gate.fetch_add(kWaiter + (to.first == &waiter ? high_mark(waiter) : 0));
        waiter.since_ns = clock.now_ns();
        if (to.first == &waiter) make_first(waiter, waiter.since_ns);
        waiter.cpu = sched_getcpu();
        if (next() == &waiter) publish(waiter);
    }

    // For those who hold no mutex.
    void publish(const Waiter &first) {
        near_ns.store(first.near_ns);
        near_cpu.store(first.cpu);
        bound_ns.store(first.bound_ns);
    }

    // A queue so long that one bound after the other would make every call a hand-over gives each of its waiters a part
    // of the bound as the first.
    void make_first(Waiter &waiter, int64_t now_ns) const {
        const int64_t near = std::min(kNearNs, fairness_ns / 2);
        waiter.bound_ns = std::max(waiter.since_ns + fairness_ns, now_ns + fairness_ns / kTurns + near);
        waiter.near_ns = waiter.bound_ns - near;
    }

    // What the first of a class adds to the gate, and the last of it takes out.
    static uint64_t high_mark(const Waiter &waiter) { return waiter.priority == Priority::high ? kHigh : 0; }

    // Takes it out of its queue, with the context that it gets or the code that says why not.
    void settle(Waiter &waiter, int context, int32_t code) {
        Queue &from = queue(waiter.priority);
        (waiter.previous ? waiter.previous->next : from.first) = waiter.next;
        (waiter.next ? waiter.next->previous : from.last) = waiter.previous;
        if (!waiter.previous && waiter.next) make_first(*waiter.next, clock.now_ns());
        if (const Waiter *first = next()) publish(*first);
        waiter.queued = false;
        limited -= waiter.limited ? 1 : 0;
        waiter.context = context;
        waiter.code = code;
        const uint64_t coming = context >= 0 ? kComing : 0;
        gate.fetch_add(coming - kWaiter - (from.first ? 0 : high_mark(waiter)));
        waiter.condition.notify_one();
        if (called != &waiter) return;
        call(nullptr);
        call_first();
    }

    // Whether a newcomer may take a free context though others wait: past lower ones always, past its own class until
    // the first of that has waited for its bound, past higher ones never. Reads the clock where others wait.
    bool may_pass(Priority priority) const {
        const uint64_t now = gate.load();
        if (now == 0) [[likely]]
            return true;
        if (now & kClosed) return false;
        if (!(now & kWaiters)) return true;
        const bool high_waits = now & kHigh;
        if (high_waits != (priority == Priority::high)) return !high_waits;
        return clock.now_ns() < bound_ns.load();
    }

    // Wakes the first who waits, for a free context that he may still find taken, unless one is on his way already.
    void call_first() {
        Waiter *first = next();
        if (!first || called || busy() == static_cast<int>(flags.size())) return;
        call(first);
        first->condition.notify_one();
    }

    void call(Waiter *waiter) {
        called = waiter;
        if (waiter)
            gate.fetch_or(kCalled);
        else
            gate.fetch_and(~kCalled);
    }

    // For a waiter that is awake: gives free contexts to those before it and to itself, and has the next one called.
    void serve(Waiter &waiter) {
        while (waiter.queued) {
            const int context = take_any(0);
            if (context < 0) return;
            settle(*next(), context, WB_OK);
        }
        call_first();
    }

    // When a waiter looks again though nobody wakes it. Who was called in vain stays called, so that those who run on
    // pay for no second call, and watches instead.
    int64_t watch_ns(const Waiter &waiter, int64_t deadline_ns) const {
        if (called != &waiter) return deadline_ns;
        return std::min(deadline_ns, clock.now_ns() + kWatchNs);
    }

    bool take(size_t context) {
        std::atomic<bool> &busy = flags[context].busy;
        return !busy.load() && !busy.exchange(true);
    }

    // A free context, `first` before any other; -1 where there is none.
    int take_any(int first) {
        const size_t count = flags.size();
        auto context = static_cast<size_t>(first);
        for (size_t i = 0; i < count; ++i) {
            if (take(context)) return static_cast<int>(context);
            context = context + 1 < count ? context + 1 : 0;
        }
        return -1;
    }

    // Whether a context that comes back is for the first who waits. On his CPU he is running sooner: waking a thread on
    // another takes ten times as long, while the context lies idle.
    bool hands_over() const {
        if ((gate.load() & kWaiters) == 0) return false;
        const int64_t now_ns = clock.now_ns();
        return now_ns >= bound_ns.load() || (now_ns >= near_ns.load() && sched_getcpu() == near_cpu.load());
    }

    // False where that has changed meanwhile.
    bool hand_over(int context) {
        std::lock_guard lock(mutex);
        if (!hands_over()) return false;
        settle(*next(), context, WB_OK);
        return true;
    }

    // Whether somebody has to hear of a context that was freed: who waits where none of them is called, or who drains.
    static bool somebody_to_tell(uint64_t now) {
        return (now & kDrainOnes) != 0 || ((now & kWaiters) != 0 && (now & kCalled) == 0);
    }
    void tell() {
        std::lock_guard lock(mutex);
        call_first();
        if (draining()) idle.notify_all();
    }

    int busy() const {
        int count = 0;
        for (const Flag &flag : flags) count += flag.busy.load() ? 1 : 0;
        return count;
    }

    // Which context this thread had last; two threads that share a place are only slower.
    std::atomic<int> &hint() { return hints[place_of_this_thread(kHintBits)].context; }

    // The gate: closed (1 bit), threads that drain (17 bits), that were given a context and do not run yet (12 bits),
    // whether one waits with high priority, and whether one is called (1 bit each), threads that wait (32 bits).
    static constexpr uint64_t kClosed = uint64_t{1} << 63;
    static constexpr uint64_t kDrain = uint64_t{1} << 46;
    static constexpr uint64_t kDrainOnes = kClosed - kDrain;
    static constexpr uint64_t kComing = uint64_t{1} << 34;
    static constexpr uint64_t kComingOnes = kDrain - kComing;
    static constexpr uint64_t kHigh = uint64_t{1} << 33;
    static constexpr uint64_t kCalled = uint64_t{1} << 32;
    static constexpr uint64_t kWaiters = kCalled - 1;
    static constexpr uint64_t kWaiter = 1;
    bool closed() const { return (gate.load() & kClosed) != 0; }
    bool draining() const { return (gate.load() & kDrainOnes) != 0; }
    uint32_t waiting() const { return static_cast<uint32_t>(gate.load() & kWaiters); }

    static constexpr int64_t kPast = std::numeric_limits<int64_t>::min();
    static constexpr int kHintBits = 6;

    const ForkGuard born;
    const Clock &clock;
    const int64_t fairness_ns;
    std::vector<Flag> flags;                         // by run
    std::array<Hint, size_t{1} << kHintBits> hints;  // where to look first, by thread
    alignas(kLine) std::atomic<uint64_t> gate;       // written under mutex; a forked child reads its parent's
    std::atomic<int64_t> bound_ns{kPast};            // of the first who waits, as the next two; written under mutex
    std::atomic<int64_t> near_ns{kPast};
    std::atomic<int> near_cpu{-1};
    alignas(kLine) ForkMutex mutex;
    Queue high;  // guarded by mutex, as all below
    Queue normal;
    uint32_t limited = 0;      // who wait and count in the queue's limit
    Waiter *called = nullptr;  // on its way to a free context, or watching for one
    Condition idle;
};

namespace {

Status refusal(int32_t code, int contexts, uint32_t waiting) {
    switch (code) {
        case WB_CLOSED:
            return Status::failure(code, "the engine is closed or closing");
        case WB_CANCELLED:
            return Status::failure(code, "cancelled while waiting for a context");
        case WB_WOULD_WAIT:
            return Status::failure(code, "expected a free context and nobody before, found {} contexts and {} waiting",
                                   contexts, waiting);
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
}

namespace {

std::unique_ptr<Context[]> contexts_of(const DeviceContexts &of) {
    auto made = std::make_unique<Context[]>(static_cast<size_t>(of.contexts));
    for (int i = 0; i < of.contexts; ++i)
        made[static_cast<size_t>(i)] = {of.device, i, std::make_unique<Arena[]>(static_cast<size_t>(of.runs))};
    return made;
}

}  // namespace

Pool::Pool(const DeviceContexts &of, uint32_t queue_limit, const Clock &clock, int64_t fairness_ns)
    : allocate_(of.allocate),
      count_(of.contexts),
      runs_(of.contexts * of.runs),
      contexts_(contexts_of(of)),
      queue_limit_(queue_limit),
      fairness_ns_(fairness_ns),
      clock_(clock),
      state_(new State(runs_, false, clock, fairness_ns)) {}

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
    auto fresh = std::make_unique<State>(runs_, found->closed(), clock_, fairness_ns_);
    if (state_.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    return *found;
}

uint32_t Pool::waiting() const {
    const State *found = state_.load(std::memory_order_acquire);
    return found->born.current() ? found->waiting() : 0;
}

Expected<Pool::Lease> Pool::acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, Patience patience) {
    int64_t now_ns = deadline_ns == WB_NO_DEADLINE ? 0 : clock_.now_ns();
    return acquire(priority, deadline_ns, cancel, now_ns, patience);
}

Expected<Pool::Lease> Pool::acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, int64_t &now_ns,
                                    Patience patience) {
    if (cancel && cancel->is_set()) return refusal(WB_CANCELLED, count_, waiting());
    if (deadline_ns != WB_NO_DEADLINE && now_ns >= deadline_ns) return refusal(WB_DEADLINE_EXCEEDED, count_, waiting());

    State &here = state();
    if (here.may_pass(priority)) {
        std::atomic<int> &hint = here.hint();
        const int last = hint.load(std::memory_order_relaxed);
        if (const int context = here.take_any(last); context >= 0) {
            if (context != last) hint.store(context, std::memory_order_relaxed);
            Lease lease = lease_of(here, context);
            if (here.closed()) [[unlikely]]  // meanwhile: drain() may have found it free
                return refusal(WB_CLOSED, count_, waiting());
            return lease;
        }
    }
    if (patience == Patience::none) return refusal(here.closed() ? WB_CLOSED : WB_WOULD_WAIT, count_, waiting());
    Waiter waiter(here, priority, patience == Patience::queue);
    const int32_t code = wait(here, waiter, deadline_ns, cancel);
    if (waiter.waited) now_ns = clock_.now_ns();
    if (code != WB_OK) return refusal(code, count_, waiting());
    return lease_of(here, waiter.context);
}

// Gets a context for the waiter, or a code that says why not.
int32_t Pool::wait(State &here, Waiter &waiter, int64_t deadline_ns, CancelToken *cancel) {
    // WB_BUSY where the request has to wait.
    auto attempt = [&]() -> int32_t {
        if (here.closed()) return WB_CLOSED;
        waiter.context = here.may_pass(waiter.priority) ? here.take_any(0) : -1;
        if (waiter.context >= 0) return WB_OK;
        return !waiter.limited || here.limited < queue_limit_ ? WB_BUSY : WB_OVERLOADED;
    };
    std::unique_lock lock(here.mutex);
    int32_t code = attempt();
    if (code != WB_BUSY) return code;
    if (cancel) {
        // wake() locks our mutex under the token's, so the token's must not be locked under ours.
        lock.unlock();
        cancel->attach(waiter);
        lock.lock();
        code = cancel->is_set() ? WB_CANCELLED : attempt();
    }
    if (code == WB_BUSY) {
        here.enqueue(waiter);
        for (here.serve(waiter); waiter.queued; here.serve(waiter)) {
            if (deadline_ns != WB_NO_DEADLINE && clock_.now_ns() >= deadline_ns)
                here.settle(waiter, -1, WB_DEADLINE_EXCEEDED);
            else
                clock_.wait_until(waiter.condition, here.mutex, here.watch_ns(waiter, deadline_ns));
        }
        code = waiter.code;
        if (code == WB_OK) here.gate.fetch_sub(State::kComing);
    }
    if (cancel) {
        lock.unlock();
        cancel->detach(waiter);
    }
    return code;
}

void Pool::release(State &state, int context) {
    if (!state.born.current()) return;
    if (state.hands_over() && state.hand_over(context)) [[unlikely]]
        return give_way();
    state.flags[static_cast<size_t>(context)].busy.store(false);
    const uint64_t now = state.gate.load();
    if (now == 0) [[likely]]
        return;
    if (State::somebody_to_tell(now)) state.tell();
    if (now & State::kComingOnes) give_way();
}

Pool::Lease Pool::lease_of(State &state, int run) {
    int context = run, of_context = 0;  // a division would show where a model takes microseconds
    for (; context >= count_; context -= count_) ++of_context;
    Context &of = contexts_[static_cast<size_t>(context)];
    return {state, of, of.arenas[static_cast<size_t>(of_context)], run};
}

// Empty where the run is taken, or the pool closed.
Pool::Lease Pool::try_acquire(int run) {
    State &here = state();
    if (!here.take(static_cast<size_t>(run))) return {};
    Lease lease = lease_of(here, run);
    if (here.closed()) return {};  // drain() may have found it free
    return lease;
}

Status Pool::reserve(int64_t bytes) {
    std::lock_guard lock(growing_);
    if (bytes <= reserved_bytes_) return {};
    std::vector<std::unique_ptr<Arena::Block>> blocks;
    try {
        while (blocks.size() < static_cast<size_t>(runs_))
            blocks.push_back(std::make_unique<Arena::Block>(allocate_(static_cast<size_t>(bytes))));
    } catch (const std::bad_alloc &) {
        return Status::failure(WB_OUT_OF_MEMORY, "out of memory: expected {} bytes for each of {} contexts",
                               bytes * (runs_ / count_), count_);
    }
    for (int run = 0; run < runs_; ++run) {
        arena(run).grow(std::move(blocks[static_cast<size_t>(run)]));
        arena_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    reserved_bytes_ = bytes;
    trim_locked();
    return {};
}

void Pool::trim() {
    std::unique_lock lock(growing_, std::try_to_lock);
    if (lock) trim_locked();
}

void Pool::trim_locked() {
    for (int run = 0; run < runs_; ++run) {
        std::unique_ptr<Arena::Block> replaced;  // freed without the lease
        if (!arena(run).has_replaced()) continue;
        if (const Lease lease = try_acquire(run)) replaced = lease.arena().take_replaced();
        for (const Arena::Block *block = replaced.get(); block; block = block->below.get())
            arena_bytes_.fetch_sub(static_cast<int64_t>(block->memory.size()), std::memory_order_relaxed);
    }
}

void Pool::refuse() {
    State &here = state();
    std::lock_guard lock(here.mutex);
    here.gate.fetch_or(State::kClosed);
    while (Waiter *waiter = here.next()) here.settle(*waiter, -1, WB_CLOSED);
}

Status Pool::drain(int64_t deadline_ns) {
    State &here = state();
    std::lock_guard lock(here.mutex);
    here.gate.fetch_add(State::kDrain);
    // Seen free once, all contexts are back: who takes a flag of a closed pool afterwards gives it up again.
    int busy;
    while ((busy = here.busy()) > 0 && (deadline_ns == WB_NO_DEADLINE || clock_.now_ns() < deadline_ns))
        clock_.wait_until(here.idle, here.mutex, deadline_ns);
    here.gate.fetch_sub(State::kDrain);
    if (busy > 0)
        return Status::failure(WB_DEADLINE_EXCEEDED,
                               "expected every context back before the deadline, {} of {} are busy", busy, runs_);
    return Status();
}

}  // namespace weighbridge::lib
