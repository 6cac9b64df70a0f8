// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace weighbridge::lib {
namespace {

constexpr size_t kShownPath = 120;         // leaves half of a 255 byte message to the reason
constexpr size_t kReadAtOnce = 256 << 20;  // Linux cuts a read at 2 GiB - 4 KiB

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

Status io_error(const std::string &path, std::string_view attempt, int reason) {
    return Status::failure(WB_IO_ERROR, "{}: {}: {}", shown_path(path), attempt,
                           std::generic_category().message(reason));
}

bool has_nul(const std::string &path) { return path.find('\0') != std::string::npos; }

int open_retrying(const std::string &path, int flags, mode_t mode = 0) {
    int fd;
    do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

Status write_all(int fd, const std::string &path, ByteView content) {
    while (!content.empty()) {
        ssize_t done = ::write(fd, content.data(), std::min(content.size(), kReadAtOnce));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return io_error(path, "cannot write", errno);
        content = content.subspan(static_cast<size_t>(done));
    }
    return ::fsync(fd) == 0 ? Status{} : io_error(path, "cannot sync", errno);
}

}  // namespace

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

Expected<Bytes> read_file(const std::string &path, uint64_t limit_bytes) {
    if (has_nul(path)) return io_error(path, "cannot open", EINVAL);
    // O_NONBLOCK: a FIFO in a regular file's place must not block the open.
    Descriptor file(open_retrying(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (file.get() < 0 && errno == ELOOP)
        return Status::failure(WB_IO_ERROR, "{}: expected a regular file, got a symbolic link", shown_path(path));
    if (file.get() < 0) return io_error(path, "cannot open", errno);

    struct stat about;
    if (::fstat(file.get(), &about) != 0) return io_error(path, "cannot stat", errno);
    if (!S_ISREG(about.st_mode))
        return Status::failure(WB_IO_ERROR, "{}: expected a regular file, got {}", shown_path(path),
                               S_ISDIR(about.st_mode) ? "a directory" : "a special file");
    const auto announced = static_cast<uint64_t>(about.st_size);
    if (announced > limit_bytes)
        return Status::failure(WB_IO_ERROR, "{}: expected at most {} bytes, got {}", shown_path(path), limit_bytes,
                               announced);

    // One byte more than announced, so that the end is seen without growing. The announced size is only a hint: the
    // file may change while it is read, and /proc announces 0.
    Bytes content(static_cast<size_t>(announced) + 1);
    size_t used = 0;
    while (true) {
        if (used > limit_bytes)
            return Status::failure(WB_IO_ERROR, "{}: expected at most {} bytes, got more", shown_path(path),
                                   limit_bytes);
        if (used == content.size()) content.resize(content.size() + std::max<size_t>(content.size(), 4096));
        ssize_t got = ::read(file.get(), content.data() + used, std::min(content.size() - used, kReadAtOnce));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error(path, "cannot read", errno);
        if (got == 0) break;
        used += static_cast<size_t>(got);
    }
    content.resize(used);
    return content;
}

Status write_file(const std::string &path, ByteView content) {
    if (has_nul(path)) return io_error(path, "cannot create", EINVAL);
    Descriptor file(open_retrying(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    if (file.get() < 0) return io_error(path, "cannot create", errno);
    Status status = write_all(file.get(), path, content);
    if (::close(file.release()) != 0 && status.ok()) status = io_error(path, "cannot close", errno);
    if (!status.ok()) ::unlink(path.c_str());
    return status;
}

Expected<std::vector<std::string>> list_directory(const std::string &path) {
    if (has_nul(path)) return io_error(path, "cannot open", EINVAL);
    Descriptor directory(open_retrying(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
    if (directory.get() < 0) return io_error(path, "cannot open as a directory", errno);
    std::unique_ptr<DIR, int (*)(DIR *)> stream(::fdopendir(directory.get()), &::closedir);
    if (!stream) return io_error(path, "cannot list", errno);
    directory.release();

    std::vector<std::string> names;
    while (true) {
        errno = 0;
        const dirent *entry = ::readdir(stream.get());
        if (!entry) break;
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return io_error(path, "cannot list", errno);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace weighbridge::lib
