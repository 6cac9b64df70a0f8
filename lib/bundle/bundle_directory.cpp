// SPDX-License-Identifier: Apache-2.0
#include "bundle/bundle_directory.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

constexpr const char *kVolumeData = "..data";  // kubelet's AtomicWriter: a link to a directory "..<time>" beside it
constexpr int kAttempts = 8;                   // of a volume that is updated between the two steps

bool is_left_by_mount(const Directory &directory, const std::string &name) {
    if (name == "lost+found") return directory.entry(name).kind == Directory::Kind::directory;  // mkfs.ext4
    const bool hex = name.size() > 4 && std::all_of(name.begin() + 4, name.end(), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
    return name.starts_with(".nfs") && hex;  // a file that was removed while somebody had it open
}

// What may not be read as a file of a bundle; WB_OK where nothing is there.
Status check_kind(Directory::Kind kind, const std::string &name) {
    switch (kind) {
        case Directory::Kind::link:
            return Status::failure(WB_INVALID_BUNDLE,
                                   "{}: expected a regular file, got a symbolic link: copy the file here; only the "
                                   "directory as a whole may be reached through links",
                                   name);
        case Directory::Kind::directory:
            return Status::failure(WB_INVALID_BUNDLE, "{}: expected a regular file, got a directory", name);
        case Directory::Kind::special:
            return Status::failure(WB_INVALID_BUNDLE, "{}: expected a regular file, got a special file", name);
        case Directory::Kind::file:
        case Directory::Kind::none:
            return {};
    }
    return {};
}

class FileOfDirectory final : public Source::File {
  public:
    explicit FileOfDirectory(lib::File file) : file_(std::move(file)) {}

    uint64_t bytes() const override { return file_.bytes(); }
    Expected<SharedBytes> read(uint64_t limit_bytes, const StopSource &stop) override {
        auto content = file_.read(limit_bytes, stop);
        if (!content) return content.status();
        return std::make_shared<const Bytes>(*std::move(content));
    }
    bool changed() const override { return file_.changed(); }

  private:
    lib::File file_;
};

}  // namespace

Expected<DirectorySource> DirectorySource::open_path(const std::string &path) {
    auto opened = Directory::open(path);
    for (int attempt = 0; opened && attempt < kAttempts; ++attempt) {
        const std::string data = opened->link_target(kVolumeData);
        if (data.size() < 3 || !data.starts_with("..") || data.find('/') != std::string::npos) break;
        auto inner = opened->directory(data);
        if (inner) return DirectorySource(*std::move(inner));
    }
    if (!opened) return opened.status();
    return DirectorySource(*std::move(opened));
}

Expected<std::vector<std::string>> DirectorySource::names() const {
    auto names = directory_.names();
    if (names) std::erase_if(*names, [&](const std::string &name) { return is_left_by_mount(directory_, name); });
    return names;
}

Expected<std::unique_ptr<Source::File>> DirectorySource::open(const std::string &name) const {
    if (Status status = check_kind(directory_.entry(name).kind, name); !status.ok()) return status;
    auto file = directory_.file(name);
    if (!file) return file.status();
    return std::unique_ptr<File>(std::make_unique<FileOfDirectory>(*std::move(file)));
}

}  // namespace weighbridge::lib
