// SPDX-License-Identifier: Apache-2.0
#include "base/cancel.hpp"

#include <mutex>

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
    std::lock_guard lock(mutex_);
    drop_ancestors();
    for (Waker *waker = first_; waker; waker = waker->next_) waker->wake();
}

void CancelToken::attach(Waker &waker) {
    std::lock_guard lock(mutex_);
    drop_ancestors();
    waker.previous_ = nullptr;
    waker.next_ = first_;
    if (first_) first_->previous_ = &waker;
    first_ = &waker;
}

void CancelToken::detach(Waker &waker) {
    std::lock_guard lock(mutex_);
    drop_ancestors();
    if (waker.previous_)
        waker.previous_->next_ = waker.next_;
    else if (first_ == &waker)
        first_ = waker.next_;
    if (waker.next_) waker.next_->previous_ = waker.previous_;
    waker.next_ = waker.previous_ = nullptr;
}

}  // namespace weighbridge::lib
