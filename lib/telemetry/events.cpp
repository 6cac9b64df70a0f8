// SPDX-License-Identifier: Apache-2.0
#include "telemetry/events.hpp"

#include <algorithm>
#include <cstring>

namespace weighbridge::lib {
namespace {

constexpr int64_t kQuietNs = 1'000'000'000;  // between two events of one count, as engine.h promises

struct CountedEvent {
    int32_t event;
    const char *what;
};
constexpr CountedEvent kCountedEvents[kCounted] = {{WB_LOG_FALLBACK, "fallback answers"},
                                                   {WB_LOG_OVERLOAD, "requests shed"},
                                                   {WB_LOG_FAILED, "calls on which a model failed"}};

int32_t level_of(int32_t event) {
    switch (event) {
        case WB_LOG_REFUSED:
        case WB_LOG_FAILED:
            return WB_LEVEL_ERROR;
        case WB_LOG_FALLBACK:
        case WB_LOG_OVERLOAD:
        case WB_LOG_WARNING:
            return WB_LEVEL_WARNING;
        default:
            return WB_LEVEL_INFO;
    }
}

template <size_t N>
void copy_name(char (&out)[N], std::string_view name) {
    const size_t length = std::min(name.size(), N - 1);
    name.copy(out, length);
    std::memset(out + length, 0, N - length);
}

bool is_due(int64_t told_ns, int64_t now_ns) { return told_ns == INT64_MIN || now_ns - told_ns >= kQuietNs; }

}  // namespace

EventLog::EventLog(uint32_t capacity, const Clock &clock, wb_log_fn fn, void *payload)
    : clock_(clock), fn_(fn), payload_(payload), capacity_(capacity), ring_(new wb_event[capacity]) {}

// Resets the ring in a forked child: the parent reports its own events, and its thread in the callback is not here.
void EventLog::renew() {
    guard_.refresh([this]() WB_UNCHECKED {  // runs alone: refresh() blocks other threads
        written_ = 0;
        drain_ = callback_ = Reader{};
        delivering_ = false;
    });
}

wb_event &EventLog::write(const Subject &subject, uint64_t count, std::string_view format, const TextValue *values) {
    wb_event &out = ring_[written_ % capacity_];
    out.struct_size = sizeof out;
    out.event = subject.event;
    out.level = level_of(subject.event);
    out.reserved = 0;
    out.time_ns = clock_.now_ns();
    out.count = count;
    copy_name(out.slot, subject.slot);
    copy_name(out.version, subject.version);
    const size_t size = write_text(out.message, sizeof out.message - 1, format, values);
    std::memset(out.message + size, 0, sizeof out.message - size);
    ++written_;
    return out;
}

void EventLog::tell_counted(Account &account, Counted what, int64_t now_ns, const char *latest) {
    const auto &told = account.told_[static_cast<size_t>(what)];
    if (!is_due(told.at_ns.load(std::memory_order_relaxed), now_ns)) return;
    renew();
    if (!mutex_.try_lock()) return;
    write_counted(account, what, now_ns, latest);
    mutex_.unlock();
}

void EventLog::tell_all_counted(Account &account, int64_t now_ns) {
    renew();
    const Lock lock(mutex_);
    for (size_t i = 0; i < kCounted; ++i) write_counted(account, static_cast<Counted>(i), now_ns, "");
}

void EventLog::write_counted(Account &account, Counted what, int64_t now_ns, const char *latest) {
    auto &told = account.told_[static_cast<size_t>(what)];
    if (!is_due(told.at_ns.load(std::memory_order_relaxed), now_ns)) return;
    const uint64_t total = account.counters.total(what), count = total - told.total;
    if (count == 0) return;
    told.total = total;
    told.at_ns.store(now_ns, std::memory_order_relaxed);
    const CountedEvent &event = kCountedEvents[static_cast<size_t>(what)];
    const TextValue list[] = {count, event.what, *latest ? ": " : "", latest, 0};
    write({event.event, account.slot, account.version}, count, "{} {}{}{}", list);
}

// Skips the cursor past events that were overwritten.
void EventLog::catch_up(Reader &reader) const {
    const uint64_t oldest = written_ > capacity_ ? written_ - capacity_ : 0;
    if (reader.next >= oldest) return;
    reader.dropped += oldest - reader.next;
    reader.next = oldest;
}

bool EventLog::read(Reader &reader, wb_event &out) const {
    catch_up(reader);
    if (reader.next == written_) return false;
    out = ring_[reader.next++ % capacity_];
    return true;
}

bool EventLog::take(wb_event &out) {
    renew();
    const Lock lock(mutex_);
    return read(drain_, out);
}

uint64_t EventLog::take_dropped() {
    renew();
    const Lock lock(mutex_);
    catch_up(drain_);
    return std::exchange(drain_.dropped, 0);
}

// The callback's next event; after the last one, once end() has begun, WB_LOG_CLOSED.
bool EventLog::read_for_callback(wb_event &out) {
    if (ended_) return false;
    if (read(callback_, out)) return true;
    if (!ending_) return false;
    ended_ = true;
    const TextValue none[] = {0};
    out = write({WB_LOG_CLOSED, {}, {}}, 1, "the engine was closed", none);
    return true;
}

void EventLog::deliver() {
    renew();
    Lock lock(mutex_);
    if (delivering_) return;
    delivering_ = true;
    wb_event event;
    while (read_for_callback(event)) {
        lock.unlock();
        try {
            if (fn_) fn_(event.event, event.message, payload_);
        } catch (...) {  // a callback must not throw: engine.h
        }
        lock.lock();
    }
    delivering_ = false;
    lock.unlock();
    idle_.notify_all();
}

bool EventLog::has_undelivered() {
    renew();
    const Lock lock(mutex_);
    return fn_ && !ended_ && !delivering_ && callback_.next != written_;
}

bool EventLog::end(int64_t deadline_ns) {
    {
        renew();
        const Lock lock(mutex_);
        ending_ = true;
    }
    deliver();
    renew();
    const Lock lock(mutex_);
    while (delivering_ && clock_.now_ns() < deadline_ns) clock_.wait_until(idle_, mutex_, deadline_ns);
    return !delivering_;
}

void EventLog::silence() {
    renew();
    const Lock lock(mutex_);
    ended_ = true;
}

}  // namespace weighbridge::lib
