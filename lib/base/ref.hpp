// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace weighbridge::lib {

// Counts its owners; the last one to leave calls retire(), which decides where the object is destroyed: deleting a
// model takes milliseconds and must not happen on a scoring thread. A plain counter, so that a fork cannot catch it
// halfway.
class RefCounted {
  public:
    RefCounted() = default;
    RefCounted(const RefCounted &) = delete;
    RefCounted &operator=(const RefCounted &) = delete;

    void retain() { owners_.fetch_add(1, std::memory_order_relaxed); }
    // For who owns nothing of it, but knows that it is still there: false where the last owner has left already.
    bool retain_if_owned() {
        uint32_t owners = owners_.load(std::memory_order_relaxed);
        while (owners != 0 && !owners_.compare_exchange_weak(owners, owners + 1, std::memory_order_relaxed)) {
        }
        return owners != 0;
    }
    void release() {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) retire();
    }
    // Whether the caller, who owns it, is the only owner; what others did with it before is visible then.
    bool has_one_owner() const { return owners_.load(std::memory_order_acquire) == 1; }

  protected:
    virtual ~RefCounted() = default;
    virtual void retire() { delete this; }

  private:
    std::atomic<uint32_t> owners_{0};
};

// An owner of a RefCounted.
template <class T>
class Ref {
  public:
    Ref() = default;
    explicit Ref(T *object) : object_(object) {
        if (object_) object_->retain();
    }
    Ref(const Ref &other) : Ref(other.object_) {}
    Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref &operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_) object_->release();
    }

    T *get() const { return object_; }
    T *operator->() const { return object_; }
    T &operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    T *object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args &&...args) {
    return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace weighbridge::lib
