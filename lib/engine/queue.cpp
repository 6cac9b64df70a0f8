// SPDX-License-Identifier: Apache-2.0
#include "engine/queue.hpp"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/lock.hpp"

namespace weighbridge::lib {
namespace {

Status closed() { return Status::failure(WB_CLOSED, "queue: it is closed"); }

}  // namespace

Queue::Queue(Ref<Backlog> backlog, uint32_t capacity)
    : backlog_(std::move(backlog)), capacity_(capacity), places_(new Submission[capacity]) {
    for (uint32_t i = capacity; i-- > 0;) {
        places_[i].queue = this;
        places_[i].next = free_;
        free_ = &places_[i];
    }
}

Expected<Ref<Queue>> Queue::make(Ref<Backlog> backlog, uint32_t capacity) {
    Backlog &of = *backlog;
    Ref<Queue> queue(new Queue(std::move(backlog), capacity));
    const Hold hold(of);
    if (of.closed_) return closed();
    of.deadlines_.reserve(of.capacity_ + capacity);
    of.queues_.push_back(queue.get());
    of.capacity_ += capacity;
    return queue;
}

Queue::~Queue() {
    {
        const Hold hold(*backlog_);
        const auto registered = std::find(backlog_->queues_.begin(), backlog_->queues_.end(), this);
        if (registered != backlog_->queues_.end()) {
            backlog_->queues_.erase(registered);
            backlog_->capacity_ -= capacity_;
        }
    }
    if (descriptor_ >= 0) ::close(descriptor_);
}

// A forked child touches nothing: the parent's threads may have been writing the submissions, and the number of the
// descriptor may be another file by now.
void Queue::retire() {
    if (born_.current()) delete this;
}

Status Queue::usable() const {
    if (born_.current()) [[likely]]
        return {};
    return Status::failure(WB_FORKED, "queue: this process forked after it was made: create a new one here");
}

Submission *Queue::take_free() {
    const Lock lock(free_mutex_);
    Submission *one = free_;
    if (one) free_ = one->next;
    return one;
}

void Queue::give_free(Submission &first, Submission &last) {
    const Lock lock(free_mutex_);
    last.next = free_;
    free_ = &first;
}

Status Queue::submit(uint64_t tag, const SubmitOrder &order) {
    // Gives the place back where the submit fails.
    struct Place {
        Queue &queue;
        Submission *one;
        ~Place() {
            if (!one) return;
            one->clear();
            queue.give_free(*one, *one);
        }
    };
    if (Status status = usable(); !status.ok()) return status;
    if (closed_.load(std::memory_order_relaxed)) return closed();
    Place place{*this, take_free()};
    if (!place.one) return shed(order.target);
    if (Status status = place.one->fill(order, backlog_->now_ns()); !status.ok()) return status;
    if (Status status = accept(tag, *place.one); !status.ok()) return status;
    place.one = nullptr;
    return {};
}

// A submit to a full queue counts as overload, as a call that a pool refuses does.
Status Queue::shed(const Target &target) {
    Runtime &runtime = backlog_->runtime();
    Account &account = target.account(runtime);
    CallRecord record;
    record.status = WB_OVERLOADED;
    account.counters.record(record);
    runtime.events.tell_counted(account, Counted::overloaded, backlog_->now_ns());
    return Status::failure(WB_OVERLOADED, "queue: expected less than {} under way or undelivered, its capacity",
                           capacity_);
}

Status Queue::accept(uint64_t tag, Submission &one) {
    Hold hold(*backlog_);
    if (closed_.load(std::memory_order_relaxed) || !backlog_->accept(hold, one)) return closed();
    one.tag = tag;
    ++under_way_;
    if (one.is_cancelled()) end(hold, one);  // its wake() may have found it resting
    return {};
}

// Wakes the keeper of time (timer thread or sleeping drainer) where this deadline is before the one it sleeps until.
void Queue::arm(Hold &hold, int64_t deadline_ns) {
    if (backlog_->has_timer_) {
        if (deadline_ns < backlog_->timer_ns_) hold.tell(backlog_->timer_);
    } else if (deadline_ns < drainer_ns_) {
        hold.tell(drainers_);
    }
}

void Queue::completed(Hold &hold, Submission &one) {
    --under_way_;
    done_.push(one);
    if (!readable_) signal(true);
    hold.tell(drainers_);
    if (is_over()) ended();
}

void Queue::ended() {
    closed_.store(true, std::memory_order_relaxed);
    drainers_.wake_all();
    over_.notify_all();
}

// Makes the eventfd readable or not. Its 8 bytes are read or written whole; that neither blocks nor fails.
void Queue::signal(bool readable) {
    if (descriptor_ < 0) return;
    uint64_t count = 1;
    const ssize_t moved = readable ? write(descriptor_, &count, sizeof count) : read(descriptor_, &count, sizeof count);
    (void)moved;
    readable_ = readable;
}

Queue::Delivery Queue::deliver(Hold &hold, size_t most) {
    Submission *first = nullptr, *last = nullptr;
    size_t count = 0;
    while (count < most && done_.first()) {
        Submission *one = done_.first();
        done_.remove(*one);
        (last ? last->next : first) = one;
        last = one;
        if (++count % Backlog::kSlice == 0) hold.give_way();
    }
    if (!done_.first() && readable_) signal(false);
    pass_on(hold);
    return Delivery(*this, first, count);
}

// Baton passing: a thread that leaves next() wakes another drainer for completions or deadlines that remain.
void Queue::pass_on(Hold &hold) {
    if (done_.first() || !backlog_->has_timer_) hold.tell(drainers_);
}

Expected<Queue::Delivery> Queue::next(size_t most, int64_t deadline_ns) {
    if (Status status = usable(); !status.ok()) return status;
    Hold hold(*backlog_);
    for (;;) {
        if (!backlog_->has_timer_) backlog_->expire(hold, Backlog::kSlice);
        if (done_.first()) return deliver(hold, most);
        if (is_over()) return closed();
        if (deadline_ns != WB_NO_DEADLINE && backlog_->now_ns() >= deadline_ns) {
            pass_on(hold);
            return Delivery();
        }
        const int64_t until_ns =
            backlog_->has_timer_ ? deadline_ns : std::min(deadline_ns, backlog_->deadlines_.earliest_ns());
        drainer_ns_ = std::min(drainer_ns_, until_ns);
        hold.sleep(drainers_, until_ns);
        drainer_ns_ = WB_NO_DEADLINE;
    }
}

Queue::Delivery::~Delivery() {
    Submission *last = nullptr;
    for (Submission *one = first_; one; one = one->next) {
        one->clear();
        last = one;
    }
    if (last) queue_->give_free(*first_, *last);
}

void Queue::end(Hold &hold, Submission &one) {
    if (one.state == Submission::State::waiting)
        backlog_->refuse(hold, one, Status::failure(WB_CANCELLED, "cancelled while it waited to run"));
    else if (one.state == Submission::State::running)
        one.stop.set(true);
}

void Queue::cancel(Submission &one) {
    Hold hold(*backlog_);
    end(hold, one);
}

Status Queue::cancel(uint64_t tag) {
    if (Status status = usable(); !status.ok()) return status;
    bool found = false;
    Hold hold(*backlog_);
    for (uint32_t i = 0; i < capacity_; ++i) {
        if (i % Backlog::kSlice == Backlog::kSlice - 1) hold.give_way();
        Submission &one = places_[i];
        if (one.state == Submission::State::resting || one.tag != tag) continue;
        found = true;
        end(hold, one);
    }
    if (found) return {};
    return Status::failure(WB_NOT_FOUND, "queue: expected a tag that is under way, got {}", tag);
}

Expected<int> Queue::descriptor() {
    if (Status status = usable(); !status.ok()) return status;
    const Hold hold(*backlog_);
    if (closed_.load(std::memory_order_relaxed)) return closed();
    if (descriptor_ >= 0) return descriptor_;
    descriptor_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor_ < 0) return Status::failure(WB_IO_ERROR, "eventfd: {}", strerrordesc_np(errno));
    if (done_.first()) signal(true);
    return descriptor_;
}

void Queue::shut() {
    if (!born_.current()) return;
    const Status why = Status::failure(WB_CLOSED, "the queue was closed while the submit waited");
    Hold hold(*backlog_);
    closed_.store(true, std::memory_order_relaxed);
    for (uint32_t i = 0; i < capacity_; ++i) {
        if (places_[i].state == Submission::State::waiting) backlog_->refuse(hold, places_[i], why);
        if (i % Backlog::kSlice == Backlog::kSlice - 1) hold.give_way();
    }
    ended();
}

Status Queue::close(int64_t deadline_ns) {
    if (Status status = usable(); !status.ok()) return status;
    shut();
    const Hold hold(*backlog_);
    while (under_way_ > 0) {
        if (deadline_ns != WB_NO_DEADLINE && backlog_->now_ns() >= deadline_ns)
            return Status::failure(WB_DEADLINE_EXCEEDED, "queue: expected nothing under way at the deadline, {} run",
                                   under_way_);
        backlog_->runtime().clock.wait_until(over_, backlog_->mutex_, deadline_ns);
    }
    return {};
}

}  // namespace weighbridge::lib
