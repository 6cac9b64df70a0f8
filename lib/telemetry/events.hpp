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

// A bounded ring of events that keeps the newest, with two readers, neither of which holds up who tells events: the
// host's drain, by take(), and the host's callback, by deliver(). A forked child starts with an empty ring.
class EventLog {
  public:
    // `capacity` events of 512 bytes. `fn` may be null.
    EventLog(uint32_t capacity, const Clock &clock, wb_log_fn fn, void *payload);

    // Writes an event, in the place of the oldest one where the ring is full; its message is cut to fit. Waits for
    // nobody but others in here; does not allocate.
    template <class... Values>
    void tell(const Subject &subject, TextFormat<Values...> format, const Values &...values) {
        const TextValue list[] = {values..., 0};
        renew();
        const Lock lock(mutex_);
        write(subject, 1, format.text, list);
    }

    // For scoring threads, once the account has counted their call: writes "<how many> <what they are>", and behind it
    // ": <latest>" where that is not empty, if a second has passed since the account last told of that. Never waits:
    // where another thread is in here, a later call tells.
    void tell_counted(Account &account, Counted what, int64_t now_ns, const char *latest = "");
    // Writes what an account has not told yet and may.
    void tell_all_counted(Account &account, int64_t now_ns);

    // The oldest event that was not taken yet; false where there is none.
    bool take(wb_event &out);
    // How many events were overwritten before they were taken, since the last call.
    uint64_t take_dropped();

    // Calls the callback, with no lock held, for each event that it has not had. One thread at a time: where another
    // does so already, it goes on with these. Not for scoring threads.
    void deliver();
    bool has_undelivered();
    // Delivers what is left, then WB_LOG_CLOSED, behind which the callback is not called any more. False where the
    // deadline comes while another thread is in the callback: that thread then delivers WB_LOG_CLOSED.
    bool end(int64_t deadline_ns);
    // No call of the callback begins any more.
    void silence();

  private:
    struct Reader {
        uint64_t next = 0;     // number of the event that it reads next
        uint64_t dropped = 0;  // events that it missed
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
