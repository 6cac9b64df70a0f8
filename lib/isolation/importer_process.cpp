// SPDX-License-Identifier: Apache-2.0
#include "isolation/importer_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/clock.hpp"
#include "base/environment.hpp"
#include "base/own_directory.hpp"
#include "torchscript/plugin_loader.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kSpare_s = 5;                 // of processor time, for LibTorch to start
constexpr uint64_t kUnlimited_s = ~uint64_t{0};  // RLIM_INFINITY
constexpr int kSlice_ms = 20;                    // between two looks at a StopSource
constexpr uint64_t kMostText = 64 << 10;         // of a reply to the first order
constexpr size_t kBuffer = 256 << 10;
constexpr int kOrdersInChild = 3, kRepliesInChild = 4;
constexpr int kFirstFree = 5;                  // descriptors of the host's pipes: above those that the child's get
constexpr int64_t kGrace_ns = kSecond_ns / 5;  // for a process that has closed its pipe to end by itself

struct Pipe {
    Descriptor read, write;
};

// A pipe's end above the numbers that the child's ends get, so that no dup2() there replaces the other pipe's.
Descriptor above_childs(Descriptor end) {
    return end.get() < kFirstFree ? Descriptor(::fcntl(end.get(), F_DUPFD_CLOEXEC, kFirstFree)) : std::move(end);
}

Status no_pipe(int reason) {
    struct rlimit most {};
    ::getrlimit(RLIMIT_NOFILE, &most);
    const bool full = reason == EMFILE || reason == EINVAL;  // fcntl() says EINVAL where the limit is below the number
    const std::string limit = full ? formatted(" (this process may have {}: RLIMIT_NOFILE)", most.rlim_cur) : "";
    return Status::failure(WB_IO_ERROR, "the importer's pipes: {}{}", strerrordesc_np(full ? EMFILE : reason), limit);
}

Expected<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return no_pipe(errno);
    Pipe pipe{above_childs(Descriptor(ends[0])), above_childs(Descriptor(ends[1]))};
    if (pipe.read.get() < 0 || pipe.write.get() < 0) return no_pipe(errno);
    return pipe;
}

// What the child has of its own from its first instruction on: descriptors, signals, a process group.
class SpawnPlan {
  public:
    SpawnPlan() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
    }
    ~SpawnPlan() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    SpawnPlan(const SpawnPlan &) = delete;
    SpawnPlan &operator=(const SpawnPlan &) = delete;

    int spawn(pid_t &child, const std::string &program, int orders, int replies) {
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
        for (const int failed :
             {::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDWR, 0),
              ::posix_spawn_file_actions_adddup2(&actions_, 0, 1), ::posix_spawn_file_actions_adddup2(&actions_, 0, 2),
              ::posix_spawn_file_actions_adddup2(&actions_, orders, kOrdersInChild),
              ::posix_spawn_file_actions_adddup2(&actions_, replies, kRepliesInChild),
              ::posix_spawnattr_setsigmask(&attributes_, &none), ::posix_spawnattr_setsigdefault(&attributes_, &all),
              ::posix_spawnattr_setpgroup(&attributes_, 0), ::posix_spawnattr_setflags(&attributes_, flags)})
            if (failed) return failed;
        std::string name = program, parent = std::to_string(::getpid());
        char *const arguments[] = {name.data(), parent.data(), nullptr};
        char *const environment[] = {nullptr};
        return ::posix_spawn(&child, program.c_str(), &actions_, &attributes_, arguments, environment);
    }

  private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

std::string_view advice(int failed, const std::string &program) {
    if (failed == ENOENT && ::access(program.c_str(), X_OK) == 0)
        return "the program is there, but /dev/null or its loader is not: give the container both";
    if (failed == ENOENT || failed == EACCES || failed == ENOEXEC)
        return "install weighbridge-importer beside the library or name it (option importer_program)";
    return "no process can be started here: compile the bundle elsewhere";
}

}  // namespace

uint64_t one_order_s(const IsolationOptions &options) { return static_cast<uint64_t>(options.seconds) + kSpare_s; }

uint64_t many_orders_s(const StopSource &stop) {
    if (stop.deadline_ns == WB_NO_DEADLINE) return kUnlimited_s;
    const int64_t left_ns = std::max<int64_t>(stop.deadline_ns - stop.clock->now_ns(), 0);
    return static_cast<uint64_t>(left_ns / kSecond_ns) + kSpare_s;
}

uint64_t importer_memory_bytes(const IsolationOptions &options, uint64_t module_bytes) {
    if (options.memory_mb > 0) return static_cast<uint64_t>(options.memory_mb) << 20;
    return std::max(uint64_t{2} << 30, 8 * module_bytes);
}

std::string importer_program(const IsolationOptions &options) {
    return options.program.empty() ? own_directory() + "/weighbridge-importer" : options.program;
}

std::string importer_libtorch(const IsolationOptions &options) {
    if (!options.libtorch.empty()) return options.libtorch;
    if (const std::string named = environment(kLibtorchVariable); !named.empty()) return named;
    const auto mapped = mapped_libtorch();
    return mapped ? mapped->directory : "";
}

// An order's bytes, part by part, and how many of them are on their way.
struct ImporterProcess::Orders {
    std::vector<ByteView> parts;
    size_t next = 0;

    bool sent() const { return next == parts.size(); }
    void advance(size_t bytes) {
        parts[next] = parts[next].subspan(bytes);
        while (next < parts.size() && parts[next].empty()) ++next;
    }
};

Expected<std::unique_ptr<ImporterProcess>> ImporterProcess::spawn(const std::string &program, int64_t seconds) {
    auto orders = make_pipe(), replies = make_pipe();
    if (!orders) return orders.status();
    if (!replies) return replies.status();
    for (const int end : {orders->write.get(), replies->read.get()})
        ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
    const Descriptor childs_end = std::move(replies->write);
    std::unique_ptr<ImporterProcess> process(
        new ImporterProcess(std::move(orders->write), std::move(orders->read), std::move(replies->read), seconds));
    pid_t child = 0;
    const int failed = SpawnPlan().spawn(child, program, process->kept_.get(), childs_end.get());
    if (failed != 0)
        return Status::failure(WB_BACKEND_UNAVAILABLE, "{}: {}; {}", shown_path(program), strerrordesc_np(failed),
                               advice(failed, program));
    process->child_.emplace(child);
    return process;
}

Expected<std::unique_ptr<ImporterProcess>> ImporterProcess::start(const IsolationOptions &options,
                                                                  const ImporterLimits &limits,
                                                                  const StopSource &stop) {
    const std::string program = importer_program(options);
    auto process = spawn(program, options.seconds);
    if (!process) return process;
    const Bytes order = write_start({options.strict, limits.memory_bytes, limits.cpu_s, options.plugin,
                                     importer_libtorch(options), own_directory()});
    const ByteView parts[] = {order};
    auto reply = (*process)->call(WireKind::start, parts, kMostText, stop, "the importer was starting");
    if (!reply && stop.poll() != WB_OK) return reply.status();
    if (!reply)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "{}: {}; expected the importer of library {}: install that one beside the library",
                               shown_path(program), reply.status().message, WB_VERSION_STRING);
    const std::string said = wire_line(reply->body);
    if (reply->code != WB_OK) return Status::failure(WB_BACKEND_UNAVAILABLE, "{}: {}", shown_path(program), said);
    if (said != importer_version())
        return Status::failure(WB_BACKEND_UNAVAILABLE, "{}: expected the importer of library {}, found {}",
                               shown_path(program), importer_version(), said);
    return process;
}

ImporterProcess::~ImporterProcess() { end(); }

void ImporterProcess::end() {
    if (child_) child_->end(0);
    child_.reset();
}

Status ImporterProcess::lost() {
    const std::string how = child_->end(kGrace_ns);
    child_.reset();
    if (how == ChildProcess::kOutOfTime) return Status::failure(WB_DEADLINE_EXCEEDED, "the importer {}", how);
    return Status::failure(WB_BACKEND_FAILED, "the importer {} without a reply", how);
}

// One turn: waits for a while, sends what the pipe takes, takes what has come.
Status ImporterProcess::exchange(Orders &orders, WireReader &reader) {
    pollfd wanted[] = {{replies_.get(), POLLIN, 0}, {orders_.get(), POLLOUT, 0}};
    const int ready = ::poll(wanted, orders.sent() ? 1 : 2, kSlice_ms);
    if (ready < 0 && errno != EINTR)
        return Status::failure(WB_BACKEND_FAILED, "the importer cannot be waited for: {}", strerrordesc_np(errno));
    // Then what it wrote last, a refusal perhaps, is still to be read.
    const bool over = ready <= 0 && child_->is_over();
    if (ready <= 0 && !over) return {};
    if (!over && wanted[1].revents != 0) {
        const ByteView part = orders.parts[orders.next];
        const ssize_t sent = ::write(orders_.get(), part.data(), part.size());
        if (sent > 0) orders.advance(static_cast<size_t>(sent));
    }
    if (!over && wanted[0].revents == 0) return {};
    buffer_.resize(kBuffer);
    const ssize_t came = ::read(replies_.get(), buffer_.data(), buffer_.size());
    if (came > 0) return reader.take(ByteView(buffer_).first(static_cast<size_t>(came)));
    return came < 0 && (errno == EINTR || (errno == EAGAIN && !over)) ? Status() : lost();
}

Expected<ImporterProcess::Reply> ImporterProcess::call(WireKind kind, std::span<const ByteView> parts,
                                                       uint64_t limit_bytes, const StopSource &stop,
                                                       std::string_view doing) {
    if (!child_) return Status::failure(WB_BACKEND_FAILED, "the importer has ended");
    uint64_t bytes = 0;
    for (const ByteView part : parts) bytes += part.size();
    const WireHead head = wire_head(kind, WB_OK, bytes);
    Orders orders;
    orders.parts.push_back({reinterpret_cast<const std::byte *>(&head), sizeof head});
    std::copy_if(parts.begin(), parts.end(), std::back_inserter(orders.parts),
                 [](ByteView part) { return !part.empty(); });
    orders.parts.push_back(as_bytes({kWireTrailer, sizeof kWireTrailer}));
    WireReader reader(limit_bytes);
    const int64_t last_ns = steady_clock().now_ns() + seconds_ * kSecond_ns;
    Status status;
    while (status.ok() && !reader.done()) {
        if (const int32_t code = stop.poll(); code != WB_OK)
            status = ended_while(code, doing);
        else if (steady_clock().now_ns() > last_ns)
            status = Status::failure(WB_DEADLINE_EXCEEDED, "ended after {} s while {}", seconds_, doing);
        else
            status = exchange(orders, reader);
    }
    if (status.ok() && reader.kind() != WireKind::reply)
        status = Status::failure(WB_BACKEND_FAILED, "importer: expected a reply, found an order");
    if (status.ok()) return Reply{reader.code(), reader.take_body()};
    end();
    return status;
}

}  // namespace weighbridge::lib
