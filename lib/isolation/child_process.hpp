// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace weighbridge::lib {

// A child of this process, held by a descriptor (pidfd, Linux 5.4): signals reach that child and no other, also where
// the host reaps every child itself and the child's number is another's by then. On older kernels, and where a filter
// forbids the calls, by its number, which is the child's while waitid() says that it runs. One thread at a time.
class ChildProcess {
  public:
    explicit ChildProcess(pid_t number);  // just started, and not waited for yet

    pid_t number() const { return number_; }
    bool is_held() const { return descriptor_.get() >= 0; }  // by a descriptor
    // Whether it has ended; it stays to be reaped.
    bool is_over() const;
    // Kills it after `grace_ns`, and reaps it where the host has not: it may ignore SIGCHLD, or wait for every child
    // itself. How it ended, where that is known: "ended with code 3", "was ended by signal 6", kOutOfTime; else
    // "ended", or "does not end" after five seconds.
    std::string end(int64_t grace_ns);
    static constexpr std::string_view kOutOfTime = "has used up its processor time (option importer_seconds)";

  private:
    int wait(siginfo_t &about, int flags) const;
    void kill() const;
    void pause() const;

    const pid_t number_;
    const Descriptor descriptor_;
};

}  // namespace weighbridge::lib
