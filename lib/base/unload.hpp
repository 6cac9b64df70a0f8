// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::lib {

// To be called before memory is held that a function with attribute destructor gives back, and again now and then.
// Thread-safe.
void watch_for_exit();

// For functions with attribute destructor, which run both when dlclose() unloads the library and when the process ends:
// whether it is the former. Then nobody will call in any more, and what the library holds must go. At the end of a
// process it must stay: threads go on, and other libraries' destructors may follow that call in.
bool unloading();

}  // namespace weighbridge::lib
