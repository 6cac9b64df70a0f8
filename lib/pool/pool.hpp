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
#include "weighbridge/c/call.h"

namespace weighbridge::lib {

// Whether a call that finds no free context joins the queue, joins it beside the limit, since a completion queue's
// capacity bounds it already, or is told WB_WOULD_WAIT.
enum class Patience { queue, accepted, none };

enum class Priority : int32_t { normal = WB_PRIORITY_NORMAL, high = WB_PRIORITY_HIGH };

// How many CPU contexts this process should have: the smaller of its affinity mask and its cgroup quota (v2 and v1,
// rounded up), at least 1.
int automatic_cpu_contexts();

class Admission;

// Hands out the runs of one device's contexts, which are numbered: the first run of each context, then the second of
// each, so that who looks for a free one comes by idle contexts first. Bounded waiting in two priority classes, high
// before normal, with eventual fairness: a newcomer may take a free context past those of its class who wait until
// their first has waited for its bound; from then on a freed context is handed over to that one. While nobody waits,
// neither taking a context nor giving it back takes a lock, and a thread that gets the context it had before writes to
// no memory that the threads of other contexts use. In a forked child it starts afresh with every context free, at the
// first call.
class Pool {
  public:
    class Lease;
    static constexpr int64_t kFairnessNs = 500'000;

    // fairness_ns: the bound; 0 hands every context over. The clock outlives the pool; the pool outlives its leases and
    // its callers.
    Pool(const DeviceContexts &of, uint32_t queue_limit, const Clock &clock, int64_t fairness_ns = kFairnessNs);
    ~Pool();
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    // Waits for a context until the deadline. WB_OVERLOADED (queue full), WB_DEADLINE_EXCEEDED (already past, or while
    // waiting), WB_CANCELLED, WB_CLOSED; with Patience::none, which takes no lock, WB_WOULD_WAIT where all contexts are
    // busy, or others wait that it may not pass. Allocates nothing, but for the first call in a forked child
    // (std::bad_alloc). `now_ns` comes as the pool's clock stood a moment ago, and goes as it stood after the wait, if
    // there was one.
    Expected<Lease> acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, int64_t &now_ns,
                            Patience patience = Patience::queue);
    Expected<Lease> acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel,
                            Patience patience = Patience::queue);

    const Device &device() const { return contexts_[0].device; }
    int contexts() const { return count_; }
    int runs() const { return runs_; }  // of all contexts
    uint32_t waiting() const;

    // Sees to it that each next run has at least this much memory. Waits for no context: one that is busy, for however
    // long, has it when it comes back. Contexts keep what they have. WB_OUT_OF_MEMORY, and then they all have what they
    // had.
    Status reserve(int64_t bytes);
    // Frees what larger memory has replaced, of the contexts that are free now, unless somebody else is at it. Not for
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
    std::atomic<int64_t> reserved_bytes_{0};  // that every run has, or will have when it comes back
    std::atomic<int64_t> arena_bytes_{0};
};

// A run of a context, in use. Movable; gives it back when destroyed. One that was taken before a fork gives back
// nothing in the child: the child's pool has it free already.
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
    void reset() {
        if (admission_) release(*admission_, run_);
        admission_ = nullptr;
    }

  private:
    friend class Pool;
    Lease(Admission &admission, const Context &context, Arena &arena, int run)
        : admission_(&admission), context_(&context), arena_(&arena), run_(run) {}
    Admission *admission_ = nullptr;
    const Context *context_ = nullptr;
    Arena *arena_ = nullptr;
    int run_ = 0;
};

}  // namespace weighbridge::lib
