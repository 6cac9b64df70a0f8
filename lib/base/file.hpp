// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// Closes what it holds. -1 holds nothing.
class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor &&other) noexcept : fd_(other.release()) {}
    Descriptor &operator=(Descriptor &&) = delete;

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

// "path: attempt: the system's reason" for an errno: WB_OUT_OF_MEMORY for ENOMEM, else WB_IO_ERROR.
Status io_error(const std::string &path, std::string_view attempt, int reason);

// A regular file, open for reading; never mapped, for it may be truncated under us.
class File {
  public:
    // A name below an open directory, or a path below AT_FDCWD; `path` is what messages call it. WB_IO_ERROR where it
    // is no regular file; links are not followed.
    static Expected<File> open(int directory, const std::string &name, const std::string &path);

    uint64_t bytes() const { return static_cast<uint64_t>(opened_.st_size); }  // when it was opened
    // The whole of it. WB_IO_ERROR with path and the system's reason, or, where it is larger than limit_bytes, both
    // numbers; WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which is asked after each 4 MiB.
    Expected<Bytes> read(uint64_t limit_bytes, const StopSource &stop = {});
    // Whether somebody has written to it since it was opened.
    bool changed() const;

  private:
    File(Descriptor descriptor, const struct stat &opened, std::string path)
        : descriptor_(std::move(descriptor)), opened_(opened), path_(std::move(path)) {}

    Descriptor descriptor_;
    struct stat opened_;
    std::string path_;  // for messages
};

// A directory that was opened once: all that is done in it goes through its descriptor, whatever becomes of its path
// meanwhile.
class Directory {
  public:
    enum class Kind { none, file, directory, link, special };
    struct Entry {
        Kind kind = Kind::none;
        uint64_t bytes = 0;
        int64_t modified_ns = 0;  // since 1970-01-01 UTC
    };

    // Links in the path are followed. WB_IO_ERROR where there is none.
    static Expected<Directory> open(const std::string &path);

    // One that is this user's alone: no link, owned by the effective user, mode 0700 or less. WB_IO_ERROR says what was
    // found.
    static Expected<Directory> open_private(const std::string &path);

    const std::string &path() const { return path_; }
    // Whether it is in the file system no more.
    bool removed() const;
    // Names of its entries, sorted, without "." and "..".
    Expected<std::vector<std::string>> names() const;
    // What stands under a name; links are not followed. `none` also where it cannot be asked.
    Entry entry(const std::string &name) const;
    // Where a link leads; "" for what is no link.
    std::string link_target(const std::string &name) const;
    // What stands under a name, and is no link. WB_IO_ERROR.
    Expected<Directory> directory(const std::string &name) const;
    Expected<File> file(const std::string &name) const;
    Expected<Bytes> read(const std::string &name, uint64_t limit_bytes) const;
    // Puts a file there, or another in its place: writes and syncs it beside that, then renames. WB_IO_ERROR; where
    // `stop` says so before the file is whole, WB_CANCELLED, WB_DEADLINE_EXCEEDED; nothing is left behind, but where
    // the process is killed before the rename: a next replacement of the name removes that once it is abandoned.
    Status replace(const std::string &name, ByteView content, const StopSource &stop = {}) const;
    // Whether a partial name (partial_of) was left by a killed writer: nothing was written for an hour. Its number says
    // nothing to another container that has the same directory.
    bool is_abandoned(const std::string &partial) const;
    void remove(const std::string &name) const;  // a file that is there, and may be removed

  private:
    Directory(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

    Descriptor descriptor_;
    std::string path_;  // for messages
};

// Reads a whole regular file (opened once, O_NOFOLLOW | O_CLOEXEC). WB_IO_ERROR with path and the system's reason; not
// a regular file; larger than limit_bytes (both numbers).
Expected<Bytes> read_file(const std::string &path, uint64_t limit_bytes);

// Writes a new file and syncs it; an existing one is an error. WB_IO_ERROR with path and reason; nothing is left
// behind.
Status write_file(const std::string &path, ByteView content, mode_t mode = 0644);

// Names of a directory's entries, as Directory has them.
Expected<std::vector<std::string>> list_directory(const std::string &path);

// A path as messages show it: at most 120 bytes, cut at the front, control characters replaced.
std::string shown_path(const std::string &path);

}  // namespace weighbridge::lib
