// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::cli {

// From now on the first SIGINT only sets a flag, without restarting system calls; a second one ends the process.
void watch_interrupt();

// Whether SIGINT came. Thread-safe.
bool interrupted();

}  // namespace weighbridge::cli
