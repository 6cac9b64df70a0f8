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

}  // namespace

Expected<Directory> open_bundle_directory(const std::string &path) {
    auto opened = Directory::open(path);
    for (int attempt = 0; opened && attempt < kAttempts; ++attempt) {
        const std::string data = opened->link_target(kVolumeData);
        if (data.size() < 3 || !data.starts_with("..") || data.find('/') != std::string::npos) break;
        auto inner = opened->directory(data);
        if (inner) return inner;
    }
    return opened;
}

Expected<std::vector<std::string>> bundle_names(const Directory &directory) {
    auto names = directory.names();
    if (names) std::erase_if(*names, [&](const std::string &name) { return is_left_by_mount(directory, name); });
    return names;
}

Status check_bundle_file(const Directory &directory, const std::string &name) {
    switch (directory.entry(name).kind) {
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

}  // namespace weighbridge::lib
