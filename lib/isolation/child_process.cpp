// SPDX-License-Identifier: Apache-2.0
#include "isolation/child_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.hpp"

namespace weighbridge::lib {
namespace {

constexpr auto kByDescriptor = static_cast<idtype_t>(3);  // P_PIDFD, which glibc has from 2.36 on
constexpr int64_t kReaping_ns = 5'000'000'000;
constexpr int kBetweenLooks_ms = 1;

// -1 where the kernel has no such descriptors, or cannot wait by them.
Descriptor descriptor_of(pid_t number) {
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
    Descriptor descriptor(static_cast<int>(::syscall(SYS_pidfd_open, number, 0)));
    siginfo_t about{};
    const int flags = WEXITED | WNOHANG | WNOWAIT;
    if (descriptor.get() >= 0 && ::waitid(kByDescriptor, static_cast<id_t>(descriptor.get()), &about, flags) != 0 &&
        errno != ECHILD)
        return Descriptor(-1);
    return descriptor;
#else
    (void)number;
    return Descriptor(-1);
#endif
}

std::string how_it_ended(const siginfo_t &about) {
    if (about.si_code == CLD_EXITED) return formatted("ended with code {}", about.si_status);
    if (about.si_status == SIGXCPU) return std::string(ChildProcess::kOutOfTime);
    return formatted("was ended by signal {}", about.si_status);
}

}  // namespace

ChildProcess::ChildProcess(pid_t number) : number_(number), descriptor_(descriptor_of(number)) {}

int ChildProcess::wait(siginfo_t &about, int flags) const {
    about = {};
    if (is_held()) return ::waitid(kByDescriptor, static_cast<id_t>(descriptor_.get()), &about, flags);
    return ::waitid(P_PID, static_cast<id_t>(number_), &about, flags);
}

void ChildProcess::kill() const {
#if defined(SYS_pidfd_send_signal)
    // Where that is forbidden, by the number, which a wait has just said is the child's.
    if (is_held() && (::syscall(SYS_pidfd_send_signal, descriptor_.get(), SIGKILL, nullptr, 0) == 0 || errno == ESRCH))
        return;
#endif
    ::kill(number_, SIGKILL);
}

// Until it ends, or for a moment where that cannot be seen.
void ChildProcess::pause() const {
    pollfd wanted{descriptor_.get(), POLLIN, 0};
    ::poll(&wanted, is_held() ? 1 : 0, kBetweenLooks_ms);
}

bool ChildProcess::is_over() const {
    siginfo_t about;
    return wait(about, WEXITED | WNOHANG | WNOWAIT) != 0 || about.si_pid != 0;
}

std::string ChildProcess::end(int64_t grace_ns) {
    const int64_t begun = steady_clock().now_ns();
    for (;;) {
        siginfo_t about;
        const int failed = wait(about, WEXITED | WNOHANG);
        if (failed == 0 && about.si_pid != 0) return how_it_ended(about);
        if (failed != 0 && errno != EINTR) return "ended";
        const int64_t now = steady_clock().now_ns();
        if (now > begun + grace_ns) kill();
        if (now > begun + grace_ns + kReaping_ns) return "does not end";
        pause();
    }
}

}  // namespace weighbridge::lib
