// SPDX-License-Identifier: Apache-2.0
#include "isolation/child_process.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "support/catch.hpp"

using weighbridge::lib::ChildProcess;

namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;

template <class Body>
pid_t child(Body &&body) {
    const pid_t number = ::fork();
    REQUIRE(number >= 0);
    if (number == 0) {
        body();
        ::_exit(0);
    }
    return number;
}

[[noreturn]] void stay() {
    for (;;) ::pause();
}

// A child of that number, which stays; -1 where the system does not let one choose it.
pid_t child_of_number(pid_t number) {
    struct clone_args arguments {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uintptr_t>(&number);
    arguments.set_tid_size = 1;
    const auto made = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (made == 0)
        for (;;) ::pause();
    return made;
}

void reap(pid_t number) {
    while (::waitpid(number, nullptr, 0) < 0) {
    }
}

}  // namespace

TEST_CASE("how a child ended is told, and a child that stays is killed") {
    CHECK(ChildProcess(child([] { ::_exit(3); })).end(20 * kSecond_ns) == "ended with code 3");
    CHECK(ChildProcess(child([] { ::raise(SIGUSR1); })).end(20 * kSecond_ns) == "was ended by signal 10");
    CHECK(ChildProcess(child([] { ::raise(SIGXCPU); })).end(20 * kSecond_ns) == ChildProcess::kOutOfTime);
    ChildProcess staying(child(stay));
    CHECK_FALSE(staying.is_over());
    CHECK(staying.end(0) == "was ended by signal 9");
    CHECK(staying.is_over());
    CHECK(staying.end(0) == "ended");
}

TEST_CASE("a child that the host has reaped is over, and another one of its number is left alone") {
    const pid_t number = child(stay);
    ChildProcess process(number);
    REQUIRE(::kill(number, SIGKILL) == 0);
    reap(number);
    if (!process.is_held()) {
        WARN("not run: this kernel holds no process by a descriptor (pidfd)");
        return;
    }
    const pid_t other = child_of_number(number);
    if (other < 0) {
        WARN("not run to its end: no child of a chosen number: " << std::strerror(errno));
        CHECK(process.end(0) == "ended");
        return;
    }
    REQUIRE(other == number);
    CHECK(process.is_over());
    CHECK(process.end(0) == "ended");
    CHECK(::waitpid(other, nullptr, WNOHANG) == 0);  // it runs
    REQUIRE(::kill(other, SIGKILL) == 0);
    reap(other);
}
