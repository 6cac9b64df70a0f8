// SPDX-License-Identifier: Apache-2.0
#include "slot/ledger.hpp"

#include <utility>

#include "base/lock.hpp"
#include "telemetry/events.hpp"

namespace weighbridge::lib {

Ref<Account> Ledger::account(uint64_t bundle, const std::string &version) const {
    {
        const Lock lock(mutex_);
        for (const Entry *entry : {&current_, &previous_})
            if (entry->account && entry->bundle == bundle) return entry->account;
    }
    return make_ref<Account>(slot_, version);
}

void Ledger::serve(Entry current, Entry previous, int64_t now_ns) {
    const Lock lock(mutex_);
    ++generation_;
    since_ns_ = now_ns;
    enter(std::move(current), std::move(previous));
}

void Ledger::forget_previous() {
    const Lock lock(mutex_);
    enter(current_, {});
}

void Ledger::clear() {
    const Lock lock(mutex_);
    since_ns_ = 0;
    enter({}, {});
}

// Sets both models, and moves accounts that neither has now to the list of fading ones.
void Ledger::enter(Entry current, Entry previous) {
    settle();
    const Entry left[] = {std::exchange(current_, std::move(current)), std::exchange(previous_, std::move(previous))};
    for (const Entry &entry : left) {
        Account *account = entry.account.get();
        const bool is_kept = account == current_.account.get() || account == previous_.account.get();
        if (!account || is_kept || account == fading_.get()) continue;
        account->next_fading_ = std::exchange(fading_, entry.account);
    }
}

// Adds fading accounts without another owner, which no call can write to, to the older ones.
void Ledger::settle() {
    for (Ref<Account> *link = &fading_; *link;) {
        Account &account = **link;
        if (account.has_one_owner()) {
            account.counters.add_to(older_);
            *link = Ref<Account>(account.next_fading_);
        } else {
            link = &account.next_fading_;
        }
    }
}

bool Ledger::has_served() const {
    const Lock lock(mutex_);
    return generation_ > 0;
}

std::unique_ptr<Ledger::Reading> Ledger::read() {
    auto made = std::make_unique<Reading>();
    made->slot = slot_;
    const Lock lock(mutex_);
    settle();
    made->total += older_;
    for (const Account *account = fading_.get(); account; account = account->next_fading_.get())
        account->counters.add_to(made->total);
    if (current_.account) {
        made->version = current_.account->version;
        current_.account->counters.add_to(made->current);
    }
    if (previous_.account) {
        made->previous_version = previous_.account->version;
        if (previous_.account.get() != current_.account.get()) previous_.account->counters.add_to(made->previous);
    }
    made->total += made->current;
    made->total += made->previous;
    made->bundle = current_.bundle;
    made->previous_bundle = previous_.bundle;
    made->since_ns = since_ns_;
    made->generation = generation_;
    return made;
}

void Ledger::tell_counted(EventLog &events, int64_t now_ns) const {
    Lock lock(mutex_);
    const Ref<Account> current = current_.account, previous = previous_.account;
    lock.unlock();
    if (current) events.tell_all_counted(*current, now_ns);
    if (previous) events.tell_all_counted(*previous, now_ns);
}

}  // namespace weighbridge::lib
