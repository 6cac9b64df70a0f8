// SPDX-License-Identifier: Apache-2.0
#include "importer/sandbox.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace weighbridge::lib {
namespace {

using Resource = decltype(RLIMIT_CPU);

constexpr unsigned kFirstClosed = 5;  // standard descriptors and both pipes stay

#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox knows x86-64 and aarch64"
#endif

// What loading, freezing, importing and running a module took with LibTorch 2.15, one thread, memory already mapped by
// a priming run, and nothing beyond it.
constexpr int kAllowed[] = {
    SYS_read,           SYS_write,        SYS_close,     SYS_lseek,       SYS_fstat,
    SYS_newfstatat,     SYS_mmap,         SYS_munmap,    SYS_mremap,      SYS_mprotect,
    SYS_madvise,        SYS_brk,          SYS_futex,     SYS_exit,        SYS_exit_group,
    SYS_clock_gettime,  SYS_gettid,       SYS_getpid,    SYS_sched_yield, SYS_sched_getaffinity,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_getrandom,
};
constexpr size_t kCalls = sizeof kAllowed / sizeof kAllowed[0];
static_assert(kCalls == 23);

// A BPF program: another machine's calls and those that are not listed fail with EPERM. (x32 calls have a bit above
// every number of the list.)
std::vector<sock_filter> make_filter() {
    std::vector<sock_filter> filter;
    const auto add = [&](uint16_t code, uint32_t k, uint8_t then = 0, uint8_t otherwise = 0) {
        filter.push_back({code, then, otherwise, k});
    };
    const uint32_t refusal = SECCOMP_RET_ERRNO | EPERM;
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kMachine, 1, 0);
    add(BPF_RET | BPF_K, refusal);
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (size_t i = 0; i < kCalls; ++i)
        add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(kAllowed[i]), static_cast<uint8_t>(kCalls - i), 0);
    add(BPF_RET | BPF_K, refusal);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return filter;
}

// By /proc/self/fd where the kernel has no close_range (5.9), else up to the limit of descriptors.
void close_from(unsigned first) {
#if defined(SYS_close_range)
    if (::syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
    if (DIR *listing = ::opendir("/proc/self/fd")) {
        std::vector<int> open;
        while (const dirent *entry = ::readdir(listing)) open.push_back(std::atoi(entry->d_name));
        ::closedir(listing);
        for (const int fd : open)
            if (fd >= static_cast<int>(first)) ::close(fd);
        return;
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = first; fd < limit.rlim_cur; ++fd) ::close(static_cast<int>(fd));
}

// Address space that is mapped now; 0 where /proc does not tell.
uint64_t mapped_bytes() {
    const auto text = read_file("/proc/self/statm", 4096);
    const uint64_t pages = text ? std::strtoull(std::string(as_text(*text)).c_str(), nullptr, 10) : 0;
    return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Status forbidden(const char *part) {
    return Status::failure(
        WB_BACKEND_UNAVAILABLE,
        "{}: {}: this system forbids a part of the sandbox: choose importer=process, which goes without, "
        "or compile the bundle elsewhere",
        part, strerrordesc_np(errno));
}

// Never above what is set already.
bool lower(Resource resource, uint64_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return false;
    limit.rlim_max = std::min<rlim_t>(limit.rlim_max, most);
    limit.rlim_cur = limit.rlim_max;
    // SIGXCPU comes before SIGKILL, so that the host can tell this end from others.
    if (resource == RLIMIT_CPU && limit.rlim_max != RLIM_INFINITY && limit.rlim_max > 1) --limit.rlim_cur;
    return ::setrlimit(resource, &limit) == 0;
}

// The host's real-time class, a better nice value than usual, and its standing with the out-of-memory killer are not
// the importer's: payments go first, and it is the first to go. What the system refuses of it stays as inherited.
void step_back() {
    const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    const sched_param usual{};
    if (policy == SCHED_FIFO || policy == SCHED_RR) ::sched_setscheduler(0, SCHED_OTHER, &usual);
    if (::getpriority(PRIO_PROCESS, 0) < 0) ::setpriority(PRIO_PROCESS, 0, 0);
    const Descriptor score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    constexpr std::string_view kFirst = "1000";
    if (score.get() >= 0 && ::write(score.get(), kFirst.data(), kFirst.size()) < 0) return;
}

}  // namespace

void confine_process(int parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it ended before the line above
    close_from(kFirstClosed);
    if (::chdir("/") != 0) ::_exit(1);  // the host's may be gone, or in a file system that is to be unmounted
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    step_back();
    lower(RLIMIT_CORE, 0);
    lower(RLIMIT_FSIZE, 0);
    for (int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);
}

Status enter_sandbox(uint64_t memory_bytes, uint64_t cpu_s, bool strict) {
    struct Limit {
        const char *name;
        Resource resource;
        uint64_t most;
    };
    const uint64_t mapped = mapped_bytes();
    if (mapped == 0 && strict) return forbidden("/proc/self/statm");
    const Limit limits[] = {{"RLIMIT_CPU", RLIMIT_CPU, cpu_s},
                            {"RLIMIT_AS", RLIMIT_AS, mapped == 0 ? RLIM_INFINITY : mapped + memory_bytes},
                            {"RLIMIT_FSIZE", RLIMIT_FSIZE, 0},
                            {"RLIMIT_NOFILE", RLIMIT_NOFILE, 0},
                            {"RLIMIT_NPROC", RLIMIT_NPROC, 0},
                            {"RLIMIT_CORE", RLIMIT_CORE, 0}};
    for (const Limit &limit : limits)
        if (!lower(limit.resource, limit.most) && strict) return forbidden(limit.name);
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 && strict) return forbidden("PR_SET_DUMPABLE");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return strict ? forbidden("PR_SET_NO_NEW_PRIVS") : Status();
    std::vector<sock_filter> filter = make_filter();
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    const long failed = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (failed > 0) errno = EBUSY;  // the number of a thread that cannot be confined
    return failed == 0 || !strict ? Status() : forbidden("seccomp");
}

}  // namespace weighbridge::lib
