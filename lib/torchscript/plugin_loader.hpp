// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "torchscript/plugin_api.h"

namespace weighbridge::lib {

// The environment variable that names LibTorch's lib directory where no option does.
inline constexpr const char *kLibtorchVariable = "WEIGHBRIDGE_LIBTORCH";

// A copy of LibTorch.
struct LibTorch {
    std::string directory;  // its lib directory
    std::string version;    // "2.15.0"; "" where the files beside it do not say
};

// The copy of LibTorch whose code is mapped into this process, whichever library loaded it.
std::optional<LibTorch> mapped_libtorch();

// Where `library` is mapped as code, in the text of /proc/self/maps; "" for nowhere.
std::string mapped_path(std::string_view maps, std::string_view library);

// The version of the LibTorch that a lib directory belongs to: from ../include/torch/headeronly/version.h,
// ../version.py or ../build-version, whichever is there first.
std::string libtorch_version(const std::string &directory);

// "2.15" of "2.15.0+cu132"; "" where the text does not start with two numbers.
std::string minor_of(std::string_view version);

// A plug-in's file, by its name alone.
struct PluginFile {
    std::string path;
    std::string minor;  // "2.15"; "" where the name does not tell
};

// libweighbridge_torch-<minor>.so in a directory, newest first.
std::vector<PluginFile> plugins_in(const std::string &directory);

// An opened plug-in. It and LibTorch stay mapped until the process ends: LibTorch keeps thread-local state.
struct Plugin {
    const wb_plugin_v1 *table = nullptr;
    std::string path;
};

// Opens LibTorch (the mapped copy, else `libtorch`, else WEIGHBRIDGE_LIBTORCH, else what the plug-in's RUNPATH finds)
// and then the plug-in (`plugin`, else from `search_directory` the one for that LibTorch, else the newest). Both are
// absolute paths or "". Every failure is WB_BACKEND_UNAVAILABLE: "<file>: <what is wrong>; <what to do>".
Expected<Plugin> open_plugin(const std::string &plugin, const std::string &libtorch,
                             const std::string &search_directory);

}  // namespace weighbridge::lib
