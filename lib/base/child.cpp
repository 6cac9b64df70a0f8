// SPDX-License-Identifier: Apache-2.0
#include "base/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "base/clock.hpp"

namespace weighbridge::lib {
namespace {

// What a child says: its status without feature and row, which mean nothing to the parent.
struct Word {
    int32_t code;
    char message[sizeof Status::message];
};

[[noreturn]] void be_child(const std::function<Status()> &work, int to_parent) {
    // No handler of the host runs here, nothing is dumped, and a parent that dies takes its child along.
    for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT}) std::signal(signal, SIG_DFL);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Status status;
    try {
        status = work();
    } catch (const std::exception &failure) {
        status = Status::failure(WB_BACKEND_FAILED, "{}", failure.what());
    } catch (...) {
        status = Status::failure(WB_BACKEND_FAILED, "an exception of unknown type");
    }
    Word word{};
    word.code = status.code;
    std::strcpy(word.message, status.message);
    const ssize_t written = ::write(to_parent, &word, sizeof word);  // at once: smaller than PIPE_BUF
    ::_exit(written == static_cast<ssize_t>(sizeof word) ? 0 : 1);
}

enum class Heard { word, end, nothing };  // end: the child is gone without a word

Heard hear(int from_child, int64_t deadline_ns, Word &word) {
    for (;;) {
        const int64_t left_ms = (deadline_ns - steady_clock().now_ns()) / 1'000'000;
        pollfd wanted{from_child, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(left_ms > 0 ? left_ms : 0));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return Heard::nothing;
        return ::read(from_child, &word, sizeof word) == static_cast<ssize_t>(sizeof word) ? Heard::word : Heard::end;
    }
}

}  // namespace

Status in_child(const std::function<Status()> &work, int64_t timeout_ns) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Status::failure(WB_IO_ERROR, "pipe: {}", std::strerror(errno));
    const pid_t child = ::fork();
    if (child < 0) {
        const int reason = errno;
        ::close(ends[0]);
        ::close(ends[1]);
        return Status::failure(WB_IO_ERROR, "fork: {}", std::strerror(reason));
    }
    if (child == 0) be_child(work, ends[1]);
    ::close(ends[1]);
    Word word{};
    const Heard heard = hear(ends[0], steady_clock().now_ns() + timeout_ns, word);
    ::close(ends[0]);
    if (heard == Heard::nothing) ::kill(child, SIGKILL);
    int ended = 0;
    pid_t waited;
    do waited = ::waitpid(child, &ended, 0);
    while (waited < 0 && errno == EINTR);
    if (heard == Heard::word && word.code >= 0) return Status();
    if (heard == Heard::word) return Status::failure(word.code, "{}", static_cast<const char *>(word.message));
    if (heard == Heard::nothing)
        return Status::failure(WB_DEADLINE_EXCEEDED, "not done after {} s", static_cast<double>(timeout_ns) / 1e9);
    if (waited == child && WIFSIGNALED(ended) && WTERMSIG(ended) != SIGKILL)
        return Status::failure(WB_BACKEND_FAILED, "the process was ended by signal {}", WTERMSIG(ended));
    return Status::failure(WB_BACKEND_FAILED, "the process ended");
}

}  // namespace weighbridge::lib
