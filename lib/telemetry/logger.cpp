// SPDX-License-Identifier: Apache-2.0
#include "base/status.hpp"
#include "telemetry/telemetry.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kQuietNs = 1'000'000'000;  // between two lines of one rate-limited event: engine.h promises it

}  // namespace

void Logger::event(int32_t event, const char *message) const {
    if (fn_) fn_(event, message, payload_);
}

void Logger::limited(int32_t event, const char *what, int64_t now_ns, const char *latest) {
    if (!fn_ || event < 0 || static_cast<size_t>(event) >= limits_.size()) return;
    Limit &limit = limits_[static_cast<size_t>(event)];
    limit.what.store(what, std::memory_order_relaxed);
    limit.count.fetch_add(1, std::memory_order_release);
    tell(event, limit, now_ns, latest);
}

void Logger::flush(int64_t now_ns) {
    if (!fn_) return;
    for (size_t i = 0; i < limits_.size(); ++i) tell(static_cast<int32_t>(i), limits_[i], now_ns, "");
}

// Whoever moves told_ns on tells all that was counted until then.
void Logger::tell(int32_t event, Limit &limit, int64_t now_ns, const char *latest) const {
    if (limit.count.load(std::memory_order_acquire) == 0) return;
    int64_t told_ns = limit.told_ns.load(std::memory_order_relaxed);
    if (told_ns != INT64_MIN && now_ns - told_ns < kQuietNs) return;
    if (!limit.told_ns.compare_exchange_strong(told_ns, now_ns, std::memory_order_relaxed)) return;
    uint64_t count = limit.count.exchange(0, std::memory_order_acquire);
    if (count == 0) return;
    auto line = Status::failure(WB_OK, "{} {}{}{}", count, limit.what.load(std::memory_order_relaxed),
                                *latest ? ": " : "", latest);
    this->event(event, line.message);
}

}  // namespace weighbridge::lib
