// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/fork.hpp"
#include "telemetry/counters.hpp"

namespace weighbridge::lib {

class EventLog;

// What a slot has done, by bundle of its two models, and in all. An account that is left is
// summed up with those once no call writes to it any more, so that nothing is lost and figures never go back.
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

    // The account of a bundle: that of the slot's two models where one is of it, else a new one. Two bundles may be of
    // one version.
    Ref<Account> account(uint64_t bundle, const std::string &version) const;
    // The slot's models from now on: a swap or a rollback, which is one more generation.
    void serve(Entry current, Entry previous, int64_t now_ns);
    void forget_previous();
    void clear();
    std::unique_ptr<Reading> read();
    bool has_served() const;  // anything
    // Writes what both accounts have not told yet and may.
    void tell_counted(EventLog &events, int64_t now_ns) const;

  private:
    void enter(Entry current, Entry previous) WB_REQUIRES(mutex_);
    void settle() WB_REQUIRES(mutex_);

    const std::string slot_;
    mutable ForkMutex mutex_;  // held for as long as it takes to add up counters
    Entry current_ WB_GUARDED_BY(mutex_), previous_ WB_GUARDED_BY(mutex_);
    int64_t since_ns_ WB_GUARDED_BY(mutex_) = 0;
    uint64_t generation_ WB_GUARDED_BY(mutex_) = 0;
    // A list of those that were left, while calls may still write to them.
    Ref<Account> fading_ WB_GUARDED_BY(mutex_);
    Figures older_ WB_GUARDED_BY(mutex_);
};

}  // namespace weighbridge::lib
