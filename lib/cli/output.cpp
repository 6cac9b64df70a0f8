// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"

namespace weighbridge::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t held_bytes = 64 << 10;
constexpr size_t pipe_bytes = 4096;  // what a pipe that takes anything takes whole, at once (PIPE_BUF)
constexpr int step_ms = 50;          // between looks at what is waited for
constexpr int patience_ms = 1000;    // for a reader that takes nothing, once a signal came

std::string partial_of(const Destination &destination) { return destination.path + ".wb-partial"; }

bool is_same(const struct stat &a, const struct stat &b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Of a file or a pipe; nothing for terminals, devices such as /dev/null, and sockets, which have two directions.
std::optional<struct stat> identity(const std::string &path, int descriptor = -1) {
    struct stat found;
    int result = descriptor >= 0 ? fstat(descriptor, &found) : stat(path.c_str(), &found);
    if (result != 0 || S_ISCHR(found.st_mode) || S_ISSOCK(found.st_mode)) return std::nullopt;
    return found;
}

int descriptor_of(const std::string &path) {
    if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
    if (path == to_stderr) return STDERR_FILENO;
    for (std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
        int number = -1;
        if (!path.starts_with(folder)) continue;
        auto [end, error] = std::from_chars(path.data() + folder.size(), path.data() + path.size(), number);
        if (error == std::errc() && end == path.data() + path.size()) return number;
    }
    return -1;
}

bool is_open_for_writing(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

// Keeps the places of stdin, stdout and stderr where they are closed, so that no file that is opened later gets one and
// with it what is printed: reading or writing there still fails.
void keep_standard_places() {
    for (int place : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(place, F_GETFD) < 0) open("/dev/null", place == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// Whether a directory that leads to the path, which has no links, is this one, also where it is mounted twice.
bool is_inside(fs::path path, const struct stat &directory) {
    while (path.has_relative_path()) {
        path = path.parent_path();
        struct stat found;
        if (stat(path.c_str(), &found) == 0 && is_same(found, directory)) return true;
    }
    return false;
}

}  // namespace

Destination destination_of(const std::string &path) {
    Destination destination = {descriptor_of(path), path, false};
    auto refuse = [&](const std::string &why) {
        throw Failure(exit_failed, "'" + path + "' cannot be written: " + why);
    };
    if (destination.descriptor >= 0) {
        if (!is_open_for_writing(destination.descriptor)) refuse(std::strerror(EBADF));
        return destination;
    }
    std::error_code error;
    fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) refuse("it is a directory");
    if (fs::exists(status)) {
        destination.is_file = fs::is_regular_file(status);
        destination.path = fs::canonical(path, error).string();
        if (error) refuse(error.message());
        if (destination.is_file && access(path.c_str(), W_OK) != 0) refuse(std::strerror(errno));
        return destination;
    }
    if (status.type() != fs::file_type::not_found) refuse(error.message());
    if (fs::is_symlink(fs::symlink_status(path, error))) refuse("it is a link to nothing");
    fs::path absolute = fs::absolute(path, error);
    if (error == std::errc::no_such_file_or_directory) refuse("the current directory does not exist");
    if (error) refuse(error.message());
    fs::path folder = fs::canonical(absolute.parent_path(), error);
    if (error) refuse(error.message());
    if (!absolute.has_filename()) refuse("it is a directory");
    destination.is_file = true;
    destination.path = (folder / absolute.filename()).string();
    return destination;
}

namespace {

struct Written {
    OutputOption option;
    std::string name;
    int descriptor;
    std::optional<struct stat> found;
};

std::string named(const OutputOption &option) { return std::string(option.name) + " '" + option.path + "'"; }

// What is printed, summary and messages, goes into no file that is read or written.
void check_streams(const std::optional<struct stat> &read, const std::vector<Written> &all) {
    for (int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        auto found = identity({}, stream);
        if (!found || !S_ISREG(found->st_mode)) continue;
        auto refuse = [&](const std::string &why) {
            std::string name = stream == STDOUT_FILENO ? "stdout" : "stderr";
            throw Failure(exit_failed, name + " cannot be written: " + why);
        };
        if (read && is_same(*read, *found)) {
            // What is said of it would be the first line there.
            if (int null = open("/dev/null", O_WRONLY | O_CLOEXEC); stream == STDERR_FILENO && null >= 0)
                dup2(null, STDERR_FILENO);
            refuse("it is the input");
        }
        for (const Written &one : all)
            if (one.descriptor < 0 && one.found && is_same(*one.found, *found))
                refuse(named(one.option) + " is written there");
    }
}

}  // namespace

void check_outputs(const std::string &input, const std::string &bundle, const std::vector<OutputOption> &outputs) {
    auto refuse = [](const OutputOption &option, const std::string &why) {
        throw Failure(exit_failed, named(option) + " cannot be written: " + why);
    };
    auto read = identity(input, input == "-" ? STDIN_FILENO : -1);
    check_streams(read, {});  // before anything else is said
    struct stat folder;
    bool bundle_exists = stat(bundle.c_str(), &folder) == 0;
    std::vector<Written> all;
    for (const OutputOption &option : outputs) {
        Destination destination = destination_of(option.path);
        std::vector<std::string> names = {destination.path};
        if (destination.is_file) names.push_back(partial_of(destination));
        if (destination.is_file && bundle_exists && is_inside(destination.path, folder))
            refuse(option, "it is in the bundle's directory '" + bundle + "'");
        size_t before = all.size();
        for (const std::string &name : names) {
            Written one = {option, name, destination.descriptor, identity(name, destination.descriptor)};
            if (read && one.found && is_same(*read, *one.found)) refuse(option, "it is the input");
            for (size_t i = 0; i < before; ++i) {
                const Written &other = all[i];
                bool same = one.found && other.found && is_same(*one.found, *other.found);
                // The shell may send stdout and stderr to one place.
                if (one.descriptor >= 0 && other.descriptor >= 0) same = one.descriptor == other.descriptor;
                if (same || (destination.is_file && one.name == other.name))
                    refuse(option, named(other.option) + " is written there");
            }
            all.push_back(std::move(one));
        }
    }
    check_streams(read, all);
    keep_standard_places();
}

void check_streams() {
    destination_of("-");
    keep_standard_places();
}

Output::Output(const std::string &path) : path_(path), destination_(destination_of(path)) {
    if (destination_.descriptor >= 0) {
        std::fflush(stdout);  // what was printed by other means comes before
        fd_ = destination_.descriptor;
    } else if (destination_.is_file) {
        open_beside();
    } else {
        open_special();
    }
    struct stat found;
    waits_ = fstat(fd_, &found) == 0 && !S_ISREG(found.st_mode);
    direct_ = fd_ == STDERR_FILENO || isatty(fd_) == 1;
}

// A FIFO's reader is waited for in steps: a signal that comes just before open() would be missed.
void Output::open_special() {
    int wait = fs::is_fifo(path_) ? O_NONBLOCK : 0;
    for (;;) {
        if (interrupted())
            throw Failure(interrupt_exit(), "ended by " + interrupt_name() + " while '" + path_ +
                                                "' waited for a reader; no row was read");
        fd_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | wait);
        if (fd_ >= 0) return;
        if (errno != EINTR && !(wait && errno == ENXIO)) fail(std::strerror(errno));
        poll(nullptr, 0, step_ms);
    }
}

// Holds the lock of the file that has the partial name at the end: who held it before may have renamed or removed it.
void Output::open_beside() {
    const std::string partial = partial_of(destination_);
    struct stat held, named;
    for (;;) {
        fd_ = open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fd_ < 0) fail("'" + partial + "': " + std::strerror(errno));
        if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
            int reason = errno;
            ::close(std::exchange(fd_, -1));
            fail(reason == EWOULDBLOCK ? "another run writes it" : std::string("no lock: ") + std::strerror(reason));
        }
        bool ours = fstat(fd_, &held) == 0 && stat(partial.c_str(), &named) == 0 && is_same(held, named);
        if (ours && (!S_ISREG(held.st_mode) || held.st_nlink == 1)) break;
        // A file that has another name too is not ours to write over.
        if (ours && unlink(partial.c_str()) != 0) {
            int reason = errno;
            ::close(std::exchange(fd_, -1));
            fail("'" + partial + "': " + std::strerror(reason));
        }
        ::close(std::exchange(fd_, -1));
    }
    bool ready = S_ISREG(held.st_mode) && ftruncate(fd_, 0) == 0;
    // Whoever may read what stood there may read what replaces it.
    if (ready && stat(destination_.path.c_str(), &named) == 0) ready = fchmod(fd_, named.st_mode & 0777) == 0;
    if (ready) return;
    int reason = S_ISREG(held.st_mode) ? errno : EEXIST;
    ::close(std::exchange(fd_, -1));
    fail("'" + partial + "': " + std::strerror(reason));
}

Output::~Output() {
    if (fd_ < 0 || destination_.descriptor >= 0) return;
    if (destination_.is_file) unlink(partial_of(destination_).c_str());
    ::close(fd_);
}

void Output::fail(const std::string &what) const {
    throw Failure(exit_failed, "'" + path_ + "' cannot be written: " + what);
}

void Output::write(std::string_view lines) {
    held_ += lines;
    if (direct_ || held_.size() >= held_bytes) flush();
}

// Whether the reader takes more. No signal ends a write() that it came just before, so nothing else waits.
bool Output::reader_takes() const {
    for (int left = patience_ms; left > 0; left -= interrupted() ? step_ms : 0) {
        struct pollfd one = {fd_, POLLOUT, 0};
        int ready = poll(&one, 1, step_ms);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // write() says what is wrong
    }
    return false;
}

// A pipe gets whole lines, as many as it takes at once, so that it can be left between two.
void Output::flush() {
    std::string_view rest = held_;
    while (!rest.empty() && !cut_) {
        std::string_view piece = rest.substr(0, waits_ ? pipe_bytes : rest.size());
        if (piece.size() < rest.size()) piece = piece.substr(0, piece.rfind('\n') + 1);
        if (piece.empty()) piece = rest.substr(0, pipe_bytes);
        if (waits_ && !reader_takes()) {
            cut_ = true;
            break;
        }
        ssize_t done = ::write(fd_, piece.data(), piece.size());
        if (done < 0 && (errno == EINTR || (waits_ && errno == EAGAIN))) continue;
        if (done < 0) fail(errno == EPIPE ? "its reader has closed it" : std::strerror(errno));
        rest.remove_prefix(static_cast<size_t>(done));
    }
    held_.clear();
}

void Output::finish() {
    if (fd_ < 0 || finished_) return;
    flush();
    // Some file systems have no sync; a full disk and a lost one show here.
    if (destination_.is_file && fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(std::strerror(errno));
    finished_ = true;
}

void Output::close() {
    if (fd_ < 0) return;
    finish();
    if (destination_.is_file && rename(partial_of(destination_).c_str(), destination_.path.c_str()) != 0) {
        std::string why = std::strerror(errno);
        destination_.is_file = false;  // what was written stays
        fail(why + "; '" + partial_of(destination_) + "' has it all");
    }
    int fd = std::exchange(fd_, -1);
    if (destination_.descriptor < 0 && ::close(fd) != 0) fail(std::strerror(errno));
}

}  // namespace weighbridge::cli
