// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "weighbridge/c/base.h"

namespace weighbridge::lib {

// A request that waits for a run and may be served by another's, who asks for the same. In memory of its own thread,
// which does not leave while another has it: one who claimed it owns it until he lets it go (Pool::Party).
struct Guest {
    const void *kin = nullptr;  // those of one kin can be served by one run
    int64_t deadline_ns = WB_NO_DEADLINE;
    Guest *next = nullptr;   // of those that one run has
    void *waiter = nullptr;  // the pool's
    bool boarded = false;    // set by who claimed it: it is in his run
    bool served = false;     // set by who claimed it: what it waited for is done, else it waits on, by itself
};

// The room that a run has for others, and when it will be through. One whose deadline is before that has to go on by
// itself: were the run made shorter for it, all the others would wait.
struct Seats {
    int64_t left = 0;
    int64_t end_ns = 0;  // with every seat taken
    int64_t taken = 0;
    bool high_only = false;  // somebody of high priority waits whom this run does not serve

    bool take(int64_t deadline_ns) {
        if (left == 0 || deadline_ns <= end_ns) return false;
        ++taken;
        --left;
        return true;
    }
};

}  // namespace weighbridge::lib
