// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/format.hpp"
#include "base/lock.hpp"
#include "telemetry/counters.hpp"
#include "weighbridge/c/engine.h"

namespace weighbridge::lib {

// What an event is about.
struct Subject {
    int32_t event;             // WB_LOG_*
    std::string_view slot;     // "" where no slot is meant
    std::string_view version;  // of the model; "" where none is meant
};

// Ring buffer of events that overwrites the oldest, with two independent read cursors: the host's drain (take()) and
// the host's callback (deliver()). Writers never wait for a reader. A forked child starts with an empty ring.
class EventLog {
  public:
    // `capacity` events of 512 bytes. `fn` may be null.
    EventLog(uint32_t capacity, const Clock &clock, wb_log_fn fn, void *payload);

    // Writes an event, its message cut to fit. Blocks for the ring's short lock only; does not allocate.
    template <class... Values>
    void tell(const Subject &subject, TextFormat<Values...> format, const Values &...values) {
        const TextValue list[] = {values..., 0};
        renew();
        const Lock lock(mutex_);
        write(subject, 1, format.text, list);
    }

    // Rate-limited event of a scoring thread, after the account has counted its call: at most once a second for each
    // count of an account, "<how many since the last> <what they are>[: <latest>]". Never blocks: where the lock is
    // taken, a later call reports.
    void tell_counted(Account &account, Counted what, int64_t now_ns, const char *latest = "");
    // Writes a rate-limited event for each count of the account that has grown and is due.
    void tell_all_counted(Account &account, int64_t now_ns);

    // Takes the drain's next event; false where there is none.
    bool take(wb_event &out);
    // The number of events that the drain missed since the last call, because they were overwritten.
    uint64_t take_dropped();

    // Calls the callback for each of its pending events, with no lock held. Returns at once where another thread is
    // doing so, which then delivers these too. Not for scoring threads.
    void deliver();
    bool has_undelivered();
    // Delivers pending events and then WB_LOG_CLOSED, the callback's last. False where another thread is still in the
    // callback at the deadline; that thread then delivers WB_LOG_CLOSED.
    bool end(int64_t deadline_ns);
    // Starts no further call of the callback.
    void silence();

  private:
    struct Reader {
        uint64_t next = 0;     // number of the next event to read
        uint64_t dropped = 0;  // events overwritten before they were read
    };

    void renew();
    wb_event &write(const Subject &subject, uint64_t count, std::string_view format, const TextValue *values)
        WB_REQUIRES(mutex_);
    void write_counted(Account &account, Counted what, int64_t now_ns, const char *latest) WB_REQUIRES(mutex_);
    void catch_up(Reader &reader) const WB_REQUIRES(mutex_);
    bool read(Reader &reader, wb_event &out) const WB_REQUIRES(mutex_);
    bool read_for_callback(wb_event &out) WB_REQUIRES(mutex_);

    const Clock &clock_;
    const wb_log_fn fn_;
    void *const payload_;
    const uint64_t capacity_;
    ForkGuard guard_;
    ForkMutex mutex_;
    const std::unique_ptr<wb_event[]> ring_ WB_GUARDED_BY(mutex_);  // event n is at n % capacity_
    Condition idle_;                                                // no thread is in the callback
    uint64_t written_ WB_GUARDED_BY(mutex_) = 0;
    Reader drain_ WB_GUARDED_BY(mutex_), callback_ WB_GUARDED_BY(mutex_);
    bool delivering_ WB_GUARDED_BY(mutex_) = false;
    bool ending_ WB_GUARDED_BY(mutex_) = false;  // WB_LOG_CLOSED is due
    bool ended_ WB_GUARDED_BY(mutex_) = false;   // the callback is not called any more
};

}  // namespace weighbridge::lib
