// SPDX-License-Identifier: Apache-2.0
#include "engine/backlog.hpp"

#include <sched.h>

#include <utility>

#include "engine/engine.hpp"
#include "engine/rides.hpp"

namespace weighbridge::lib {

void SubmissionList::push(Submission &last) {
    last.next = nullptr;
    last.previous = last_;
    (last_ ? last_->next : first_) = &last;
    last_ = &last;
}

void SubmissionList::push_first(Submission &first) {
    first.previous = nullptr;
    first.next = first_;
    (first_ ? first_->previous : last_) = &first;
    first_ = &first;
}

void SubmissionList::remove(Submission &one) {
    (one.previous ? one.previous->next : first_) = one.next;
    (one.next ? one.next->previous : last_) = one.previous;
    one.next = one.previous = nullptr;
}

// Unchecked, as release(): the analysis follows no lock that is held by a member's word.
void Backlog::Hold::acquire() WB_UNCHECKED {
    if (!of_.mutex_.try_lock()) {
        of_.wanting_.fetch_add(1, std::memory_order_relaxed);
        of_.mutex_.lock();
        of_.wanting_.fetch_sub(1, std::memory_order_relaxed);
        of_.granted_.fetch_add(1, std::memory_order_relaxed);
    }
    held_ = true;
}

// A thread that unlocks the mutex and locks it again is back before one that waits has woken up: it is waited for here,
// unless the system runs it too late.
void Backlog::Hold::give_way() {
    constexpr int kPatience = 1000;  // yields, of 0.3 us at least
    const uint32_t granted = of_.granted_.load(std::memory_order_relaxed);
    release();
    for (int i = 0; i < kPatience && of_.wanting_.load(std::memory_order_relaxed) > 0 &&
                    of_.granted_.load(std::memory_order_relaxed) == granted;
         ++i)
        sched_yield();
    acquire();
}

void Backlog::Hold::release() WB_UNCHECKED {
    if (!held_) return;
    held_ = false;
    of_.mutex_.unlock();
    wake_now();
}

void Backlog::Hold::wake_now() {
    for (Sleepers *&told : told_)
        if (told) std::exchange(told, nullptr)->wake_one();
}

bool Backlog::Hold::tell(Sleepers &sleepers) {
    if (!sleepers.tell_one()) return false;
    for (Sleepers *&place : told_) {
        if (place) continue;
        place = &sleepers;
        return true;
    }
    sleepers.wake_one();
    return true;
}

void Backlog::Hold::sleep(Sleepers &sleepers, int64_t until_ns) {
    wake_now();
    sleepers.sleep(of_.runtime_->clock, of_.mutex_, until_ns);
}

bool Backlog::accept(Hold &hold, Submission &one) {
    if (closed_) return false;
    one.state = Submission::State::waiting;
    list(one).push(one);
    waiting_.fetch_add(1, std::memory_order_relaxed);
    if (one.deadline_ns() != WB_NO_DEADLINE) deadlines_.push(one);
    if (!hold.tell(idle_)) one.queue->arm(hold, one.deadline_ns());
    return true;
}

void Backlog::take(Submission &one) {
    list(one).remove(one);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    deadlines_.remove(one);
    one.state = Submission::State::running;
}

void Backlog::complete(Hold &hold, Submission &one) {
    one.state = Submission::State::resting;
    one.queue->completed(hold, one);
}

void Backlog::refuse(Hold &hold, Submission &one, const Status &why) {
    take(one);
    one.refuse(*runtime_, why);
    complete(hold, one);
}

// One whose run failed with others in it is the first again, unless it was stopped meanwhile.
void Backlog::put_back(Hold &hold, Submission &one) {
    one.alone = true;
    one.state = Submission::State::waiting;
    list(one).push_first(one);
    waiting_.fetch_add(1, std::memory_order_relaxed);
    if (one.deadline_ns() != WB_NO_DEADLINE) deadlines_.push(one);
    if (closed_ || one.queue->closed_.load(std::memory_order_relaxed))
        refuse(hold, one, Status::failure(WB_CLOSED, "the queue or its engine was closed while the submit waited"));
    else if (one.stop.is_set())
        refuse(hold, one, Status::failure(WB_CANCELLED, "cancelled while it waited to run"));
    else if (!hold.tell(idle_))  // who took it along may leave, and whoever was told of it found nothing
        one.queue->arm(hold, one.deadline_ns());
}

uint64_t Backlog::run(Hold &hold, Submission &one, Ref<Queue> &last, Rides &rides) {
    take(one);
    // Who was told of work takes one of those that wait, and this thread is busy now: the others need a timer.
    if (has_timer_ && static_cast<uint32_t>(idle_.told()) < waiting() && deadlines_.earliest_ns() < timer_ns_)
        hold.tell(timer_);
    Ref<Queue> queue(one.queue);
    hold.release();
    last = std::move(queue);
    one.run(*runtime_, &rides);
    rides.arrive();
    hold.acquire();
    complete(hold, one);
    return 1 + rides.end(hold);
}

// The first, but where others can be run with it and its deadline would make their run short: then the first of those.
// Else an overload never ends: who is first has waited for nearly as long as he may, and rows that are run by
// themselves or by twos are not done as fast as they come.
Submission *Backlog::next_of(const SubmissionList &list) const {
    Submission *const first = list.first();
    if (!first || waiting() < 2 || first->ride_ns(1) == 0) return first;
    int64_t others = 0;
    int looks = 0;
    for (Submission *one = first->next; one && looks < kLooks; ++looks, one = one->next)
        others += one->rides_with(*first) ? 1 : 0;
    if (others == 0) return first;
    const int64_t end_ns = now_ns() + first->ride_ns(others);
    if (first->ride_deadline_ns() > end_ns) return first;
    looks = 0;
    for (Submission *one = first->next; one && looks < kLooks; ++looks, one = one->next)
        if (one->rides_with(*first) && one->ride_deadline_ns() > end_ns) return one;
    return first;
}

uint64_t Backlog::run_next(Hold &hold, Ref<Queue> &last, Rides &rides) {
    Submission *next = next_of(high_.first() ? high_ : normal_);
    return next ? run(hold, *next, last, rides) : 0;
}

// One whose deadline has passed, or one that is answered in part; taken from where it was.
Submission *Backlog::next_expired(bool prefer_begun) {
    Submission *begun = expiring_.first(), *due = deadlines_.earliest();
    if (due && due->deadline_ns() <= now_ns() && !(prefer_begun && begun)) {
        take(*due);
        return due;
    }
    if (begun) expiring_.remove(*begun);
    return begun;
}

// A batch of many rows takes long: others are answered between its parts.
void Backlog::expire(Hold &hold, size_t most) {
    Ref<Queue> last;
    for (size_t turn = 1;; ++turn) {
        if (turn > most && !expiring_.first()) break;
        Submission *one = next_expired(turn > most || turn % kSlice == 0);
        if (!one) break;
        Ref<Queue> queue(one->queue);
        hold.release();
        last = std::move(queue);
        const bool done = one->expire(*runtime_);
        hold.acquire();
        if (done)
            complete(hold, *one);
        else
            expiring_.push(*one);
        if (turn % kSlice == 0) hold.give_way();
    }
    if (!last) return;
    hold.release();
    last = {};
    hold.acquire();
}

uint64_t Backlog::work(int64_t deadline_ns) {
    Ref<Queue> last;  // goes behind the mutex
    Rides rides(*this);
    Hold hold(*this);
    for (uint64_t ran = 0;;) {
        if (deadline_ns != WB_NO_DEADLINE && now_ns() >= deadline_ns) return ran;
        const uint64_t more = run_next(hold, last, rides);
        if (more == 0) return ran;
        ran += more;
    }
}

void Backlog::serve(bool &running) {
    Ref<Queue> last;       // goes behind the mutex
    bool has_run = false;  // something since it maintained
    Rides rides(*this);
    Hold hold(*this);
    while (!dismissed_) {
        running = true;
        if (run_next(hold, last, rides) > 0) {
            has_run = true;
            continue;
        }
        if (last) {
            running = false;
            hold.release();
            last = {};
            hold.acquire();
        } else if (std::exchange(has_run, false)) {
            maintain(hold);
        } else {
            running = false;
            hold.sleep(idle_, WB_NO_DEADLINE);
        }
    }
    running = false;
}

// The engine's last owner may leave meanwhile: then this thread destroys it.
void Backlog::maintain(Hold &hold) {
    if (closed_ || !engine_.retain_if_owned()) return;
    ++maintaining_;
    hold.release();
    engine_.maintain_if_due();
    engine_.release();
    hold.acquire();
    if (--maintaining_ == 0) maintained_.notify_all();
}

bool Backlog::await_maintenance(int64_t deadline_ns) {
    const Hold hold(*this);
    while (maintaining_ > 0 && (deadline_ns == WB_NO_DEADLINE || now_ns() < deadline_ns))
        runtime_->clock.wait_until(maintained_, mutex_, deadline_ns);
    return maintaining_ == 0;
}

void Backlog::keep_time(bool &running) {
    Hold hold(*this);
    has_timer_ = true;
    for (;;) {
        timer_ns_ = INT64_MIN;
        running = true;
        expire(hold, SIZE_MAX);
        running = false;
        if (dismissed_) return;
        timer_ns_ = deadlines_.earliest_ns();
        hold.sleep(timer_, timer_ns_);
    }
}

void Backlog::close() {
    const Status why = Status::failure(WB_CLOSED, "the engine was closed while the submit waited");
    Hold hold(*this);
    closed_ = true;
    for (SubmissionList *waiting : {&high_, &normal_}) {
        for (size_t count = 1; waiting->first(); ++count) {
            refuse(hold, *waiting->first(), why);
            hold.wake_now();  // their queues may be gone when the mutex is free
            if (count % kSlice == 0) hold.give_way();
        }
    }
    for (Queue *queue : queues_) queue->ended();
}

}  // namespace weighbridge::lib
