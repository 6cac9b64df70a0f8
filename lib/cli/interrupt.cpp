// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace weighbridge::cli {

namespace {

std::atomic<int> came = 0;                             // the signal's number, 0 for none
static_assert(std::atomic<int>::is_always_lock_free);  // written by a signal handler

constexpr struct {
    int number;
    const char *name;
} ending[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}, {SIGXCPU, "SIGXCPU"}};

}  // namespace

void watch_interrupt() {
    for (const auto &signal : ending) {
        struct sigaction action = {}, before = {};
        action.sa_handler = [](int number) { came.store(number, std::memory_order_relaxed); };
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        sigaction(signal.number, nullptr, &before);
        if (before.sa_handler != SIG_IGN) sigaction(signal.number, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return came.load(std::memory_order_relaxed) != 0; }

int interrupt_exit() { return 128 + came.load(std::memory_order_relaxed); }

std::string interrupt_name() {
    for (const auto &signal : ending)
        if (signal.number == came.load(std::memory_order_relaxed)) return signal.name;
    return "no signal";
}

}  // namespace weighbridge::cli
