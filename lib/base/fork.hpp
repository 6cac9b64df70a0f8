// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "weighbridge/c/base.h"

namespace weighbridge::lib {

// A number that is different in a forked child: a page that the kernel wipes on fork (MADV_WIPEONFORK), with
// pthread_atfork as the backup where the kernel cannot. Never 0. Thread-safe, no system call after the first use.
uint64_t fork_epoch();

// A mutex that a fork cannot leave locked for ever: in a child, the first lock() finds another epoch and starts afresh.
// What it guards must be consistent after every single store (a pointer, a counter, an intrusive list rebuilt by its
// owner), because the parent's holder does not exist in the child.
class ForkMutex {
  public:
    ForkMutex();
    ForkMutex(const ForkMutex &) = delete;
    ForkMutex &operator=(const ForkMutex &) = delete;

    void lock();
    bool try_lock();
    void unlock();
    pthread_mutex_t *native() { return &mutex_; }

  private:
    void renew();
    pthread_mutex_t mutex_;
    std::atomic<uint64_t> epoch_;
};

// A condition variable on CLOCK_MONOTONIC for a ForkMutex, woken at an absolute deadline.
class Condition {
  public:
    Condition();
    ~Condition();
    Condition(const Condition &) = delete;
    Condition &operator=(const Condition &) = delete;

    void notify_one();
    void notify_all();
    // Returns at a notification, spuriously, or when CLOCK_MONOTONIC reaches deadline_ns (WB_NO_DEADLINE: never).
    void wait_until(ForkMutex &mutex, int64_t deadline_ns);

  private:
    pthread_cond_t condition_;
};

}  // namespace weighbridge::lib
