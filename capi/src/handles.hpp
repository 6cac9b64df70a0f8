// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/expected.hpp"
#include "base/ref.hpp"

namespace weighbridge::capi {

// What a handle is for. The number is part of the token.
enum class Kind : uint8_t {
    engine = 1,
    engine_options,
    load_options,
    model,
    slot,
    schema,
    batch,
    call,
    cancel,
    text,
    source,
    queue
};

// Handles are tokens (kind, generation, index), never addresses: a freed, forged or foreign one is found out by a
// look-up that reads only memory of our own. Look-ups take no lock and pin the object, so that a free in another thread
// waits for nobody: the object goes when its last pin does.
uint64_t register_handle(Kind kind, lib::RefCounted *object);  // takes one count; 0 where memory is out

// The pinned object of a live handle, or null. unpin() must follow.
lib::RefCounted *pin_handle(Kind kind, uint64_t token);
void unpin_handle(uint64_t token);

// Ends the handle; false where it was none. Pins in progress go on.
bool free_handle(Kind kind, uint64_t token);

const char *name_of(Kind kind);

// The live handles of this process, by kind. Numbers that are no kind's are 0.
constexpr size_t kKindsRoom = 32;
void count_handles(uint32_t (&counts)[kKindsRoom]);

// A handle's object for the length of a call.
template <class T>
class Pinned {
  public:
    Pinned(Kind kind, const void *handle)
        : token_(reinterpret_cast<uintptr_t>(handle)), object_(static_cast<T *>(pin_handle(kind, token_))) {
        if (!object_)
            status_ = lib::Status::failure(WB_INVALID_HANDLE, "{}: expected a live handle, got {}", name_of(kind),
                                           handle ? "one that was freed, forged or of another kind" : "NULL");
    }
    ~Pinned() {
        if (object_) unpin_handle(token_);
    }
    Pinned(const Pinned &) = delete;
    Pinned &operator=(const Pinned &) = delete;

    const lib::Status &status() const { return status_; }
    explicit operator bool() const { return object_ != nullptr; }
    T *operator->() const { return object_; }
    T &operator*() const { return *object_; }

  private:
    uint64_t token_;
    T *object_;
    lib::Status status_;
};

}  // namespace weighbridge::capi
