// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/exception.hpp"
#include "base/fp_env.hpp"
#include "base/status.hpp"

namespace weighbridge::capi {

// Tells the caller of a failure, as far as his struct reaches. Nothing is written for an answer.
inline int32_t report(const lib::Status &status, wb_error *err) {
    if (status.code == WB_OK || status.code == WB_OK_FALLBACK || !err) return status.code;
    if (err->struct_size < offsetof(wb_error, message) + 1) return status.code;
    err->code = status.code;
    err->feature = status.feature;
    err->reserved = 0;
    err->row = status.row;
    size_t room = std::min<size_t>(err->struct_size - offsetof(wb_error, message), sizeof err->message) - 1;
    size_t length = std::min(std::strlen(status.message), room);
    std::memcpy(err->message, status.message, length);
    err->message[length] = 0;
    return status.code;
}

// A thread that pthread_cancel() ends is ended behind the call: unwinding out of it would abort the process.
class CancellationOff {
  public:
    CancellationOff() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~CancellationOff() { pthread_setcancelstate(before_, nullptr); }
    CancellationOff(const CancellationOff &) = delete;
    CancellationOff &operator=(const CancellationOff &) = delete;

  private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

// The one place where exceptions end, and where the host's floating-point state and the thread's cancellation are set
// aside. Every entry point is one line through it; `body` gives a Status.
template <class Body>
int32_t barrier(wb_error *err, Body &&body) noexcept {
    const CancellationOff cancellation;
    const lib::FpEnvironment environment;
    try {
        return report(body(), err);
    } catch (...) {
        return report(lib::failure_of_exception(), err);
    }
}

inline lib::Status null_argument(const char *name) {
    return lib::Status::failure(WB_INVALID_ARGUMENT, "{}: expected a pointer, got NULL", name);
}

// Copies a struct into the caller's, as far as his struct_size reaches; `least` is the size of its first version.
template <class T>
lib::Status fill_struct(T *out, T made, size_t least) {
    if (!out) return null_argument("out");
    if (out->struct_size < least)
        return lib::Status::failure(WB_INVALID_ARGUMENT, "out: expected struct_size of at least {}, got {}", least,
                                    out->struct_size);
    made.struct_size = out->struct_size;
    std::memcpy(static_cast<void *>(out), &made, std::min<size_t>(out->struct_size, sizeof made));
    return lib::Status();
}

// A text and its NUL into the caller's buffer.
inline lib::Status fill_text(char *out, size_t capacity, size_t *needed, std::string_view text) {
    if (!needed) return null_argument("needed");
    *needed = text.size() + 1;
    if (capacity < text.size() + 1)
        return lib::Status::failure(WB_BUFFER_TOO_SMALL, "capacity: expected at least {} bytes, got {}",
                                    text.size() + 1, capacity);
    if (!out) return null_argument("out");
    std::memcpy(out, text.data(), text.size());
    out[text.size()] = 0;
    return lib::Status();
}

}  // namespace weighbridge::capi
