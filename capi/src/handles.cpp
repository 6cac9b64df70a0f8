// SPDX-License-Identifier: Apache-2.0
#include "handles.hpp"

#include <array>
#include <atomic>
#include <new>

#include "base/lock.hpp"
#include "base/unload.hpp"
#include "weighbridge/c/engine.h"

namespace weighbridge::capi {
namespace {

// Generational handles. A token is kind (8 bits), generation (24), index (32). An entry's state is one word: live (1
// bit), kind, generation and a reference count of pins (31), so that one compare-exchange both checks and pins.
constexpr uint64_t kLive = uint64_t{1} << 63;
constexpr uint64_t kPins = (uint64_t{1} << 31) - 1;
constexpr uint64_t kGenerations = (uint64_t{1} << 24) - 1;

static_assert(static_cast<int>(Kind::engine) == WB_HANDLE_ENGINE && static_cast<int>(Kind::queue) == WB_HANDLE_QUEUE);
static_assert(kKindsRoom == sizeof(wb_snapshot::handles) / sizeof(uint32_t));

constexpr uint64_t identity(uint64_t kind, uint64_t generation) { return (kind << 55) | (generation << 31); }

// One entry a cache line, so that threads with different handles do not share one.
struct alignas(64) Entry {
    std::atomic<uint64_t> state{0};
    lib::RefCounted *object = nullptr;  // owned; written while the entry is neither live nor pinned
    uint32_t next_free = 0;             // link of the queue of free entries; guarded by Table::mutex
};

// Entries are in chunks of doubling size that are never freed, so that any index ever given can be read safely.
constexpr uint32_t kFirstChunk = 64;
constexpr int kChunks = 20;  // 64 million handles

// Guard against reuse of a generation, which repeats after 2^24 uses of an entry and would make a stale token valid:
// free entries form a first-in first-out queue that always holds this many (64 KB), so that it takes 2^34 handles.
constexpr uint32_t kResting = 1024;

struct Table {
    std::array<std::atomic<Entry *>, kChunks> chunks{};
    lib::ForkMutex mutex;
    uint32_t used WB_GUARDED_BY(mutex) = 1;        // index 0 is never given
    uint32_t resting WB_GUARDED_BY(mutex) = 0;     // length of the queue of free entries
    uint32_t first_free WB_GUARDED_BY(mutex) = 0;  // freed first; 0: none
    uint32_t last_free WB_GUARDED_BY(mutex) = 0;
    std::array<std::atomic<uint32_t>, kKindsRoom> live{};  // handles by kind
};

Table *made_table = nullptr;

// Not destroyed at exit: static destructors of other libraries may free handles.
Table &table() {
    static Table *once = made_table = new Table;
    return *once;
}

__attribute__((destructor)) void free_table() {
    if (!made_table || !lib::unloading()) return;
    for (auto &chunk : made_table->chunks) delete[] chunk.load();
    delete made_table;
}

Entry *entry_at(uint32_t index) {
    uint32_t begin = 0, size = kFirstChunk;
    for (auto &chunk : table().chunks) {
        if (index - begin < size) {
            Entry *entries = chunk.load(std::memory_order_acquire);
            return entries ? entries + (index - begin) : nullptr;
        }
        begin += size;
        size *= 2;
    }
    return nullptr;
}

bool grow_to(uint32_t index) {
    uint32_t begin = 0, size = kFirstChunk;
    for (auto &chunk : table().chunks) {
        if (index - begin < size) {
            if (chunk.load(std::memory_order_relaxed)) return true;
            auto *entries = new (std::nothrow) Entry[size];
            chunk.store(entries, std::memory_order_release);
            return entries != nullptr;
        }
        begin += size;
        size *= 2;
    }
    return false;
}

// A free index; 0 where memory is out.
uint32_t take_index(Table &of) WB_REQUIRES(of.mutex) {
    if (of.resting < kResting && grow_to(of.used)) return of.used++;
    const uint32_t index = of.first_free;
    if (index == 0) return 0;
    of.first_free = entry_at(index)->next_free;
    --of.resting;
    return index;
}

void rest(Table &of, Entry &entry, uint32_t index) WB_REQUIRES(of.mutex) {
    entry.next_free = 0;
    (of.resting++ > 0 ? entry_at(of.last_free)->next_free : of.first_free) = index;
    of.last_free = index;
}

// Releases the object of an entry that is neither live nor pinned, and queues the index for reuse.
void recycle(Entry &entry, uint32_t index) {
    lib::RefCounted *object = entry.object;
    entry.object = nullptr;
    {
        Table &of = table();
        const lib::Lock lock(of.mutex);
        rest(of, entry, index);
    }
    object->release();
}

uint32_t index_of(uint64_t token) { return static_cast<uint32_t>(token); }
uint64_t identity_of(uint64_t token) { return identity(token >> 56, (token >> 32) & kGenerations); }

}  // namespace

uint64_t register_handle(Kind kind, lib::RefCounted *object) {
    lib::watch_for_exit();
    uint32_t index;
    {
        Table &of = table();
        const lib::Lock lock(of.mutex);
        index = take_index(of);
    }
    if (index == 0) return 0;
    Entry &entry = *entry_at(index);
    object->retain();
    entry.object = object;
    uint64_t generation = ((entry.state.load(std::memory_order_relaxed) >> 31) + 1) & kGenerations;
    entry.state.store(kLive | identity(static_cast<uint64_t>(kind), generation), std::memory_order_release);
    table().live[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
    return (static_cast<uint64_t>(kind) << 56) | (generation << 32) | index;
}

lib::RefCounted *pin_handle(Kind kind, uint64_t token) {
    if (token >> 56 != static_cast<uint64_t>(kind)) return nullptr;
    Entry *entry = index_of(token) ? entry_at(index_of(token)) : nullptr;
    if (!entry) return nullptr;
    uint64_t wanted = kLive | identity_of(token);
    uint64_t state = entry->state.load(std::memory_order_acquire);
    do
        if ((state & ~kPins) != wanted || (state & kPins) == kPins) return nullptr;
    while (!entry->state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
    return entry->object;
}

void unpin_handle(uint64_t token) {
    Entry &entry = *entry_at(index_of(token));
    uint64_t before = entry.state.fetch_sub(1, std::memory_order_acq_rel);
    if (!(before & kLive) && (before & kPins) == 1) recycle(entry, index_of(token));
}

bool free_handle(Kind kind, uint64_t token) {
    if (!pin_handle(kind, token)) return false;
    Entry &entry = *entry_at(index_of(token));
    bool ended = (entry.state.fetch_and(~kLive, std::memory_order_acq_rel) & kLive) != 0;
    if (ended) table().live[static_cast<size_t>(kind)].fetch_sub(1, std::memory_order_relaxed);
    unpin_handle(token);
    return ended;
}

void count_handles(uint32_t (&counts)[kKindsRoom]) {
    for (size_t kind = 0; kind < kKindsRoom; ++kind) counts[kind] = table().live[kind].load(std::memory_order_relaxed);
}

const char *name_of(Kind kind) {
    switch (kind) {
        case Kind::engine:
            return "engine";
        case Kind::engine_options:
            return "engine options";
        case Kind::load_options:
            return "load options";
        case Kind::model:
            return "model";
        case Kind::slot:
            return "slot";
        case Kind::schema:
            return "schema";
        case Kind::batch:
            return "batch";
        case Kind::call:
            return "call";
        case Kind::cancel:
            return "cancel token";
        case Kind::text:
            return "text";
        case Kind::source:
            return "source";
        case Kind::queue:
            return "queue";
    }
    return "handle";
}

}  // namespace weighbridge::capi
