// SPDX-License-Identifier: Apache-2.0
#include "base/unload.hpp"

#include <atomic>
#include <cstdlib>

namespace weighbridge::lib {
namespace {

constinit bool exiting = false;

void note_exit() { exiting = true; }

}  // namespace

// exit() calls what was given to atexit() from its end, and amid that all libraries' destructors: of what a constructor
// of a library gave before main() began, those come first. So the last registration counts, and each doubling makes
// one. dlclose() calls this library's destructors first (they stand behind the compiler's own in .fini_array, which is
// run from its end), and note_exit() from the compiler's own.
void watch_for_exit() {
    static constinit std::atomic<uint64_t> calls{0};
    const uint64_t call = calls.fetch_add(1, std::memory_order_relaxed) + 1;
    if ((call & (call - 1)) == 0) std::atexit(note_exit);
}

bool unloading() { return !exiting; }

}  // namespace weighbridge::lib
