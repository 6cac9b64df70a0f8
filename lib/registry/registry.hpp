// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fork.hpp"
#include "registry/name_trie.hpp"
#include "slot/slot.hpp"

namespace weighbridge::lib {

// The slots of an engine by name, and the look-up of a model's fallback slot. Slots are never removed, so look-ups take
// no lock. Thread-safe.
class Registry {
  public:
    // The slot of that name; an empty one is made where there is none. WB_INVALID_ARGUMENT for an invalid name.
    Expected<Ref<Slot>> open(const std::string &name);
    // WB_NOT_FOUND, with the nearest names, where there is none.
    Expected<Ref<Slot>> existing(const std::string &name) const;
    std::vector<Ref<Slot>> list() const { return slots_.list(); }  // in the order in which they were opened
    // The newest first.
    template <class Visit>
    void for_each(Visit &&visit) const {
        slots_.for_each(visit);
    }

    // The present deployment of the model's fallback slot. Null where the bundle names none, or where its bands differ
    // from the model's: the same index would mean another decision.
    Ref<Deployment> fallback_of(const Model &model) const;
    // Why the model's fallback slot cannot answer for it; "" where it can, or where the bundle names none. `serving`:
    // the slot that has the model, null for none.
    std::string fallback_problem(const Model &model, const Slot *serving) const;

    // Frees the slots. Not while another thread looks one up.
    void clear() { slots_.clear(); }

  private:
    NameTrie<Slot> slots_;
    ForkMutex writer_;  // one open() at a time
};

}  // namespace weighbridge::lib
