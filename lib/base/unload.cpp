// SPDX-License-Identifier: Apache-2.0
#include "base/unload.hpp"

#include <cstdlib>

namespace weighbridge::lib {
namespace {

constinit bool exiting = false;

void note_exit() { exiting = true; }

// exit() calls what was given to atexit() before any library's destructors. dlclose() calls this library's destructors
// first (they stand behind the compiler's own in .fini_array, which is run from its end), and note_exit() from the
// compiler's own.
__attribute__((constructor)) void watch_for_exit() { std::atexit(note_exit); }

}  // namespace

bool unloading() { return !exiting; }

}  // namespace weighbridge::lib
