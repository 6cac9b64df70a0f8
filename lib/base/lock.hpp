// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "base/fork.hpp"
#include "base/guarded.hpp"

namespace weighbridge::lib {

// Holds a mutex; may let go of it and take it again. clang sees what is read and written under it.
class WB_SCOPED_LOCK Lock {
  public:
    explicit Lock(ForkMutex &mutex) WB_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    // Of one that try_lock() has locked.
    Lock(ForkMutex &mutex, std::adopt_lock_t) WB_REQUIRES(mutex) : mutex_(mutex) {}
    ~Lock() WB_RELEASE() {
        if (held_) mutex_.unlock();
    }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

    void unlock() WB_RELEASE() {
        mutex_.unlock();
        held_ = false;
    }
    void lock() WB_ACQUIRE() {
        mutex_.lock();
        held_ = true;
    }

  private:
    ForkMutex &mutex_;
    bool held_ = true;
};

}  // namespace weighbridge::lib
