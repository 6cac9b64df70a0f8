// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a call gives and takes: results, cancel tokens, per-call options.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "weighbridge/c/call.h"
#include "weighbridge/error.hpp"

namespace weighbridge {
inline namespace v0 {

/// A payment's score and how it was made; c/call.h documents the fields. A plain value.
struct Result : wb_result {
    Result() noexcept : wb_result(WB_RESULT_INIT) {}
    /// Whether the bundle's fallback answered; `reason` says why: the deadline, overload, the model's failure, or a row
    /// that is too short for it.
    bool is_fallback() const noexcept { return status == WB_OK_FALLBACK; }
    std::string_view bundle_version() const noexcept { return version; }
};

/// The name of a WB_BACKEND_*; "none" where no model ran, "?" for another number.
inline const char *backend_name(int32_t backend) noexcept { return wb_backend_name(backend); }

/// The name of a WB_REASON_*; "none" where a model answered, "?" for another number.
inline const char *reason_name(int32_t reason) noexcept { return wb_reason_name(reason); }

/// The name of a WB_PRECISION_*; "none" where no model ran, "?" for another number.
inline const char *precision_name(int32_t precision) noexcept { return wb_precision_name(precision); }

/// A flag that another thread may set to end calls early. Move-only; set and clear are thread-safe, but not
/// async-signal-safe.
class CancelToken {
  public:
    static Expected<CancelToken> create() {
        auto handle = detail::made<wb_cancel, wb_cancel_free>(wb_cancel_create);
        if (!handle) return std::move(handle).error();
        return CancelToken(*std::move(handle));
    }

    Expected<void> set() { return write(1); }
    Expected<void> clear() { return write(0); }
    wb_cancel *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_cancel, wb_cancel_free>;
    explicit CancelToken(Handle handle) : handle_(std::move(handle)) {}
    Expected<void> write(int32_t set) {
        return detail::done([&](wb_error *err) { return wb_cancel_set(get(), set, err); });
    }
    Handle handle_;
};

enum class Priority : int32_t { normal = WB_PRIORITY_NORMAL, high = WB_PRIORITY_HIGH };

/// Options of a call, reusable. Move-only, for one thread at a time. By default: normal priority, no token, fallback
/// answers accepted, may wait for a context, no output buffers.
class Call {
  public:
    static Expected<Call> create() {
        auto handle = detail::made<wb_call, wb_call_free>(wb_call_create);
        if (!handle) return std::move(handle).error();
        return Call(*std::move(handle));
    }

    Expected<void> priority(Priority priority) {
        return detail::done(
            [&](wb_error *err) { return wb_call_set_priority(get(), static_cast<int32_t>(priority), err); });
    }

    /// The token must outlive the calls that carry it.
    Expected<void> cancel(const CancelToken &token) {
        return detail::done([&](wb_error *err) { return wb_call_set_cancel(get(), token.get(), err); });
    }

    /// With `accept` false, errors are returned where the fallback would have answered.
    Expected<void> accept_fallback(bool accept) {
        return detail::done([&](wb_error *err) { return wb_call_set_fallback(get(), accept ? 1 : 0, err); });
    }

    /// With `may_wait` false, a call that finds no free context returns WB_WOULD_WAIT at once.
    Expected<void> wait(bool may_wait) {
        return detail::done([&](wb_error *err) { return wb_call_set_wait(get(), may_wait ? 1 : 0, err); });
    }

    /// Where output `index` of a single row goes; the memory must stay while it is set. An empty span ends it.
    Expected<void> output(uint32_t index, std::span<float> buffer) {
        return detail::done(
            [&](wb_error *err) { return wb_call_set_output(get(), index, buffer.data(), buffer.size(), err); });
    }

    wb_call *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_call, wb_call_free>;
    explicit Call(Handle handle) : handle_(std::move(handle)) {}
    Handle handle_;
};

}  // namespace v0
}  // namespace weighbridge
