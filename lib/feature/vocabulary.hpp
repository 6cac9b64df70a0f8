// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"

namespace weighbridge::lib {

// Category keys in order. Look-ups neither allocate nor lock. Immutable and thread-safe.
class Vocabulary {
  public:
    // WB_INVALID_BUNDLE names a duplicate key and both its places, a key that is not UTF-8, or an empty list.
    static Expected<std::shared_ptr<const Vocabulary>> make(std::vector<std::string> keys);
    static Expected<std::shared_ptr<const Vocabulary>> make(std::vector<int64_t> codes);

    std::optional<int64_t> find(std::string_view key) const;
    std::optional<int64_t> find(int64_t code) const;
    int64_t size() const { return size_; }
    bool has_codes() const { return !codes_.empty(); }
    // The key at a place in [0, size()): a text, or, where has_codes(), a number.
    std::string_view key(int64_t place) const;
    int64_t code(int64_t place) const { return codes_[static_cast<size_t>(place)]; }

  private:
    // Open addressing with linear probing, at most half full; -1 marks an empty slot.
    struct Slot {
        uint64_t hash = 0;
        int64_t place = -1;
    };

    // The slot of a key that has `hash` and for whose place `same` holds, or the empty slot where it belongs.
    template <class Same>
    size_t probe(uint64_t hash, Same same) const {
        size_t at = static_cast<size_t>(hash) & mask_;
        while (slots_[at].place >= 0 && !(slots_[at].hash == hash && same(slots_[at].place))) at = (at + 1) & mask_;
        return at;
    }
    template <class Key>
    Status add_all(const std::vector<Key> &keys);

    std::string bytes_;           // of all keys, one after another
    std::vector<uint64_t> ends_;  // of each key in bytes_
    std::vector<int64_t> codes_;
    std::vector<Slot> slots_;
    size_t mask_ = 0;
    int64_t size_ = 0;
};

}  // namespace weighbridge::lib
