// SPDX-License-Identifier: Apache-2.0
#include "base/own_directory.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace weighbridge::lib {

std::string own_directory() {
    namespace fs = std::filesystem;
    Dl_info where{};
    std::error_code failed;
    fs::path file;
    if (dladdr(reinterpret_cast<void *>(&own_directory), &where) && where.dli_fname) file = where.dli_fname;
    // In an executable the name is argv[0], which may be relative to a directory that is no longer the current one.
    if (!file.is_absolute()) file = fs::read_symlink("/proc/self/exe", failed);
    const fs::path real = fs::canonical(file, failed);
    return ((failed ? file : real).parent_path() / "weighbridge").string();
}

}  // namespace weighbridge::lib
