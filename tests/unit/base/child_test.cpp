// SPDX-License-Identifier: Apache-2.0
#include "base/child.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "support/catch.hpp"
#include "weighbridge/c/base.h"

using namespace weighbridge::lib;

namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;

std::string problem(const std::function<Status()> &work) {
    const Status status = in_child(work, 60 * kSecond_ns);
    CHECK(status.code == WB_BACKEND_FAILED);
    return status.message;
}

}  // namespace

TEST_CASE("a child's status is the caller's, and what it changes is not") {
    int here = 1;
    CHECK(in_child(
              [&] {
                  here = 2;
                  return Status();
              },
              60 * kSecond_ns)
              .ok());
    CHECK(here == 1);
    const Status failed =
        in_child([] { return Status::failure(WB_INVALID_BUNDLE, "{}", std::string(300, 'x')); }, 60 * kSecond_ns);
    CHECK(failed.code == WB_INVALID_BUNDLE);
    CHECK(std::string(failed.message) == std::string(255, 'x'));
}

TEST_CASE("whatever ends a child ends it alone") {
    CHECK(problem([]() -> Status { throw std::runtime_error("thrown"); }) == "thrown");
    CHECK(problem([]() -> Status { throw 7; }) == "an exception of unknown type");
    for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) {
        CAPTURE(signal);
        CHECK(problem([&] {
                  ::raise(signal);
                  return Status();
              }) == "the process was ended by signal " + std::to_string(signal));
    }
    CHECK(problem([]() -> Status { ::_exit(0); }) == "the process ended");
}

TEST_CASE("a child that hangs is killed and reaped at its bound, which has a code of its own") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int64_t begun = steady_clock().now_ns();
    const Status status = in_child(
        [&] {
            const pid_t self = ::getpid();
            (void)!::write(ends[1], &self, sizeof self);
            for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_IGN);
            for (;;) ::pause();
            return Status();
        },
        kSecond_ns / 4);
    CHECK(steady_clock().now_ns() - begun >= kSecond_ns / 4 - kSecond_ns / 1000);  // waits are in milliseconds
    CHECK(steady_clock().now_ns() - begun < 30 * kSecond_ns);
    CHECK(status.code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string(status.message) == "not done after 0.25 s");
    pid_t child = 0;
    REQUIRE(::read(ends[0], &child, sizeof child) == static_cast<ssize_t>(sizeof child));
    CHECK((::kill(child, 0) == -1 && errno == ESRCH));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a child is heard also where the host ignores SIGCHLD or handles its signals") {
    struct sigaction handled {
    }, before_child{}, before_fault{};
    handled.sa_handler = [](int) { ::_exit(0); };  // would pass for a plain end
    REQUIRE(::sigaction(SIGSEGV, &handled, &before_fault) == 0);
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    REQUIRE(::sigaction(SIGCHLD, &ignored, &before_child) == 0);
    const bool ok = in_child([] { return Status(); }, 60 * kSecond_ns).ok();
    const std::string ended = problem([] {
        ::raise(SIGSEGV);
        return Status();
    });
    REQUIRE(::sigaction(SIGCHLD, &before_child, nullptr) == 0);
    const std::string seen = problem([] {
        ::raise(SIGSEGV);
        return Status();
    });
    REQUIRE(::sigaction(SIGSEGV, &before_fault, nullptr) == 0);
    CHECK(ok);
    CHECK(ended == "the process ended");
    CHECK(seen == "the process was ended by signal 11");
}
