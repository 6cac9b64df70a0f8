// SPDX-License-Identifier: Apache-2.0
#include "pool/admission.hpp"

#include <sched.h>

#include <algorithm>

namespace weighbridge::lib {
namespace {

// The part of the bound that each waiter has as the first of its class, at least (README.md has what was measured).
constexpr int64_t kTurns = 8;

// How long before its end a thread on the waiter's own CPU may hand over: longer than one run takes.
constexpr int64_t kNearNs = 100'000;

// How long one who was called in vain sleeps before it looks again.
constexpr int64_t kWatchNs = 100'000;

// Waiters that a claim looks at, at most, all in memory of other threads: some 20 us under the mutex.
constexpr int kLooks = 256;

// The thread that was woken may be queued behind this one, while another CPU is idle: Linux pulls a thread over only
// after a while, and its run would be idle as well.
void give_way() { sched_yield(); }

}  // namespace

// What the first of a class adds to the gate, and the last of it takes out.
uint64_t Admission::high_mark(const Waiter &waiter) { return waiter.priority == Priority::high ? kHigh : 0; }

bool Admission::may_pass(Priority priority) const {
    const uint64_t now = gate_.load();
    if (now == 0) [[likely]]
        return true;
    if (now & kClosed) return false;
    if (!(now & kWaiters)) return true;
    const bool high_waits = now & kHigh;
    if (high_waits != (priority == Priority::high)) return !high_waits;
    return clock_.now_ns() < bound_ns_.load();
}

bool Admission::is_busy() const {
    return std::all_of(flags_.begin(), flags_.end(), [](const Flag &flag) { return flag.busy.load(); });
}

int Admission::take_any(int first) {
    const size_t count = flags_.size();
    auto run = static_cast<size_t>(first);
    for (size_t i = 0; i < count; ++i) {
        if (take(run)) return static_cast<int>(run);
        run = run + 1 < count ? run + 1 : 0;
    }
    return -1;
}

// WB_BUSY where the request has to wait.
int32_t Admission::attempt(Waiter &waiter, uint32_t limit) {
    if (closed()) return WB_CLOSED;
    waiter.run = may_pass(waiter.priority) ? take_any(0) : -1;
    if (waiter.run >= 0) return WB_OK;
    return !waiter.limited || limited_ < limit ? WB_BUSY : WB_OVERLOADED;
}

int32_t Admission::wait(Waiter &waiter, int64_t deadline_ns, CancelToken *cancel, uint32_t limit) {
    Lock lock(mutex_);
    int32_t code = attempt(waiter, limit);
    if (code != WB_BUSY) return code;
    if (cancel) {
        // wake() locks our mutex under the token's, so the token's must not be locked under ours.
        lock.unlock();
        cancel->attach(waiter);
        lock.lock();
        code = waiter.stopped || cancel->is_set() ? WB_CANCELLED : attempt(waiter, limit);
    }
    if (code == WB_BUSY) {
        enqueue(waiter);
        await(waiter, deadline_ns);
        code = waiter.code;
        if (waiter.run >= 0) gate_.fetch_sub(kComing);
    }
    if (cancel) {
        lock.unlock();
        cancel->detach(waiter);
    }
    return code;
}

// One that is claimed waits for who claimed it, however long he runs.
void Admission::await(Waiter &waiter, int64_t deadline_ns) {
    for (;;) {
        if (!waiter.claimed) serve(waiter);
        if (waiter.claimed)
            clock_.wait_until(waiter.condition, mutex_, WB_NO_DEADLINE);
        else if (!waiter.queued)
            return;
        else if (deadline_ns != WB_NO_DEADLINE && clock_.now_ns() >= deadline_ns)
            settle(waiter, -1, WB_DEADLINE_EXCEEDED);
        else
            clock_.wait_until(waiter.condition, mutex_, watch_ns(waiter, deadline_ns));
    }
}

// Until its bound is there, nobody passes a waiter that is the first: a bound holds from when it was set.
void Admission::enqueue(Waiter &waiter) {
    Queue &to = queue(waiter.priority);
    const uint64_t mark = to.first ? 0 : high_mark(waiter);
    waiter.previous = to.last;
    (to.last ? to.last->next : to.first) = &waiter;
    to.last = &waiter;
    enter(waiter, mark);
    waiter.since_ns = clock_.now_ns();
    if (to.first == &waiter) make_first(waiter, waiter.since_ns);
    waiter.cpu = sched_getcpu();
    if (next() == &waiter) publish(waiter);
}

// One that was claimed and not served, before all that came after it. It wakes, and looks for a run itself.
void Admission::put_back(Waiter &waiter) {
    Queue &to = queue(waiter.priority);
    const uint64_t mark = to.first ? 0 : high_mark(waiter);
    waiter.previous = nullptr;
    waiter.next = to.first;
    (to.first ? to.first->previous : to.last) = &waiter;
    to.first = &waiter;
    enter(waiter, mark);
    make_first(waiter, clock_.now_ns());
    if (next() == &waiter) publish(waiter);
}

// It stands in its queue now.
void Admission::enter(Waiter &waiter, uint64_t mark) {
    waiter.queued = waiter.waited = true;
    limited_ += waiter.limited ? 1 : 0;
    if (next() == &waiter) {
        bound_ns_.store(kPast);
        call(nullptr);
    }
    gate_.fetch_add(kWaiter + mark);
    if (gathering_ > 0 && waiting() >= gather_count_) gathered_.notify_all();
}

// For those who hold no mutex.
void Admission::publish(const Waiter &first) {
    near_ns_.store(first.near_ns);
    near_cpu_.store(first.cpu);
    bound_ns_.store(first.bound_ns);
}

// A queue so long that one bound after the other would make every call a hand-over gives each of its waiters a part of
// the bound as the first.
void Admission::make_first(Waiter &waiter, int64_t now_ns) const {
    const int64_t near = std::min(kNearNs, fairness_ns_ / 2);
    waiter.bound_ns = std::max(waiter.since_ns + fairness_ns_, now_ns + fairness_ns_ / kTurns + near);
    waiter.near_ns = waiter.bound_ns - near;
}

// Takes it out of its queue. `coming`: what the gate has more for it.
void Admission::take_out(Waiter &waiter, uint64_t coming) {
    Queue &from = queue(waiter.priority);
    (waiter.previous ? waiter.previous->next : from.first) = waiter.next;
    (waiter.next ? waiter.next->previous : from.last) = waiter.previous;
    if (!waiter.previous && waiter.next) make_first(*waiter.next, clock_.now_ns());
    if (const Waiter *first = next()) publish(*first);
    waiter.queued = false;
    limited_ -= waiter.limited ? 1 : 0;
    gate_.fetch_add(coming - kWaiter - (from.first ? 0 : high_mark(waiter)));
}

// Ends its wait, with the run that it gets or the code that says why not.
void Admission::settle(Waiter &waiter, int run, int32_t code) {
    take_out(waiter, run >= 0 ? kComing : 0);
    waiter.run = run;
    waiter.code = code;
    waiter.condition.notify_one();
    if (called_ != &waiter) return;
    call(nullptr);
    call_first();
}

// Wakes the first who waits, for a free run that he may still find taken, unless one is on his way already.
void Admission::call_first() {
    Waiter *first = next();
    if (!first || called_ || busy() == static_cast<int>(flags_.size())) return;
    call(first);
    first->condition.notify_one();
}

void Admission::call(Waiter *waiter) {
    called_ = waiter;
    if (waiter)
        gate_.fetch_or(kCalled);
    else
        gate_.fetch_and(~kCalled);
}

// For a waiter that is awake: gives free runs to those before it and to itself, and has the next one called.
void Admission::serve(Waiter &waiter) {
    while (waiter.queued) {
        const int run = take_any(0);
        if (run < 0) return;
        settle(*next(), run, WB_OK);
    }
    call_first();
}

// When a waiter looks again though nobody wakes it. Who was called in vain stays called, so that those who run on pay
// for no second call, and watches instead.
int64_t Admission::watch_ns(const Waiter &waiter, int64_t deadline_ns) const {
    if (called_ != &waiter) return deadline_ns;
    return std::min(deadline_ns, clock_.now_ns() + kWatchNs);
}

// Whether a run that comes back is for the first who waits. On his CPU he is running sooner: waking a thread on another
// takes ten times as long, while the run lies idle.
bool Admission::hands_over() const {
    if ((gate_.load() & kWaiters) == 0) return false;
    const int64_t now_ns = clock_.now_ns();
    return now_ns >= bound_ns_.load() || (now_ns >= near_ns_.load() && sched_getcpu() == near_cpu_.load());
}

// False where that has changed meanwhile.
bool Admission::hand_over(int run) {
    const Lock lock(mutex_);
    if (!hands_over()) return false;
    settle(*next(), run, WB_OK);
    return true;
}

void Admission::release(int run) {
    if (hands_over() && hand_over(run)) [[unlikely]]
        return give_way();
    flags_[static_cast<size_t>(run)].busy.store(false);
    const uint64_t now = gate_.load();
    if (now == 0) [[likely]]
        return;
    // Who waits where none of them is called, and who drains, has to hear of it.
    if ((now & kDrainOnes) != 0 || ((now & kWaiters) != 0 && (now & kCalled) == 0)) tell();
    if (now & kComingOnes) give_way();
}

// False where one of them stays.
bool Admission::claim_of(const Queue &from, const void *kin, Seats &seats, int &looks, Guest **&end) {
    bool all = true;
    for (Waiter *waiter = from.first, *after; waiter; waiter = after) {
        if (seats.left == 0 || looks-- == 0) return false;
        after = waiter->next;
        Guest *guest = waiter->guest;
        if (!guest || guest->kin != kin || !seats.take(guest->deadline_ns)) {
            all = false;
            continue;
        }
        take_out(*waiter, 0);
        if (called_ == waiter) call(nullptr);
        waiter->claimed = true;
        waiter->guest->boarded = false;
        guest->waiter = waiter;
        guest->next = nullptr;
        *end = guest;
        end = &guest->next;
    }
    return all;
}

void Admission::gather(uint32_t count, int64_t until_ns) {
    const Lock lock(mutex_);
    gather_count_ = gathering_++ == 0 ? count : std::min(gather_count_, count);
    while (!closed() && waiting() < count && clock_.now_ns() < until_ns) clock_.wait_until(gathered_, mutex_, until_ns);
    --gathering_;
}

Guest *Admission::claim(const void *kin, Seats &seats) {
    Guest *first = nullptr, **end = &first;
    int looks = kLooks;
    const Lock lock(mutex_);
    if (claim_of(high_, kin, seats, looks, end)) claim_of(normal_, kin, seats, looks, end);
    call_first();  // the one who was called may be among them
    return first;
}

void Admission::let_go(Guest &guest) {
    auto &waiter = *static_cast<Waiter *>(guest.waiter);
    const Lock lock(mutex_);
    waiter.claimed = false;
    waiter.guest = nullptr;
    if (guest.served)
        waiter.code = WB_OK;
    else if (closed())
        waiter.code = WB_CLOSED;
    else if (waiter.stopped)
        waiter.code = WB_CANCELLED;
    else
        put_back(waiter);
    waiter.condition.notify_one();
}

void Admission::tell() {
    const Lock lock(mutex_);
    call_first();
    if ((gate_.load() & kDrainOnes) != 0) idle_.notify_all();
}

int Admission::busy() const {
    int count = 0;
    for (const Flag &flag : flags_) count += flag.busy.load() ? 1 : 0;
    return count;
}

void Admission::refuse() {
    const Lock lock(mutex_);
    gate_.fetch_or(kClosed);
    while (Waiter *waiter = next()) settle(*waiter, -1, WB_CLOSED);
    gathered_.notify_all();
}

int Admission::drain(int64_t deadline_ns) {
    const Lock lock(mutex_);
    gate_.fetch_add(kDrain);
    // Seen free once, all runs are back: who takes a flag of a closed pool afterwards gives it up again.
    int left;
    while ((left = busy()) > 0 && (deadline_ns == WB_NO_DEADLINE || clock_.now_ns() < deadline_ns))
        clock_.wait_until(idle_, mutex_, deadline_ns);
    gate_.fetch_sub(kDrain);
    return left;
}

void Admission::Waiter::wake() {
    const Lock lock(admission.mutex_);
    stopped = true;
    if (queued) admission.settle(*this, -1, WB_CANCELLED);
}

}  // namespace weighbridge::lib
