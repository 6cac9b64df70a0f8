// SPDX-License-Identifier: Apache-2.0
/// @file
/// The engine, deadlines, and what the library says of itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weighbridge/c/engine.h"
#include "weighbridge/c/queue.h"
#include "weighbridge/error.hpp"

namespace weighbridge {
inline namespace v0 {

/// When an answer is due. Made from a budget (a duration, counted from now), from a time of steady_clock, or from
/// nanoseconds of CLOCK_MONOTONIC. On Linux steady_clock is CLOCK_MONOTONIC, so its time points are the library's own.
class Deadline {
  public:
    constexpr Deadline() noexcept = default;  ///< none: wait as long as it takes

    template <class Rep, class Period>
    Deadline(std::chrono::duration<Rep, Period> budget) noexcept {
        std::chrono::duration<long double, std::nano> wanted = budget;
        int64_t now = wb_now_ns();
        if (wanted.count() <= 0.0L) {
            ns_ = now;
        } else if (wanted.count() < static_cast<long double>(WB_NO_DEADLINE - now)) {
            ns_ = now + static_cast<int64_t>(wanted.count());
        }
    }

    template <class Duration>
    Deadline(std::chrono::time_point<std::chrono::steady_clock, Duration> at) noexcept
        : ns_(std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count()) {}

    static constexpr Deadline at_ns(int64_t ns) noexcept {
        Deadline deadline;
        deadline.ns_ = ns;
        return deadline;
    }
    static constexpr Deadline never() noexcept { return {}; }
    /// The engine's own: EngineOptions::default_deadline from the start of the call.
    static constexpr Deadline by_engine() noexcept { return at_ns(WB_DEFAULT_DEADLINE); }

    constexpr int64_t ns() const noexcept { return ns_; }

  private:
    int64_t ns_ = WB_NO_DEADLINE;
};

/// When something is due that begins later, as a load with these options: a budget counts from its start, each time.
/// Else what a Deadline is made of.
class Due {
  public:
    constexpr Due() noexcept = default;  ///< never
    template <class Rep, class Period>
    constexpr Due(std::chrono::duration<Rep, Period> budget) noexcept : budget_(budget) {}
    template <class Duration>
    Due(std::chrono::time_point<std::chrono::steady_clock, Duration> at) noexcept : deadline_(at) {}
    constexpr Due(Deadline deadline) noexcept : deadline_(deadline) {}

    /// The deadline of what begins now.
    Deadline from_now() const noexcept { return budget_ ? Deadline(*budget_) : deadline_; }

  private:
    Deadline deadline_ = {};
    std::optional<std::chrono::duration<long double, std::nano>> budget_ = {};
};

/// Options of an engine. What is empty keeps the library's default (c/engine.h says which).
struct EngineOptions {
    std::string devices = {};                  ///< "cpu=2": two CPU contexts; "cpu": as many as there are CPUs for us
    std::optional<uint32_t> queue_limit = {};  ///< most requests that wait; more are shed
    /// How long a request waits before a context is kept for it; 0: strictly in order.
    std::optional<std::chrono::microseconds> fairness = {};
    std::string torch_plugin = {};  ///< absolute path of libweighbridge_torch-MINOR.so
    std::string libtorch = {};      ///< absolute path of LibTorch's lib directory
    std::string cpu_level = {};     ///< highest level of native kernels, such as "avx2"
    bool allow_amx = false;         ///< ask Linux for AMX tiles, for the whole process
    /// Of calls with Deadline::by_engine(); 0 for none.
    std::chrono::microseconds default_deadline = std::chrono::microseconds(0);
    std::optional<int32_t> async_threads = {};  ///< who runs what is submitted to queues; 0: who calls Engine::work()
    /// By name and text, as a configuration file has them (engine_option_list()); set after those above.
    std::vector<std::pair<std::string, std::string>> named = {};
    wb_log_fn log = nullptr;      ///< must not throw and must not call into the library
    void *log_payload = nullptr;  ///< must live until the callback's last call, which is for WB_LOG_CLOSED
};

/// What Engine::events() takes.
struct Events {
    std::vector<wb_event> taken;
    uint64_t dropped = 0;  ///< since the last call: what nobody took in time
};

/// Owns contexts, models and slots. Move-only. Every member is thread-safe; destroying never blocks, and models and
/// slots that outlive their engine answer WB_CLOSED.
class Engine {
  public:
    static Expected<Engine> create(const EngineOptions &options = {}) {
        auto made = detail::made<wb_engine_options, wb_engine_options_free>(wb_engine_options_create);
        if (!made) return std::move(made).error();
        wb_engine_options *o = made->get();
        auto engine = detail::made<wb_engine, wb_engine_free>([&](wb_engine **out, wb_error *err) {
            int32_t status = WB_OK;
            if (!options.devices.empty()) status = wb_engine_options_set_devices(o, options.devices.c_str(), err);
            if (status >= 0 && options.queue_limit)
                status = wb_engine_options_set_queue_limit(o, *options.queue_limit, err);
            if (status >= 0 && options.fairness)
                status = wb_engine_options_set_fairness_us(o, options.fairness->count(), err);
            if (status >= 0 && !options.torch_plugin.empty())
                status = wb_engine_options_set_torch_plugin(o, options.torch_plugin.c_str(), err);
            if (status >= 0 && !options.libtorch.empty())
                status = wb_engine_options_set_libtorch(o, options.libtorch.c_str(), err);
            if (status >= 0 && !options.cpu_level.empty())
                status = wb_engine_options_set_cpu_level(o, options.cpu_level.c_str(), err);
            if (status >= 0 && options.allow_amx) status = wb_engine_options_set_allow_amx(o, 1, err);
            if (status >= 0 && options.default_deadline.count() != 0)
                status = wb_engine_options_set_default_deadline_us(o, options.default_deadline.count(), err);
            if (status >= 0 && options.async_threads)
                status = wb_engine_options_set_async_threads(o, *options.async_threads, err);
            for (const auto &[name, text] : options.named)
                if (status >= 0) status = wb_engine_options_set(o, name.c_str(), text.c_str(), err);
            if (status >= 0 && options.log)
                status = wb_engine_options_set_log(o, options.log, options.log_payload, err);
            return status < 0 ? status : wb_engine_create(out, o, err);
        });
        if (!engine) return std::move(engine).error();
        return Engine(*std::move(engine));
    }

    /// Takes the events that nobody took yet, the oldest first; never waits.
    Expected<Events> events() {
        constexpr size_t kStep = 64;
        Events out;
        for (size_t count = kStep; count == kStep;) {
            const size_t before = out.taken.size();
            uint64_t dropped = 0;
            out.taken.resize(before + kStep);
            auto read = detail::done([&](wb_error *err) {
                return wb_engine_events(&out.taken[before], sizeof(wb_event), kStep, &count, &dropped, get(), err);
            });
            if (!read) return std::move(read).error();
            out.taken.resize(before + count);
            out.dropped += dropped;
        }
        return out;
    }

    /// Refuses new requests and waits for those in progress. WB_DEADLINE_EXCEEDED: still closing, may be called again.
    Expected<void> close(Deadline deadline = {}) {
        return detail::done([&](wb_error *err) { return wb_engine_close(get(), deadline.ns(), err); });
    }

    /// Lends this thread to what was submitted: runs it until nothing waits, or until the deadline has passed before
    /// the next. @return how many it ran
    Expected<uint64_t> work(Deadline deadline = {}) {
        uint64_t ran = 0;
        auto worked = detail::done([&](wb_error *err) { return wb_engine_work(&ran, get(), deadline.ns(), err); });
        if (!worked) return std::move(worked).error();
        return ran;
    }

    /// Frees retired models and calls the log callback for what waits; may take milliseconds.
    Expected<void> maintain() {
        return detail::done([&](wb_error *err) { return wb_engine_maintain(get(), err); });
    }

    Expected<wb_snapshot> snapshot() const {
        wb_snapshot out = {};
        out.struct_size = sizeof out;
        auto read = detail::done([&](wb_error *err) { return wb_engine_snapshot(&out, get(), err); });
        if (!read) return std::move(read).error();
        return out;
    }

    /// The counters as Prometheus text.
    Expected<std::string> metrics() const {
        return detail::text_of([&](wb_text **out, wb_error *err) { return wb_engine_metrics(out, get(), err); });
    }

    /// EngineOptions::default_deadline.
    Expected<std::chrono::microseconds> default_deadline() const {
        int64_t us = 0;
        auto read = detail::done([&](wb_error *err) { return wb_engine_default_deadline_us(&us, get(), err); });
        if (!read) return std::move(read).error();
        return std::chrono::microseconds(us);
    }

    wb_engine *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_engine, wb_engine_free>;
    explicit Engine(Handle handle) : handle_(std::move(handle)) {}
    Handle handle_;
};

namespace detail {

template <class Describe>
std::vector<wb_option_info> option_list(Describe describe) {
    std::vector<wb_option_info> list;
    for (uint32_t i = 0;; ++i) {
        wb_option_info info = {};
        info.struct_size = sizeof info;
        if (describe(&info, i, nullptr) < 0) return list;
        list.push_back(info);
    }
}

}  // namespace detail

/// What EngineOptions::named takes. Thread-safe.
inline std::vector<wb_option_info> engine_option_list() { return detail::option_list(wb_engine_options_describe); }

/// The version of the library that is loaded. Thread-safe.
inline const char *version() noexcept { return wb_version(); }

/// Whether the library that is loaded has the C ABI that these headers were written for: the same major number, and at
/// least the minor. Thread-safe.
inline bool abi_matches() noexcept { return wb_abi_version() == WB_ABI_VERSION && wb_abi_minor() >= WB_ABI_MINOR; }

/// What this machine and build offer, as JSON. Thread-safe.
inline Expected<std::string> system_info() { return detail::text_of(wb_system_info); }

}  // namespace v0
}  // namespace weighbridge
