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

// Handle table. A handle is a token (kind, generation, index), never an address, so that a freed, forged or foreign one
// is detected without reading memory that is not the library's. A look-up takes no lock and pins the object; a free in
// another thread returns at once, and the object is destroyed with its last pin.
uint64_t register_handle(Kind kind, lib::RefCounted *object);  // owns one count; 0 where memory is out

// The pinned object of a live handle, or null. unpin() must follow.
lib::RefCounted *pin_handle(Kind kind, uint64_t token);
void unpin_handle(uint64_t token);

// Invalidates the handle; false where it was not valid. Pins keep the object.
bool free_handle(Kind kind, uint64_t token);

const char *name_of(Kind kind);

// The number of live handles by kind, in this process; 0 for numbers that are no kind.
constexpr size_t kKindsRoom = 32;
void count_handles(uint32_t (&counts)[kKindsRoom]);

// Scoped pin of a handle's object.
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
