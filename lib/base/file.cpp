// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <memory>
#include <system_error>

#include "base/partial_name.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kShownPath = 120;        // leaves half of a 255 byte message to the reason
constexpr size_t kBytesAtOnce = 4 << 20;  // 40 ms on a disk of 100 MB/s
constexpr int64_t kAbandoned_ns = 3'600'000'000'000;

bool has_nul(const std::string &path) { return path.find('\0') != std::string::npos; }

int open_retrying(int directory, const std::string &name, int flags, mode_t mode = 0) {
    int fd;
    do fd = ::openat(directory, name.c_str(), flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

std::string_view kind_name(mode_t mode) {
    return S_ISDIR(mode) ? "a directory" : S_ISLNK(mode) ? "a symbolic link" : "a special file";
}

Status no_regular_file(const std::string &path, mode_t mode) {
    return Status::failure(WB_IO_ERROR, "{}: expected a regular file, got {}", shown_path(path), kind_name(mode));
}

// While one is there, a write beyond RLIMIT_FSIZE fails, as others do, and its SIGXFSZ does not end the host.
class FileSizeSignal {
  public:
    FileSizeSignal() {
        ::sigemptyset(&signal_);
        ::sigaddset(&signal_, SIGXFSZ);
        ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
    }
    ~FileSizeSignal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    FileSizeSignal(const FileSizeSignal &) = delete;
    FileSizeSignal &operator=(const FileSizeSignal &) = delete;

    // Takes the signal of a write that failed with EFBIG from this thread.
    void take() const {
        const struct timespec at_once {};
        ::sigtimedwait(&signal_, nullptr, &at_once);
    }

  private:
    sigset_t signal_, before_;
};

Status write_all(int fd, const std::string &path, ByteView content, const StopSource &stop) {
    const FileSizeSignal held;
    while (!content.empty()) {
        if (Status status = stop.check("writing {}", shown_path(path)); !status.ok()) return status;
        ssize_t done = ::write(fd, content.data(), std::min(content.size(), kBytesAtOnce));
        if (done < 0 && errno == EINTR) continue;
        if (const int reason = errno; done < 0) {
            if (reason == EFBIG) held.take();
            return io_error(path, "cannot write", reason);
        }
        content = content.subspan(static_cast<size_t>(done));
    }
    if (::fsync(fd) != 0) return io_error(path, "cannot sync", errno);
    return stop.check("writing {}", shown_path(path));
}

Status create_file(int directory, const std::string &name, const std::string &path, ByteView content,
                   const StopSource &stop = {}, mode_t mode = 0644) {
    if (has_nul(name)) return io_error(path, "cannot create", EINVAL);
    Descriptor file(open_retrying(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    if (file.get() < 0) return io_error(path, "cannot create", errno);
    Status status = write_all(file.get(), path, content, stop);
    if (::close(file.release()) != 0 && status.ok()) status = io_error(path, "cannot close", errno);
    if (!status.ok()) ::unlinkat(directory, name.c_str(), 0);
    return status;
}

// The same by a file that has no name until it is whole (O_TMPFILE), so that a process that is killed leaves nothing;
// where the file system or /proc cannot do that, by create_file().
Status create_whole(int directory, const std::string &name, const std::string &path, ByteView content,
                    const StopSource &stop) {
    const Descriptor file(has_nul(name) ? -1 : open_retrying(directory, ".", O_WRONLY | O_TMPFILE, 0644));
    const std::string unnamed = formatted("/proc/self/fd/{}", file.get());
    if (file.get() < 0 || ::access(unnamed.c_str(), F_OK) != 0)
        return create_file(directory, name, path, content, stop);
    if (Status status = write_all(file.get(), path, content, stop); !status.ok()) return status;
    if (::linkat(AT_FDCWD, unnamed.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
    if (errno == EEXIST) return io_error(path, "cannot create", errno);
    return create_file(directory, name, path, content, stop);
}

bool same_moment(const struct timespec &a, const struct timespec &b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Status io_error(const std::string &path, std::string_view attempt, int reason) {
    return Status::failure(reason == ENOMEM ? WB_OUT_OF_MEMORY : WB_IO_ERROR, "{}: {}: {}", shown_path(path), attempt,
                           std::generic_category().message(reason));
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

std::string shown_path(const std::string &path) {
    std::string shown = path;
    if (shown.size() > kShownPath) {
        size_t start = shown.size() - (kShownPath - 3);
        while (start < shown.size() && (static_cast<unsigned char>(shown[start]) & 0xC0) == 0x80) ++start;
        shown = "..." + shown.substr(start);
    }
    for (char &c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return shown;
}

Expected<File> File::open(int directory, const std::string &name, const std::string &path) {
    if (has_nul(name)) return io_error(path, "cannot open", EINVAL);
    // Asked for before the open, which is no harmless thing to do with a device, and again after it.
    struct stat about;
    if (::fstatat(directory, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
        return io_error(path, "cannot open", errno);
    if (!S_ISREG(about.st_mode)) return no_regular_file(path, about.st_mode);
    // O_NONBLOCK: a FIFO in a regular file's place must not block the open.
    Descriptor file(open_retrying(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (file.get() < 0 && errno == ELOOP) return no_regular_file(path, S_IFLNK);
    if (file.get() < 0) return io_error(path, "cannot open", errno);
    if (::fstat(file.get(), &about) != 0) return io_error(path, "cannot stat", errno);
    if (!S_ISREG(about.st_mode)) return no_regular_file(path, about.st_mode);
    return File(std::move(file), about, path);
}

Expected<Bytes> File::read(uint64_t limit_bytes, const StopSource &stop) {
    if (bytes() > limit_bytes)
        return Status::failure(WB_IO_ERROR, "{}: expected at most {} bytes, got {}", shown_path(path_), limit_bytes,
                               bytes());
    // One byte more than announced, so that the end is seen without growing. The announced size is only a hint: the
    // file may change while it is read, and /proc announces 0. Memory is touched as it is filled.
    Bytes content;
    content.reserve(static_cast<size_t>(bytes()) + 1);
    size_t used = 0;
    while (true) {
        if (used > limit_bytes)
            return Status::failure(WB_IO_ERROR, "{}: expected at most {} bytes, got more", shown_path(path_),
                                   limit_bytes);
        if (Status status = stop.check("reading it"); !status.ok())
            return Status::failure(status.code, "{}: {}", shown_path(path_), status.message);
        if (used == content.capacity()) content.reserve(2 * used + 4096);
        if (used == content.size()) content.resize(std::min(content.capacity(), used + kBytesAtOnce));
        ssize_t got = ::read(descriptor_.get(), content.data() + used, content.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error(path_, "cannot read", errno);
        if (got == 0) break;
        used += static_cast<size_t>(got);
    }
    content.resize(used);
    return content;
}

bool File::changed() const {
    struct stat now;
    return ::fstat(descriptor_.get(), &now) != 0 || now.st_size != opened_.st_size ||
           !same_moment(now.st_mtim, opened_.st_mtim);
}

Expected<Directory> Directory::open(const std::string &path) {
    if (path.empty()) return Status::failure(WB_IO_ERROR, "path: cannot open as a directory: it is empty");
    if (has_nul(path)) return io_error(path, "cannot open", EINVAL);
    Descriptor directory(open_retrying(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
    if (directory.get() < 0) return io_error(path, "cannot open as a directory", errno);
    return Directory(std::move(directory), path);
}

Expected<Directory> Directory::open_private(const std::string &path) {
    if (path.empty() || has_nul(path)) return io_error(path, "cannot open as a directory", EINVAL);
    Descriptor directory(open_retrying(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK));
    if (directory.get() < 0) return io_error(path, "cannot open as a directory that is no link", errno);
    struct stat about;
    if (::fstat(directory.get(), &about) != 0) return io_error(path, "cannot stat", errno);
    if (about.st_uid != ::geteuid() || (about.st_mode & 077) != 0)
        return Status::failure(WB_IO_ERROR,
                               "{}: expected a directory of user {} with mode 700, found user {}, mode {}{}{}",
                               shown_path(path), ::geteuid(), about.st_uid, about.st_mode >> 6 & 7,
                               about.st_mode >> 3 & 7, about.st_mode & 7);
    return Directory(std::move(directory), path);
}

bool Directory::removed() const {
    struct stat about;
    return ::fstat(descriptor_.get(), &about) == 0 && about.st_nlink == 0;
}

Expected<std::vector<std::string>> Directory::names() const {
    // A descriptor of its own: a stream closes it, and moves its place in the listing.
    Descriptor listing(open_retrying(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY));
    if (listing.get() < 0) return io_error(path_, "cannot list", errno);
    std::unique_ptr<DIR, int (*)(DIR *)> stream(::fdopendir(listing.get()), &::closedir);
    if (!stream) return io_error(path_, "cannot list", errno);
    listing.release();

    std::vector<std::string> names;
    while (true) {
        errno = 0;
        const dirent *entry = ::readdir(stream.get());
        if (!entry) break;
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return io_error(path_, "cannot list", errno);
    std::sort(names.begin(), names.end());
    return names;
}

Directory::Entry Directory::entry(const std::string &name) const {
    struct stat about;
    if (has_nul(name) || ::fstatat(descriptor_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) return {};
    const Kind kind = S_ISREG(about.st_mode)   ? Kind::file
                      : S_ISDIR(about.st_mode) ? Kind::directory
                      : S_ISLNK(about.st_mode) ? Kind::link
                                               : Kind::special;
    return {kind, static_cast<uint64_t>(about.st_size),
            int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec};
}

std::string Directory::link_target(const std::string &name) const {
    char target[PATH_MAX];
    const ssize_t size = has_nul(name) ? -1 : ::readlinkat(descriptor_.get(), name.c_str(), target, sizeof target);
    return size < 0 ? std::string() : std::string(target, static_cast<size_t>(size));
}

Expected<Directory> Directory::directory(const std::string &name) const {
    std::string path = path_ + "/" + name;
    if (has_nul(name)) return io_error(path, "cannot open", EINVAL);
    Descriptor below(open_retrying(descriptor_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK));
    if (below.get() < 0) return io_error(path, "cannot open as a directory", errno);
    return Directory(std::move(below), std::move(path));
}

Expected<File> Directory::file(const std::string &name) const {
    return File::open(descriptor_.get(), name, path_ + "/" + name);
}

Expected<Bytes> Directory::read(const std::string &name, uint64_t limit_bytes) const {
    auto opened = file(name);
    return opened ? opened->read(limit_bytes) : opened.status();
}

Status Directory::replace(const std::string &name, ByteView content, const StopSource &stop) const {
    const std::string partial = partial_name(name);
    const std::string path = path_ + "/" + name;
    if (Status status = create_whole(descriptor_.get(), partial, path_ + "/" + partial, content, stop); !status.ok())
        return status;
    if (::renameat(descriptor_.get(), partial.c_str(), descriptor_.get(), name.c_str()) != 0) {
        const int reason = errno;
        remove(partial);
        return io_error(path, "cannot replace", reason);
    }
    const auto others = names();
    for (size_t i = 0; others && i < others->size(); ++i)
        if (const std::string &other = (*others)[i]; partial_of(other) == name && is_abandoned(other)) remove(other);
    return {};
}

bool Directory::is_abandoned(const std::string &partial) const {
    const Entry found = entry(partial);
    struct timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const int64_t now_ns = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    return found.kind == Kind::file && found.modified_ns < now_ns - kAbandoned_ns;
}

void Directory::remove(const std::string &name) const { ::unlinkat(descriptor_.get(), name.c_str(), 0); }

Expected<Bytes> read_file(const std::string &path, uint64_t limit_bytes) {
    auto opened = File::open(AT_FDCWD, path, path);
    return opened ? opened->read(limit_bytes) : opened.status();
}

Status write_file(const std::string &path, ByteView content, mode_t mode) {
    return create_file(AT_FDCWD, path, path, content, {}, mode);
}

Expected<std::vector<std::string>> list_directory(const std::string &path) {
    auto directory = Directory::open(path);
    return directory ? directory->names() : directory.status();
}

}  // namespace weighbridge::lib
