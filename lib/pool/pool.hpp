// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/cancel.hpp"
#include "base/expected.hpp"
#include "base/fork.hpp"
#include "pool/context.hpp"
#include "pool/guest.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {

// What a call does that finds no free context: waits, and counts in the queue limit; waits beside the limit (its
// completion queue has a capacity of its own); or gets WB_WOULD_WAIT.
enum class Patience { queue, accepted, none };

enum class Priority : int32_t { normal = WB_PRIORITY_NORMAL, high = WB_PRIORITY_HIGH };

// How many CPU contexts this process should have: the smaller of its affinity mask and its cgroup quota (v2 and v1,
// rounded up), at least 1.
int automatic_cpu_contexts();

class Admission;

// Bounded pool of one device's runs, with a wait queue of two priority classes, high before normal. Eventually fair: a
// newcomer may overtake waiters of its class until the first of them has waited for its bound; from then on a freed run
// is handed over to that one. While nobody waits, acquire and release take no lock, and a thread that gets the context
// it had before writes to no cache line that threads of other contexts use. Runs are numbered by their rank in a
// context first, so that a search meets idle contexts before busy ones with a run left. A forked child starts with all
// runs free.
class Pool {
  public:
    class Lease;
    class Party;
    static constexpr int64_t kFairnessNs = 500'000;

    // fairness_ns: the bound; 0 is strict hand-over. The clock outlives the pool, the pool its leases and callers.
    Pool(const DeviceContexts &of, uint32_t queue_limit, const Clock &clock, int64_t fairness_ns = kFairnessNs);
    ~Pool();
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    // Waits for a context until the deadline. WB_OVERLOADED (queue full), WB_DEADLINE_EXCEEDED (already past, or while
    // waiting), WB_CANCELLED, WB_CLOSED; with Patience::none, which takes no lock, WB_WOULD_WAIT where all contexts are
    // busy, or others wait that it may not pass. Allocates nothing, but for the first call in a forked child
    // (std::bad_alloc). `now_ns`: in, a recent time of the pool's clock; out, the time after the wait, if there was
    // one. An empty lease: `guest` was served by another's run while it waited; from when that one claims it until he
    // is through, neither deadline nor token nor refuse() end the wait.
    Expected<Lease> acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, int64_t &now_ns,
                            Patience patience = Patience::queue, Guest *guest = nullptr);
    Expected<Lease> acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel,
                            Patience patience = Patience::queue);

    const Device &device() const { return contexts_[0].device; }
    int contexts() const { return count_; }
    int runs() const { return runs_; }  // of all contexts
    uint32_t waiting() const;
    bool high_waits() const;
    bool is_busy() const;  // whether every run is taken, about

    // Grows every arena to at least this size. Waits for no context: a busy one has the larger arena in its next run.
    // Arenas never shrink. WB_OUT_OF_MEMORY leaves all of them as they were.
    Status reserve(int64_t bytes);
    // Frees replaced blocks of the contexts that are free now; returns at once where another thread does so. Not for
    // scoring threads.
    void trim();
    int64_t arena_bytes() const { return arena_bytes_.load(std::memory_order_relaxed); }  // of all contexts, as held
    // Whether trim() has something to free, once the contexts are free.
    bool has_replaced() const { return arena_bytes() > reserved_bytes_.load(std::memory_order_relaxed) * runs_; }

    // New requests get WB_CLOSED, and so do those that wait. Then waits until every context is back.
    // WB_DEADLINE_EXCEEDED where that takes too long; may be called again.
    void refuse();
    Status drain(int64_t deadline_ns);

  private:
    Admission &admission();  // this process's
    static void release(Admission &admission, int run);
    Lease lease_of(Admission &admission, int run);
    Lease try_acquire(int run);
    Arena &arena(int run) { return contexts_[static_cast<size_t>(run % count_)].arenas[run / count_]; }
    void trim_locked() WB_REQUIRES(growing_);

    const Allocate allocate_;
    const int count_;
    const int runs_;
    const std::unique_ptr<Context[]> contexts_;  // constant but for their arenas
    const uint32_t queue_limit_;
    const int64_t fairness_ns_;
    const Clock &clock_;
    std::atomic<Admission *> admission_;
    ForkMutex growing_;                       // guards changes of arenas and of the next two
    std::atomic<int64_t> reserved_bytes_{0};  // of each arena, at the latest in its next run
    std::atomic<int64_t> arena_bytes_{0};
};

// The right to one run of a context. Movable; its destructor gives the run back, but not in a forked child, whose pool
// has the run free already.
class Pool::Lease {
  public:
    Lease() = default;
    ~Lease() { reset(); }
    Lease(Lease &&other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)),
          context_(other.context_),
          arena_(other.arena_),
          run_(other.run_) {}
    Lease &operator=(Lease &&other) noexcept {
        if (this != &other) {
            reset();
            admission_ = std::exchange(other.admission_, nullptr);
            context_ = other.context_;
            arena_ = other.arena_;
            run_ = other.run_;
        }
        return *this;
    }

    explicit operator bool() const { return admission_ != nullptr; }
    const Context &context() const { return *context_; }
    Arena &arena() const { return *arena_; }
    int run() const { return run_; }  // its number in the pool
    // Sleeps until so many wait for the pool, or until `until_ns`; less long where the pool is closed.
    void gather(uint32_t count, int64_t until_ns) const;
    void reset() {
        if (admission_) release(*admission_, run_);
        admission_ = nullptr;
    }

  private:
    friend class Pool;
    friend class Party;
    Lease(Admission &admission, const Context &context, Arena &arena, int run)
        : admission_(&admission), context_(&context), arena_(&arena), run_(run) {}
    Admission *admission_ = nullptr;
    const Context *context_ = nullptr;
    Arena *arena_ = nullptr;
    int run_ = 0;
};

// Guests that a run has from the queue of its pool. It outlives the lease, so that a context is not kept while they
// wake. One thread's.
class Pool::Party {
  public:
    Party() = default;
    ~Party() { let_go(); }
    Party(const Party &) = delete;
    Party &operator=(const Party &) = delete;

    // Once a party. Allocates nothing.
    void claim(const Lease &lease, const void *kin, Seats &seats);
    Guest *first() const { return first_; }  // the others by `next`, in the queue's order
    // The served ones' calls return, one that was not waits on. No effect where there are none any more.
    void let_go();
    // The same for those alone that are not boarded, before the run: none of them waits for it.
    void keep_boarded();

  private:
    void let_go(Guest *guests);
    Admission *admission_ = nullptr;
    Guest *first_ = nullptr;
};

}  // namespace weighbridge::lib
