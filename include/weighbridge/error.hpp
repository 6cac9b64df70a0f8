// SPDX-License-Identifier: Apache-2.0
/// @file
/// Errors, Expected<T>, and what the other headers share. Nothing here throws unless a program calls value().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "weighbridge/c/base.h"

#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace weighbridge {
inline namespace v0 {

/// A failure: which status code, why in one line, and which feature and row are to blame (-1: none).
struct Error {
    int32_t code = WB_INTERNAL;  ///< WB_*, below zero
    std::string message;
    int32_t feature = -1;
    int64_t row = -1;

    /// The code's name, such as "WB_INVALID_INPUT". Static memory.
    const char *name() const noexcept { return wb_status_name(code); }
};

#if defined(__cpp_exceptions)
/// What value() throws. Only in programs that are compiled with exceptions.
class Exception : public std::runtime_error {
  public:
    explicit Exception(Error error)
        : std::runtime_error(std::string(error.name()) + ": " + error.message), error_(std::move(error)) {}
    const Error &error() const noexcept { return error_; }

  private:
    Error error_;
};
#endif

/// A value or an Error. For one thread at a time, as a plain value is.
template <class T>
class [[nodiscard]] Expected {
  public:
    Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value; calling these without one is undefined.
    T &operator*() &noexcept { return *std::get_if<0>(&state_); }
    const T &operator*() const &noexcept { return *std::get_if<0>(&state_); }
    T &&operator*() &&noexcept { return std::move(*std::get_if<0>(&state_)); }
    T *operator->() noexcept { return std::get_if<0>(&state_); }
    const T *operator->() const noexcept { return std::get_if<0>(&state_); }

    /// The error; calling it on a value is undefined.
    const Error &error() const &noexcept { return *std::get_if<1>(&state_); }
    Error &&error() &&noexcept { return std::move(*std::get_if<1>(&state_)); }

    T value_or(T other) && { return has_value() ? std::move(**this) : std::move(other); }

#if defined(__cpp_exceptions)
    /// The value, or throws Exception.
    T &value() & {
        if (!has_value()) throw Exception(error());
        return **this;
    }
    // By value: `for (auto &each : call().value().list)` of C++20 ends the temporary's life before the loop begins.
    T value() && {
        if (!has_value()) throw Exception(std::move(*this).error());
        return *std::move(*this);
    }
#endif

  private:
    std::variant<T, Error> state_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Expected<void> {
  public:
    Expected() = default;
    Expected(Error error) : error_(std::move(error)) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The error; calling it on a success is undefined.
    const Error &error() const &noexcept { return *error_; }
    Error &&error() &&noexcept { return std::move(*error_); }

#if defined(__cpp_exceptions)
    /// Throws Exception where there is an error.
    void value() const {
        if (error_) throw Exception(*error_);
    }
#endif

  private:
    std::optional<Error> error_;
};

/// What a long call found: a report as JSON, which may be there also where it failed, and the error then.
struct Reported {
    std::string report;  ///< empty where there is nothing to tell
    Expected<void> outcome;
};

namespace detail {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T *handle) const noexcept {
        Free(handle);
    }
};

/// A handle of the C ABI with its free function. The pointer is a token; it is never dereferenced.
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freed<Free>>;

inline Error error_of(int32_t status, const wb_error &err) { return {status, err.message, err.feature, err.row}; }

/// Runs `call(&err)`: nothing, or its error.
template <class Call>
Expected<void> done(Call &&call) {
    wb_error err = WB_ERROR_INIT;
    int32_t status = call(&err);
    if (status < 0) return error_of(status, err);
    return {};
}

/// Runs `call(T **out, wb_error *)` and owns what it gives.
template <class T, auto Free, class Call>
Expected<Handle<T, Free>> made(Call &&call) {
    wb_error err = WB_ERROR_INIT;
    T *out = nullptr;
    int32_t status = call(&out, &err);
    if (status < 0) return error_of(status, err);
    return Handle<T, Free>(out);
}

/// Runs `call(wb_text **out, wb_error *)`: its text, which may be there also with an error.
template <class Call>
Reported reported(Call &&call) {
    wb_error err = WB_ERROR_INIT;
    wb_text *out = nullptr;
    int32_t status = call(&out, &err);
    Handle<wb_text, wb_text_free> text(out);
    Reported made;
    if (text) made.report.assign(wb_text_data(text.get()), wb_text_size(text.get()));
    if (status < 0) made.outcome = error_of(status, err);
    return made;
}

/// As reported(), where an error has no text.
template <class Call>
Expected<std::string> text_of(Call &&call) {
    Reported made = reported(std::forward<Call>(call));
    if (!made.outcome) return std::move(made.outcome).error();
    return std::move(made.report);
}

}  // namespace detail
}  // namespace v0
}  // namespace weighbridge
