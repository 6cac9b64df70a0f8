// SPDX-License-Identifier: Apache-2.0
#include "torchscript/plugin_loader.hpp"

#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/own_directory.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using weighbridge::test::ScratchDirectory;

namespace {

// fake_plugins/libfake_<variant>.so beside this program.
std::string fake(const std::string &variant) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/fake_plugins/libfake_" + variant +
           ".so";
}

// How opening failed.
std::string refusal(const std::string &plugin, const std::string &libtorch = "", const std::string &directory = "") {
    const auto opened = open_plugin(plugin, libtorch, directory);
    CHECK_FALSE(opened);
    CHECK(opened.status().code == WB_BACKEND_UNAVAILABLE);
    return opened.status().message;
}

bool starts(const std::string &text, const std::string &with) { return text.starts_with(with); }
bool holds(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

constexpr const char *kVersionHeader =
    "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define TORCH_VERSION_PATCH 1\n";

}  // namespace

TEST_CASE("a good plug-in opens, and again") {
    const auto first = open_plugin(fake("good"), "", "");
    INFO(first.status().message);
    REQUIRE(first);
    CHECK(first->path == fake("good"));
    CHECK(std::string(first->table->torch_version) == "2.15.0");
    const auto second = open_plugin(fake("good"), "", "");
    REQUIRE(second);
    CHECK(second->table == first->table);
}

TEST_CASE("in a working directory that is gone nothing is mapped, because LibTorch would end the process") {
    const int ended = weighbridge::test::in_child([] {
        const ScratchDirectory gone;
        std::filesystem::current_path(gone.path());
        std::filesystem::remove(gone.path());
        const auto opened = open_plugin(fake("good"), "", "");
        return !opened && starts(opened.status().message, "the working directory: No such file or directory; ") ? 0 : 1;
    });
    CHECK(ended == 0);
}

TEST_CASE("another ABI number is refused with both numbers") {
    const std::string message = refusal(fake("wrong_abi"));
    CHECK(starts(message, fake("wrong_abi") + ": expected plug-in ABI 6, found 7; "));
    CHECK(starts(refusal(fake("null")), fake("null") + ": expected plug-in ABI 6, found another; "));
}

TEST_CASE("a library that is no plug-in is refused") {
    CHECK(starts(refusal(fake("no_symbol")), fake("no_symbol") + ": has no wb_plugin_get; "));
}

TEST_CASE("a file that is no library is refused") {
    const ScratchDirectory directory;
    directory.write("libweighbridge_torch-2.15.so", "this is text, and longer than an ELF header has to be .........");
    const std::string path = directory.path() + "/libweighbridge_torch-2.15.so";
    for (const std::string &message : {refusal(path), refusal("", "", directory.path())}) {
        CHECK(starts(message, path + ": "));
        CHECK(holds(message, "; reinstall the plug-in"));
    }
    CHECK(starts(refusal("/nonexistent/plugin.so"), "/nonexistent/plugin.so: cannot open shared object file"));
}

TEST_CASE("paths must be absolute") {
    CHECK(starts(refusal("plugin.so"), "plugin.so: expected the absolute path of a plug-in; "));
    CHECK(starts(refusal("", "lib"), "lib: expected the absolute path of LibTorch's lib directory; "));
}

TEST_CASE("a folder without plug-ins is refused by name") {
    const ScratchDirectory directory;
    for (const std::string &where : {directory.path(), std::string("/nonexistent")})
        CHECK(starts(refusal("", "", where), where + ": expected libweighbridge_torch-<minor>.so, found none; "));
}

TEST_CASE("plug-ins are listed newest first, and only they") {
    const ScratchDirectory directory;
    for (const char *name :
         {"libweighbridge_torch-2.9.so", "libweighbridge_torch-2.15.so", "libweighbridge_torch-3.0.so",
          "libweighbridge_torch-.so", "libweighbridge_torch-2.15.so.bak", "libweighbridge_torch-2.so",
          "libweighbridge_torch_cuda-2.15.so", "libweighbridge_torch-2.15.1.so", "README"})
        directory.write(name, "x");
    std::string minors;
    for (const auto &file : plugins_in(directory.path())) minors += file.minor + " ";
    CHECK(minors == "3.0 2.15 2.9 ");
    CHECK(plugins_in("/nonexistent").empty());
}

TEST_CASE("the plug-in for the named LibTorch is taken, and there must be one") {
    const ScratchDirectory torch;
    torch.write("include/torch/headeronly/version.h", kVersionHeader);
    torch.write("lib/libc10.so", "no library");
    const ScratchDirectory plugins;
    plugins.write("libweighbridge_torch-2.15.so", "x");
    const std::string lib = torch.path() + "/lib";
    const std::string none = refusal("", lib, plugins.path());
    CHECK(starts(none, plugins.path() + "/libweighbridge_torch-2.15.so: made for LibTorch 2.15, but " + lib +
                           " has 2.11.1; install libweighbridge_torch-2.11.so"));
    CHECK(holds(refusal(plugins.path() + "/libweighbridge_torch-2.15.so", lib), "made for LibTorch 2.15"));
    plugins.write("libweighbridge_torch-2.11.so", "x");
    CHECK(starts(refusal("", lib, plugins.path()), lib + "/libc10.so: "));  // got as far as LibTorch itself
}

TEST_CASE("a folder that is no LibTorch is refused with what to do") {
    const ScratchDirectory empty;
    const std::string message = refusal(fake("good"), empty.path());
    CHECK(starts(message, empty.path() + "/libc10.so: cannot open shared object file"));
    CHECK(holds(message, "; name the lib directory of a complete LibTorch"));
}

TEST_CASE("LibTorch's version comes from the first file that has it") {
    const ScratchDirectory directory;
    const std::string lib = directory.path() + "/lib";
    directory.write("lib/x", "");
    CHECK(libtorch_version(lib).empty());
    directory.write("build-version", "2.12.0+cpu\n");
    CHECK(libtorch_version(lib) == "2.12.0");
    directory.write("version.py", "__all__ = []\n__version__ = '2.13.1+cu132'\ndebug = False\n");
    CHECK(libtorch_version(lib) == "2.13.1");
    directory.write("include/torch/headeronly/version.h", kVersionHeader);
    CHECK(libtorch_version(lib) == "2.11.1");
}

TEST_CASE("a version that is none is unknown") {
    const ScratchDirectory directory;
    directory.write("version.py", "__version__ = 'unknown'\n");
    directory.write("include/torch/headeronly/version.h", "#define TORCH_VERSION_MAJOR two\n");
    CHECK(libtorch_version(directory.path() + "/lib").empty());
}

TEST_CASE("the minor of a version") {
    CHECK(minor_of("2.15.0+cu132") == "2.15");
    CHECK(minor_of("2.15") == "2.15");
    for (const char *text : {"", "2", "2.", ".15", "x.y", "99999999999.1"}) CHECK(minor_of(text).empty());
}

TEST_CASE("a mapped library is found as code, by its whole name") {
    const std::string maps =
        "7f00-7f10 r--p 00000000 00:1f 12   /opt/read only/lib/libtorch_cpu.so\n"
        "7f20-7f30 r-xp 00000000 00:1f 13   /opt/a/libmytorch_cpu.so\n"
        "7f20-7f30 r-xp 00000000 00:1f 13   /opt/a/xlibtorch_cpu.so\n"
        "7f40-7f50 rw-p 00000000 00:00 0 \n"
        "7f40-7f50 rw-p 00000000 00:00 0    [heap]\n"
        "7f60-7f70 r-xp 00000000 00:1f 14   /opt/my torch/lib/libtorch_cpu.so\n";
    CHECK(mapped_path(maps, "libtorch_cpu.so") == "/opt/my torch/lib/libtorch_cpu.so");
    CHECK(mapped_path(maps, "libc10.so").empty());
    CHECK(mapped_path("", "libc10.so").empty());
    CHECK(mapped_path("\n\njunk\n", "libc10.so").empty());
    CHECK(mapped_path("7f r-xp 0 0 0 /a/libc10.so", "libc10.so") == "/a/libc10.so");  // no newline at the end
}

TEST_CASE("the folder of the library's other files is beside this program") {
    const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
    CHECK(own_directory() == std::filesystem::canonical(here).string() + "/weighbridge");
}
