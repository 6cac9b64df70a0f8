// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iterator>

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

CleanEnd::CleanEnd(const char *verb, std::function<void()> clean) : over_(eventfd(0, EFD_CLOEXEC)) {
    sigset_t watched;
    sigemptyset(&watched);
    for (const auto &signal : ending) {
        struct sigaction before = {};
        sigaction(signal.number, nullptr, &before);
        if (before.sa_handler != SIG_IGN) sigaddset(&watched, signal.number);
    }
    const int signals = signalfd(-1, &watched, SFD_CLOEXEC);
    if (over_ < 0 || signals < 0) return;  // without descriptors a signal ends the process as it would have
    pthread_sigmask(SIG_BLOCK, &watched, &before_);
    thread_ = std::thread([signals, verb, over = over_, clean = std::move(clean)] {
        pollfd wanted[] = {{over, POLLIN, 0}, {signals, POLLIN, 0}};
        while (poll(wanted, std::size(wanted), -1) < 0) {
        }
        signalfd_siginfo one;
        if (wanted[0].revents == 0 && read(signals, &one, sizeof one) == sizeof one) {
            came.store(static_cast<int>(one.ssi_signo), std::memory_order_relaxed);
            clean();
            std::fprintf(stderr, "weighbridge %s: ended by %s\n", verb, interrupt_name().c_str());
            _exit(interrupt_exit());
        }
        close(signals);
    });
}

CleanEnd::~CleanEnd() {
    const uint64_t one = 1;
    if (thread_.joinable() && write(over_, &one, sizeof one) == sizeof one) {
        thread_.join();
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    if (over_ >= 0) close(over_);
}

}  // namespace weighbridge::cli
