// SPDX-License-Identifier: Apache-2.0
#include "pool/pool.hpp"

#include <memory>
#include <new>
#include <vector>

#include "base/lock.hpp"
#include "pool/admission.hpp"

namespace weighbridge::lib {
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
      admission_(new Admission(runs_, false, clock, fairness_ns)) {}

Pool::~Pool() {
    Admission *last = admission_.load(std::memory_order_acquire);
    if (last->of_this_process()) delete last;
}

// A forked child may have caught its parent's state between any two stores, with leases and waiters of threads that it
// lacks. It leaks that state on purpose, since inherited leases point at it, and makes its own.
Admission &Pool::admission() {
    Admission *found = admission_.load(std::memory_order_acquire);
    if (found->of_this_process()) [[likely]]
        return *found;
    auto fresh = std::make_unique<Admission>(runs_, found->closed(), clock_, fairness_ns_);
    if (admission_.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    return *found;
}

uint32_t Pool::waiting() const {
    const Admission *found = admission_.load(std::memory_order_acquire);
    return found->of_this_process() ? found->waiting() : 0;
}

bool Pool::high_waits() const {
    const Admission *found = admission_.load(std::memory_order_acquire);
    return found->of_this_process() && found->high_waits();
}

bool Pool::is_busy() const {
    const Admission *found = admission_.load(std::memory_order_acquire);
    return found->of_this_process() && found->is_busy();
}

Expected<Pool::Lease> Pool::acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, Patience patience) {
    int64_t now_ns = deadline_ns == WB_NO_DEADLINE ? 0 : clock_.now_ns();
    return acquire(priority, deadline_ns, cancel, now_ns, patience);
}

Expected<Pool::Lease> Pool::acquire(Priority priority, int64_t deadline_ns, CancelToken *cancel, int64_t &now_ns,
                                    Patience patience, Guest *guest) {
    if (cancel && cancel->is_set()) return refusal(WB_CANCELLED, count_, waiting());
    if (deadline_ns != WB_NO_DEADLINE && now_ns >= deadline_ns) return refusal(WB_DEADLINE_EXCEEDED, count_, waiting());

    Admission &here = admission();
    if (here.may_pass(priority)) {
        std::atomic<int> &hint = here.hint();
        const int last = hint.load(std::memory_order_relaxed);
        if (const int context = here.take_any(last); context >= 0) {
            if (context != last) hint.store(context, std::memory_order_relaxed);
            Lease lease = lease_of(here, context);
            if (here.closed()) [[unlikely]]  // since take_any(): drain() may have counted this run as free
                return refusal(WB_CLOSED, count_, waiting());
            return lease;
        }
    }
    if (patience == Patience::none) return refusal(here.closed() ? WB_CLOSED : WB_WOULD_WAIT, count_, waiting());
    Admission::Waiter waiter(here, priority, patience == Patience::queue, guest);
    const int32_t code = here.wait(waiter, deadline_ns, cancel, queue_limit_);
    if (waiter.waited) now_ns = clock_.now_ns();
    if (code != WB_OK) return refusal(code, count_, waiting());
    if (waiter.run < 0) return Lease();
    return lease_of(here, waiter.run);
}

void Pool::Lease::gather(uint32_t count, int64_t until_ns) const { admission_->gather(count, until_ns); }

void Pool::Party::claim(const Lease &lease, const void *kin, Seats &seats) {
    admission_ = lease.admission_;
    first_ = admission_->claim(kin, seats);
}

void Pool::Party::let_go() { let_go(std::exchange(first_, nullptr)); }

void Pool::Party::keep_boarded() {
    Guest *others = nullptr, **end = &others, **place = &first_;
    while (Guest *guest = *place) {
        if (guest->boarded) {
            place = &guest->next;
        } else {
            *place = guest->next;
            *end = guest;
            end = &guest->next;
        }
    }
    *end = nullptr;
    let_go(others);
}

void Pool::Party::let_go(Guest *guests) {
    Guest *unserved = nullptr;  // the last first, so that they stand in their order again
    for (Guest *guest = guests, *next; guest; guest = next) {
        next = guest->next;
        if (guest->served)
            admission_->let_go(*guest);
        else
            guest->next = std::exchange(unserved, guest);
    }
    for (Guest *guest = unserved, *next; guest; guest = next) {
        next = guest->next;
        admission_->let_go(*guest);
    }
}

void Pool::release(Admission &admission, int run) {
    if (admission.of_this_process()) admission.release(run);
}

Pool::Lease Pool::lease_of(Admission &admission, int run) {
    int context = run, of_context = 0;  // no division: its time would show beside a model of microseconds
    for (; context >= count_; context -= count_) ++of_context;
    Context &of = contexts_[static_cast<size_t>(context)];
    return {admission, of, of.arenas[static_cast<size_t>(of_context)], run};
}

// An empty lease where the run is busy or the pool closed.
Pool::Lease Pool::try_acquire(int run) {
    Admission &here = admission();
    if (!here.take(static_cast<size_t>(run))) return {};
    Lease lease = lease_of(here, run);
    if (here.closed()) return {};  // drain() may have counted this run as free
    return lease;
}

Status Pool::reserve(int64_t bytes) {
    const Lock lock(growing_);
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
    if (!growing_.try_lock()) return;
    trim_locked();
    growing_.unlock();
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

void Pool::refuse() { admission().refuse(); }

Status Pool::drain(int64_t deadline_ns) {
    const int busy = admission().drain(deadline_ns);
    if (busy == 0) return {};
    return Status::failure(WB_DEADLINE_EXCEEDED, "expected every context back before the deadline, {} of {} are busy",
                           busy, runs_);
}

}  // namespace weighbridge::lib
