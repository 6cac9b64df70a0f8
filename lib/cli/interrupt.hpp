// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <thread>

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

// Where the process waits for the library: from here to the end of the object's life the first of these signals runs
// `clean` on a thread of its own, says on stderr what the process was ended by, and ends it with interrupt_exit(). One
// that was ignored stays ignored. Made before there are other threads, which inherit that these signals are not theirs.
class CleanEnd {
  public:
    CleanEnd(const char *verb, std::function<void()> clean);
    ~CleanEnd();
    CleanEnd(const CleanEnd &) = delete;
    CleanEnd &operator=(const CleanEnd &) = delete;

  private:
    int over_;  // an eventfd
    sigset_t before_ = {};
    std::thread thread_;
};

}  // namespace weighbridge::cli
