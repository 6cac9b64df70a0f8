// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/cancel.hpp"
#include "base/clock.hpp"
#include "base/lock.hpp"
#include "base/thread_place.hpp"
#include "pool/guest.hpp"
#include "pool/pool.hpp"

namespace weighbridge::lib {

// Who has which run of a pool, who waits for one, and who is next: one process's side of the pool.
//
// A run is free or busy by its own flag, which whoever sets it owns it by. Everything else is in `gate_`: how many
// wait, whether one of high priority does, whether one of them is called, how many were given a run and do not run yet,
// how many drain, and whether the pool is closed. While the gate is zero, flags are all there is to it. Who waits
// counts himself in the gate and looks at the flags afterwards; who frees a run clears its flag and looks at the gate
// afterwards; all of it sequentially consistent, so that at least one of the two sees the other. In the same way who
// takes a run by its flag looks whether the pool was closed meanwhile. So nobody sleeps while a run is free, but where
// the run's last holder is about to call one, or where one is called: he wakes at once, or where he was called in vain,
// soon, gives runs to those before him and to himself, and leaves with the next one called.
class Admission {
  public:
    struct Waiter;

    Admission(int runs, bool closed, const Clock &clock, int64_t fairness_ns)
        : clock_(clock), fairness_ns_(fairness_ns), flags_(static_cast<size_t>(runs)), gate_(closed ? kClosed : 0) {}

    bool of_this_process() const { return born_.current(); }
    bool closed() const { return (gate_.load() & kClosed) != 0; }
    uint32_t waiting() const { return static_cast<uint32_t>(gate_.load() & kWaiters); }

    bool high_waits() const { return (gate_.load() & kHigh) != 0; }
    bool is_busy() const;  // whether every run is taken, about

    // Whether a newcomer may take a free run though others wait: past lower ones always, past its own class until the
    // first of that has waited for its bound, past higher ones never. Reads the clock where others wait.
    bool may_pass(Priority priority) const;
    // False where it is busy.
    bool take(size_t run) {
        std::atomic<bool> &busy = flags_[run].busy;
        return !busy.load() && !busy.exchange(true);
    }
    // A free run, `first` before any other; -1 where there is none.
    int take_any(int first);
    // Which run this thread had last; two threads that share a place are only slower.
    std::atomic<int> &hint() { return hints_[place_of_this_thread(kHintBits)].run; }

    // Gets a run for the waiter, or a code that says why not. WB_OK without a run: its guest was served by another's.
    int32_t wait(Waiter &waiter, int64_t deadline_ns, CancelToken *cancel, uint32_t limit);
    // The run is free, or somebody's who waits.
    void release(int run);

    // For who has a run: sleeps until so many wait, or until `until_ns`.
    void gather(uint32_t count, int64_t until_ns);
    // Takes guests of one kin out of the queue, in its order, as long as there are seats. Where one of high priority
    // stays, none of normal priority is taken: it would keep that one waiting for longer.
    Guest *claim(const void *kin, Seats &seats);
    // Ends the wait of one that was served; one that was not is the first of its class again. Its memory may be gone
    // when this returns.
    void let_go(Guest &guest);

    void refuse();
    // How many runs are busy still, at the deadline.
    int drain(int64_t deadline_ns);

  private:
    struct Queue {
        Waiter *first = nullptr;
        Waiter *last = nullptr;
    };
    static constexpr size_t kLine = 64;  // a cache line of every CPU that this library runs on
    struct alignas(kLine) Flag {
        std::atomic<bool> busy{false};
    };
    struct alignas(kLine) Hint {
        std::atomic<int> run{0};
    };

    // The gate: closed (1 bit), threads that drain (17 bits), that were given a run and do not run yet (12 bits),
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
    static constexpr int64_t kPast = std::numeric_limits<int64_t>::min();
    static constexpr int kHintBits = 6;

    Queue &queue(Priority priority) WB_REQUIRES(mutex_) { return priority == Priority::high ? high_ : normal_; }
    Waiter *next() const WB_REQUIRES(mutex_) { return high_.first ? high_.first : normal_.first; }
    static uint64_t high_mark(const Waiter &waiter);
    void make_first(Waiter &waiter, int64_t now_ns) const WB_REQUIRES(mutex_);
    void publish(const Waiter &first) WB_REQUIRES(mutex_);

    int32_t attempt(Waiter &waiter, uint32_t limit) WB_REQUIRES(mutex_);
    void await(Waiter &waiter, int64_t deadline_ns) WB_REQUIRES(mutex_);
    void enqueue(Waiter &waiter) WB_REQUIRES(mutex_);
    void put_back(Waiter &waiter) WB_REQUIRES(mutex_);
    void enter(Waiter &waiter, uint64_t mark) WB_REQUIRES(mutex_);
    void take_out(Waiter &waiter, uint64_t coming) WB_REQUIRES(mutex_);
    bool claim_of(const Queue &from, const void *kin, Seats &seats, int &looks, Guest **&end) WB_REQUIRES(mutex_);
    void settle(Waiter &waiter, int run, int32_t code) WB_REQUIRES(mutex_);
    bool hands_over() const;
    bool hand_over(int run);

    void call(Waiter *waiter) WB_REQUIRES(mutex_);
    void call_first() WB_REQUIRES(mutex_);
    void serve(Waiter &waiter) WB_REQUIRES(mutex_);
    int64_t watch_ns(const Waiter &waiter, int64_t deadline_ns) const WB_REQUIRES(mutex_);
    void tell();
    int busy() const;

    const ForkGuard born_;
    const Clock &clock_;
    const int64_t fairness_ns_;
    std::vector<Flag> flags_;                         // by run
    std::array<Hint, size_t{1} << kHintBits> hints_;  // where to look first, by thread
    alignas(kLine) std::atomic<uint64_t> gate_;       // written under mutex_; a forked child reads its parent's
    std::atomic<int64_t> bound_ns_{kPast};            // of the first who waits, as the next two; written under mutex_
    std::atomic<int64_t> near_ns_{kPast};
    std::atomic<int> near_cpu_{-1};
    alignas(kLine) ForkMutex mutex_;
    Queue high_ WB_GUARDED_BY(mutex_);
    Queue normal_ WB_GUARDED_BY(mutex_);
    uint32_t limited_ WB_GUARDED_BY(mutex_) = 0;      // who wait and count in the queue's limit
    Waiter *called_ WB_GUARDED_BY(mutex_) = nullptr;  // on its way to a free run, or watching for one
    Condition idle_;
    int gathering_ WB_GUARDED_BY(mutex_) = 0;  // who do, and the least that one of them sleeps for
    uint32_t gather_count_ WB_GUARDED_BY(mutex_) = 0;
    Condition gathered_;
};

// A request that waits, on its own stack. In a queue until it is settled: given a run, or told why it gets none; or
// until its guest is claimed, and then with who claimed it until he lets it go.
struct Admission::Waiter final : CancelToken::Waker {
    Waiter(Admission &of, Priority asked, bool bound_by_limit, Guest *its_guest = nullptr)
        : admission(of), priority(asked), limited(bound_by_limit), guest(its_guest) {}
    void wake() override;

    Admission &admission;
    const Priority priority;
    const bool limited;  // counts in the queue's limit, and is refused by it
    Condition condition;
    Guest *guest;  // what others may serve; null for none. From here on guarded by admission.mutex_
    Waiter *next = nullptr;
    Waiter *previous = nullptr;
    bool queued = false;
    bool claimed = false;  // another has its guest: neither token nor deadline ends its wait
    bool stopped = false;  // its token was set, whatever it is now
    bool waited = false;
    int64_t since_ns = 0;  // when it began to wait
    int64_t bound_ns = 0;  // while it is the first of its class: when waiting for a run to be left over ends
    int64_t near_ns = 0;   // from when on a thread on its CPU hands over
    int cpu = -1;          // where it last ran
    int run = -1;
    int32_t code = WB_OK;
};

}  // namespace weighbridge::lib
