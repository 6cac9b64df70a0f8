// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/fork.hpp"
#include "telemetry/counters.hpp"

namespace weighbridge::lib {

class EventLog;

// Figures of a slot: by bundle for its two models, and in all. The account of a bundle that was swapped out is added to
// the total of older ones when its last call has ended, so that no call is lost and totals never decrease.
class Ledger {
  public:
    explicit Ledger(std::string slot) : slot_(std::move(slot)) {}

    // One of the slot's two models.
    struct Entry {
        Ref<Account> account;  // null where there is none
        uint64_t bundle = 0;   // as wb_result.bundle
    };

    struct Reading {
        std::string slot;
        std::string version, previous_version;  // "" where there is none
        uint64_t bundle = 0, previous_bundle = 0;
        int64_t since_ns = 0;
        uint64_t generation = 0;
        Figures current, previous;  // previous has none where both are of one bundle
        Figures total;              // those, and of all bundles before
    };

    // The account for a bundle: the one in use where either model is of that bundle, else a new one. (By bundle, since
    // two may have the same version.)
    Ref<Account> account(uint64_t bundle, const std::string &version) const;
    // Sets the slot's models, after a swap or a rollback; raises the generation.
    void serve(Entry current, Entry previous, int64_t now_ns);
    void forget_previous();
    void clear();
    std::unique_ptr<Reading> read();
    bool has_served() const;  // whether it ever had a model
    // EventLog::tell_all_counted() for both accounts.
    void tell_counted(EventLog &events, int64_t now_ns) const;

  private:
    void enter(Entry current, Entry previous) WB_REQUIRES(mutex_);
    void settle() WB_REQUIRES(mutex_);

    const std::string slot_;
    mutable ForkMutex mutex_;  // held for as long as it takes to add up counters
    Entry current_ WB_GUARDED_BY(mutex_), previous_ WB_GUARDED_BY(mutex_);
    int64_t since_ns_ WB_GUARDED_BY(mutex_) = 0;
    uint64_t generation_ WB_GUARDED_BY(mutex_) = 0;
    // Accounts of bundles swapped out that calls may still write to, as a linked list.
    Ref<Account> fading_ WB_GUARDED_BY(mutex_);
    Figures older_ WB_GUARDED_BY(mutex_);
};

}  // namespace weighbridge::lib
