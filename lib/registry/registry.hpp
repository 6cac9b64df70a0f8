// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fork.hpp"
#include "registry/name_trie.hpp"
#include "slot/slot.hpp"

namespace weighbridge::lib {

// The slots of an engine by name, and which of them answers where a model cannot. Slots stay until the registry goes,
// so that look-ups take no lock. Thread-safe.
class Registry {
  public:
    // Made, empty, where there is none. WB_INVALID_ARGUMENT for a name that is none.
    Expected<Ref<Slot>> open(const std::string &name);
    // WB_NOT_FOUND, with the nearest names, where there is none.
    Expected<Ref<Slot>> existing(const std::string &name) const;
    std::vector<Ref<Slot>> list() const { return slots_.list(); }  // in the order in which they were opened
    // The newest first.
    template <class Visit>
    void for_each(Visit &&visit) const {
        slots_.for_each(visit);
    }

    // The present deployment of the slot that answers where the model cannot. Null where its bundle names no such slot,
    // or where that one's bands are not the model's: a band's index would mean another decision.
    Ref<Deployment> fallback_of(const Model &model) const;
    // Why the fallback slot of a model cannot answer for it; "" where it can, or where there is none. `serving` is the
    // slot that serves the model, null for one by itself.
    std::string fallback_problem(const Model &model, const Slot *serving) const;

    // Frees the slots: nobody looks for one any more.
    void clear() { slots_.clear(); }

  private:
    NameTrie<Slot> slots_;
    ForkMutex writer_;  // one open() at a time
};

}  // namespace weighbridge::lib
