// SPDX-License-Identifier: Apache-2.0
#include "base/cancel.hpp"

#include <algorithm>

#include "base/lock.hpp"

namespace weighbridge::lib {

Status ended_while(int32_t code, std::string_view doing) {
    return Status::failure(code, "{} while {}", code == WB_CANCELLED ? "cancelled" : "the deadline passed", doing);
}

// The wakers of a parent's threads lie on stacks that do not run in this process.
void CancelToken::drop_ancestors() {
    if (epoch_ == fork_epoch()) return;
    first_ = nullptr;
    epoch_ = fork_epoch();
}

void CancelToken::set(bool value) {
    flag_.store(value, std::memory_order_release);
    if (!value) return;
    const Lock lock(mutex_);
    drop_ancestors();
    for (Waker *waker = first_; waker; waker = waker->next_) waker->wake();
}

void CancelToken::attach(Waker &waker) {
    const Lock lock(mutex_);
    drop_ancestors();
    waker.previous_ = nullptr;
    waker.next_ = first_;
    if (first_) first_->previous_ = &waker;
    first_ = &waker;
}

void CancelToken::detach(Waker &waker) {
    const Lock lock(mutex_);
    drop_ancestors();
    if (waker.previous_)
        waker.previous_->next_ = waker.next_;
    else if (first_ == &waker)
        first_ = waker.next_;
    if (waker.next_) waker.next_->previous_ = waker.previous_;
    waker.next_ = waker.previous_ = nullptr;
}

WakeOnCancel::WakeOnCancel(CancelToken *token, ForkMutex &mutex, Condition &condition)
    : token_(token), mutex_(mutex), condition_(condition) {
    if (token_) token_->attach(*this);
}

WakeOnCancel::~WakeOnCancel() {
    if (token_) token_->detach(*this);
}

// Takes the mutex, so that the sleeper is either before its poll or asleep. It never holds this while it takes the
// token's.
void WakeOnCancel::wake() {
    const Lock lock(mutex_);
    condition_.notify_all();
}

int32_t StopSource::sleep_until(int64_t until_ns) const {
    const Clock &time = clock ? *clock : steady_clock();
    ForkMutex mutex;
    Condition condition;
    const WakeOnCancel waking(cancel, mutex, condition);
    Lock lock(mutex);
    for (;;) {
        if (const int32_t code = poll(); code != WB_OK || time.now_ns() >= until_ns) return code;
        time.wait_until(condition, mutex, std::min(until_ns, deadline_ns));
    }
}

}  // namespace weighbridge::lib
