// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace weighbridge::cli {

// From now on the first SIGINT, SIGTERM, SIGHUP or SIGXCPU is only remembered, without restarting system calls; the
// second one of a kind ends the process. One that was ignored when the command started (nohup, a job in the
// background) stays ignored. Writing to a pipe that nobody reads, or beyond the limit of a file's size, is an error of
// the write, no longer a signal.
void watch_interrupt();

// Whether one of these signals came. Thread-safe.
bool interrupted();

// What the command exits with after it: 128 + the signal's number.
int interrupt_exit();

// The signal's name, such as "SIGTERM".
std::string interrupt_name();

}  // namespace weighbridge::cli
