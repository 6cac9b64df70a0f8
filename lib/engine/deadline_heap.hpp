// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weighbridge/c/base.h"

namespace weighbridge::lib {

// Elements by deadline, the earliest first: a binary heap whose elements know their places, so that any of them can
// leave. An element has `int64_t deadline_ns() const` and `size_t heap_place`. One thread at a time.
template <class Element>
class DeadlineHeap {
  public:
    static constexpr size_t kNowhere = SIZE_MAX;

    void reserve(size_t elements) { entries_.reserve(elements); }

    int64_t earliest_ns() const { return entries_.empty() ? WB_NO_DEADLINE : entries_.front().deadline_ns; }
    Element *earliest() const { return entries_.empty() ? nullptr : entries_.front().element; }

    void push(Element &element) {
        entries_.push_back({element.deadline_ns(), &element});
        rise(entries_.size() - 1);
    }

    // An element that is nowhere stays there.
    void remove(Element &element) {
        const size_t place = element.heap_place;
        if (place == kNowhere) return;
        element.heap_place = kNowhere;
        const Entry last = entries_.back();
        entries_.pop_back();
        if (place == entries_.size()) return;
        put(last, place);
        sink(place);
        rise(place);
    }

  private:
    struct Entry {
        int64_t deadline_ns;
        Element *element;
    };

    void put(const Entry &entry, size_t place) {
        entries_[place] = entry;
        entry.element->heap_place = place;
    }

    void rise(size_t place) {
        const Entry entry = entries_[place];
        for (; place > 0 && entry.deadline_ns < entries_[(place - 1) / 2].deadline_ns; place = (place - 1) / 2)
            put(entries_[(place - 1) / 2], place);
        put(entry, place);
    }

    void sink(size_t place) {
        const Entry entry = entries_[place];
        for (size_t child = 2 * place + 1; child < entries_.size(); child = 2 * place + 1) {
            if (child + 1 < entries_.size() && entries_[child + 1].deadline_ns < entries_[child].deadline_ns) ++child;
            if (entry.deadline_ns <= entries_[child].deadline_ns) break;
            put(entries_[child], place);
            place = child;
        }
        put(entry, place);
    }

    std::vector<Entry> entries_;
};

}  // namespace weighbridge::lib
