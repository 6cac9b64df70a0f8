// SPDX-License-Identifier: Apache-2.0
#include "torchscript/plugin_loader.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/environment.hpp"
#include "base/file.hpp"

namespace weighbridge::lib {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "libweighbridge_torch-";
constexpr std::string_view kSuffix = ".so";

template <class... Values>
Status unavailable(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_BACKEND_UNAVAILABLE, format, values...);
}

std::string text_of_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

// The text between the first `before` and the next `after`.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
    const size_t start = text.find(before);
    if (start == std::string_view::npos) return "";
    text.remove_prefix(start + before.size());
    const size_t end = text.find(after);
    return end == std::string_view::npos ? "" : std::string(text.substr(0, end));
}

// Parses the two numbers that "2.15..." begins with; `used` receives how many characters they take.
bool parse_minor(std::string_view text, std::pair<int, int> &number, size_t &used) {
    const char *const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, number.first);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return false;
    const auto minor = std::from_chars(major.ptr + 1, end, number.second);
    if (minor.ec != std::errc()) return false;
    used = static_cast<size_t>(minor.ptr - text.data());
    return true;
}

// "2.15" of ".../libweighbridge_torch-2.15.so".
std::string minor_of_file(const std::string &path) {
    const std::string name = fs::path(path).filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return "";
    const std::string_view middle =
        std::string_view(name).substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    const std::string minor = minor_of(middle);
    return minor == middle ? minor : "";
}

bool same_directory(const std::string &a, const std::string &b) {
    std::error_code ignored;
    return fs::equivalent(a, b, ignored);
}

// dlerror() without the file's own name in front, which every message here starts with, and with few words for the
// usual reason: a status holds 255 bytes, and what to do comes last.
std::string loader_error(const std::string &path) {
    constexpr std::string_view kAbsent = ": cannot open shared object file: No such file or directory";
    const char *text = dlerror();
    std::string_view reason = text ? text : "unknown reason";
    if (reason.starts_with(path) && reason.substr(path.size()).starts_with(": ")) reason.remove_prefix(path.size() + 2);
    if (!reason.ends_with(kAbsent)) return std::string(reason);
    return std::string(reason.substr(0, reason.size() - kAbsent.size())) + " is not found";
}

// Intel MKL, which LibTorch holds, asks for the working directory while it is mapped, and calls exit() where it gets
// none.
Status check_working_directory() {
    char path[PATH_MAX];
    if (::getcwd(path, sizeof path)) return {};
    return unavailable(
        "the working directory: {}; LibTorch ends the processes that load it so: go to a directory that exists",
        strerrordesc_np(errno));
}

// Maps a library for the rest of the process: LibTorch keeps threads' state and cannot be unloaded.
void *map_library(const std::string &path) { return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); }

Status map_libtorch(const std::string &directory) {
    for (const char *name : {"libc10.so", "libtorch_cpu.so"}) {
        const std::string path = directory + "/" + name;
        if (!map_library(path))
            return unavailable("{}: {}; name the lib directory of a complete LibTorch (option libtorch or {})", path,
                               loader_error(path), kLibtorchVariable);
    }
    return {};
}

// The LibTorch to open, by the order of open_plugin(); with an empty directory the plug-in's RUNPATH finds it.
Expected<LibTorch> choose_libtorch(const std::string &requested) {
    const std::string named = requested.empty() ? environment(kLibtorchVariable) : requested;
    const auto mapped = mapped_libtorch();
    if (!mapped) {
        if (named.empty()) return LibTorch{};
        if (!named.starts_with('/'))
            return unavailable("{}: expected the absolute path of LibTorch's lib directory; name it so", named);
        return LibTorch{named, libtorch_version(named)};
    }
    if (requested.empty() || same_directory(requested, mapped->directory)) return *mapped;
    const std::string version = libtorch_version(requested);
    if (!version.empty() && version == mapped->version) return *mapped;
    return unavailable(
        "{}: LibTorch {}, but LibTorch {} is loaded from {}; a process has one LibTorch: name that directory",
        requested, version.empty() ? "of unknown version" : version,
        mapped->version.empty() ? "of unknown version" : mapped->version, mapped->directory);
}

Expected<PluginFile> choose_plugin(const std::string &requested, const LibTorch &libtorch,
                                   const std::string &directory) {
    const std::string minor = minor_of(libtorch.version);
    PluginFile chosen;
    if (requested.empty()) {
        const auto found = plugins_in(directory);
        if (found.empty())
            return unavailable("{}: expected {}<minor>{}, found none; install the LibTorch plug-in or name its path",
                               directory, kPrefix, kSuffix);
        const auto match =
            std::find_if(found.begin(), found.end(), [&](const auto &one) { return one.minor == minor; });
        chosen = match == found.end() ? found.front() : *match;
    } else {
        if (!requested.starts_with('/'))
            return unavailable("{}: expected the absolute path of a plug-in; name it so", requested);
        chosen = {requested, minor_of_file(requested)};
    }
    if (!minor.empty() && !chosen.minor.empty() && chosen.minor != minor)
        return unavailable("{}: made for LibTorch {}, but {} has {}; install {}{}{} or use a LibTorch {}", chosen.path,
                           chosen.minor, libtorch.directory, libtorch.version, kPrefix, minor, kSuffix, chosen.minor);
    return chosen;
}

}  // namespace

std::string minor_of(std::string_view version) {
    std::pair<int, int> number;
    size_t used = 0;
    return parse_minor(version, number, used) ? std::string(version.substr(0, used)) : "";
}

std::string mapped_path(std::string_view maps, std::string_view library) {
    const std::string ending = "/" + std::string(library);
    while (!maps.empty()) {
        const std::string_view line = maps.substr(0, maps.find('\n'));
        maps.remove_prefix(std::min(maps.size(), line.size() + 1));
        // proc_pid_maps(5): address perms offset dev inode pathname; a file merely read has no 'x'.
        const size_t permissions = line.find(' ');
        const size_t path = line.find('/');
        if (permissions == std::string_view::npos || path == std::string_view::npos) continue;
        if (line.substr(permissions + 1, 4).find('x') == std::string_view::npos) continue;
        if (line.ends_with(ending)) return std::string(line.substr(path));
    }
    return "";
}

std::optional<LibTorch> mapped_libtorch() {
    const std::string path = mapped_path(text_of_file("/proc/self/maps"), "libtorch_cpu.so");
    if (path.empty()) return std::nullopt;
    const std::string directory = fs::path(path).parent_path().string();
    return LibTorch{directory, libtorch_version(directory)};
}

std::string libtorch_version(const std::string &directory) {
    const std::string root = fs::path(directory).parent_path().string();
    const std::string header = text_of_file(root + "/include/torch/headeronly/version.h");
    std::string version;
    for (const char *part : {"_MAJOR ", "_MINOR ", "_PATCH "}) {
        const std::string number = between(header, std::string("#define TORCH_VERSION") + part, "\n");
        if (number.empty()) break;
        version += (version.empty() ? "" : ".") + number;
    }
    if (!minor_of(version).empty()) return version;
    version = between(text_of_file(root + "/version.py"), "__version__ = '", "'");
    if (version.empty()) version = between(text_of_file(root + "/build-version") + "\n", "", "\n");
    if (minor_of(version).empty()) return "";
    return version.substr(0, version.find('+'));
}

std::vector<PluginFile> plugins_in(const std::string &directory) {
    std::vector<PluginFile> found;
    const auto names = list_directory(directory);
    if (!names) return found;
    for (const std::string &name : *names) {
        PluginFile file{directory + "/" + name, minor_of_file(name)};
        if (!file.minor.empty()) found.push_back(std::move(file));
    }
    std::sort(found.begin(), found.end(), [](const PluginFile &a, const PluginFile &b) {
        std::pair<int, int> left;
        std::pair<int, int> right;
        size_t used = 0;
        return parse_minor(a.minor, left, used) && parse_minor(b.minor, right, used) && left > right;
    });
    return found;
}

Expected<Plugin> open_plugin(const std::string &plugin, const std::string &libtorch,
                             const std::string &search_directory) {
    const auto torch = choose_libtorch(libtorch);
    if (!torch) return torch.status();
    const auto file = choose_plugin(plugin, *torch, search_directory);
    if (!file) return file.status();
    if (!mapped_libtorch())
        if (const Status there = check_working_directory(); !there.ok()) return there;
    if (!torch->directory.empty())
        if (const Status mapped = map_libtorch(torch->directory); !mapped.ok()) return mapped;

    void *handle = map_library(file->path);
    if (!handle)
        return unavailable("{}: {}; reinstall the plug-in, or name LibTorch's lib directory: option libtorch, or {}",
                           file->path, loader_error(file->path), kLibtorchVariable);
    const auto get = reinterpret_cast<wb_plugin_get_fn>(dlsym(handle, WB_PLUGIN_GET));
    if (!get)
        return unavailable("{}: has no " WB_PLUGIN_GET "; name a file called {}<minor>{}", file->path, kPrefix,
                           kSuffix);
    const wb_plugin_v1 *table = get(WB_PLUGIN_ABI);
    if (!table || table->abi != WB_PLUGIN_ABI || table->struct_size < sizeof(wb_plugin_v1))
        return unavailable("{}: expected plug-in ABI {}, found {}; install the plug-in of library version {}",
                           file->path, WB_PLUGIN_ABI, table ? std::to_string(table->abi) : "another",
                           WB_VERSION_STRING);
    const auto loaded = mapped_libtorch();
    if (loaded && !loaded->version.empty() && minor_of(loaded->version) != minor_of(table->torch_version))
        return unavailable("{}: made for LibTorch {}, but {} has {}; install the plug-in for it", file->path,
                           table->torch_version, loaded->directory, loaded->version);
    return Plugin{table, file->path};
}

}  // namespace weighbridge::lib
