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

inline lib::Status out_of_range(const char *what, size_t count, uint32_t index) {
    return lib::Status::failure(WB_INVALID_ARGUMENT, "{}: expected an index below {}, got {}", what, count, index);
}

// Whether a caller's struct_size is within what its function takes; `least` is the size of the struct's first version.
inline bool is_struct_size(uint32_t size, size_t least) { return size >= least && size <= WB_STRUCT_SIZE_LIMIT; }

// Copies a struct into the caller's, which may be of another version: the members that both know, then zeros.
template <class T>
void write_struct(T *out, T made) {
    made.struct_size = out->struct_size;
    const size_t known = std::min<size_t>(out->struct_size, sizeof made);
    std::memcpy(static_cast<void *>(out), &made, known);
    std::memset(reinterpret_cast<std::byte *>(out) + known, 0, out->struct_size - known);
}

// Writes a failure into the caller's wb_error, and returns its code. Leaves `err` alone for an answer.
inline int32_t report(const lib::Status &status, wb_error *err) {
    if (status.code == WB_OK || status.code == WB_OK_FALLBACK || !err) return status.code;
    if (!is_struct_size(err->struct_size, WB_ERROR_SIZE_V1)) return status.code;
    wb_error made{};
    made.code = status.code;
    made.feature = status.feature;
    made.row = status.row;
    std::memcpy(made.message, status.message, std::min(std::strlen(status.message), sizeof made.message - 1));
    write_struct(err, made);
    return status.code;
}

// Holds pthread_cancel() back until the call returns: unwinding out of a call would abort the process.
class CancellationOff {
  public:
    CancellationOff() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~CancellationOff() { pthread_setcancelstate(before_, nullptr); }
    CancellationOff(const CancellationOff &) = delete;
    CancellationOff &operator=(const CancellationOff &) = delete;

  private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

// The exception barrier of every entry point: catches all, and saves the host's floating-point state and the thread's
// cancellation around `body`, which returns a Status.
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

// The barrier of a function that makes an object: `out` has to be there, and is NULL unless the body sets it.
template <class Handle, class Body>
int32_t barrier(Handle **out, wb_error *err, Body &&body) noexcept {
    return barrier(err, [&]() -> lib::Status {
        if (!out) return null_argument("out");
        *out = nullptr;
        return body();
    });
}

template <class T>
lib::Status check_struct(const T *out, size_t least) {
    if (!out) return null_argument("out");
    if (is_struct_size(out->struct_size, least)) return lib::Status();
    return lib::Status::failure(WB_INVALID_ARGUMENT, "out: expected struct_size in [{}, {}], got {}", least,
                                WB_STRUCT_SIZE_LIMIT, out->struct_size);
}

// As above, for an optional struct, which may be NULL.
template <class T>
lib::Status check_optional(const T *out, size_t least) {
    return out ? check_struct(out, least) : lib::Status();
}

template <class T>
lib::Status fill_struct(T *out, const T &made, size_t least) {
    lib::Status status = check_struct(out, least);
    if (status.ok()) write_struct(out, made);
    return status;
}

// Checks a caller's array of structs, whose stride is their struct_size; `out` may be NULL for no elements.
template <class T>
lib::Status check_array(const T *out, size_t stride, size_t capacity, size_t least) {
    if (capacity == 0) return lib::Status();
    if (!out) return null_argument("out");
    if (stride >= least && stride <= WB_STRUCT_SIZE_LIMIT && stride % alignof(T) == 0) return lib::Status();
    return lib::Status::failure(WB_INVALID_ARGUMENT, "stride: expected a multiple of {} in [{}, {}], got {}",
                                alignof(T), least, WB_STRUCT_SIZE_LIMIT, stride);
}

template <class T>
void write_element(T *out, size_t stride, size_t index, const T &made) {
    auto *element = reinterpret_cast<T *>(reinterpret_cast<std::byte *>(out) + index * stride);
    element->struct_size = static_cast<uint32_t>(stride);
    write_struct(element, made);
}

// Copies text into a struct's array of characters: truncated where it is too long, padded with NULs.
template <size_t N>
void copy_text(char (&out)[N], std::string_view text) {
    const size_t length = std::min(text.size(), N - 1);
    text.copy(out, length);
    std::memset(out + length, 0, N - length);
}

}  // namespace weighbridge::capi
