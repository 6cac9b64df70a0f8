// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "base/guarded.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::lib {

// A number that is different in a forked child: a page that the kernel wipes on fork (MADV_WIPEONFORK), with
// pthread_atfork as the backup where the kernel cannot. Never 0, below 2^63, different from that of every ancestor (not
// of a sibling). Thread-safe, no system call after the first use.
uint64_t fork_epoch();

// Tells something made before a fork from something made after it, and lets exactly one thread of a child make it
// afresh while the others wait for that.
class ForkGuard {
  public:
    ForkGuard() : epoch_(fork_epoch()) {}

    // Whether this process made (or renewed) what is guarded.
    bool current() const { return epoch_.load(std::memory_order_acquire) == fork_epoch(); }

    // Calls renew() where the process has forked since; afterwards current() holds. renew() must not throw.
    template <class Renew>
    void refresh(Renew &&renew) {
        if (current()) [[likely]]
            return;
        uint64_t epoch = fork_epoch();
        if (!claim(epoch)) return;
        renew();
        epoch_.store(epoch, std::memory_order_release);
    }

  private:
    bool claim(uint64_t epoch);  // false: another thread has renewed it
    std::atomic<uint64_t> epoch_;
};

// A mutex that a fork cannot leave locked for ever: in a child, the first lock() finds another epoch and starts afresh.
// What it guards must be consistent after every single store (a pointer, a counter, an intrusive list rebuilt by its
// owner), because the parent's holder does not exist in the child.
class WB_MUTEX ForkMutex {
  public:
    ForkMutex() = default;
    ForkMutex(const ForkMutex &) = delete;
    ForkMutex &operator=(const ForkMutex &) = delete;

    void lock() WB_ACQUIRE();
    bool try_lock() WB_TRY_ACQUIRE(true);
    void unlock() WB_RELEASE();
    pthread_mutex_t *native() { return &mutex_; }

  private:
    void renew();
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    ForkGuard guard_;
};

// A condition variable on CLOCK_MONOTONIC for a ForkMutex, woken at an absolute deadline. In a forked child it starts
// afresh, without the parent's waiters, at its first use.
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
    void renew();
    pthread_cond_t condition_;
    ForkGuard guard_;
};

}  // namespace weighbridge::lib
