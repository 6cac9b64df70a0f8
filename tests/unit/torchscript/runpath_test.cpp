// SPDX-License-Identifier: Apache-2.0
#include "torchscript/runpath.hpp"

#include "support/catch.hpp"
#include "support/elf_file.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
using Paths = std::vector<std::string>;

TEST_CASE("a library's RUNPATH is read, or its RPATH, with its own folder filled in") {
    const ScratchDirectory folder;
    const std::string file = folder.path() + "/libp.so";
    const auto paths = [&](int64_t tag, std::string_view list) {
        std::filesystem::remove(file);
        folder.write("libp.so", elf_file(tag, list));
        return runpath_of(file);
    };
    CHECK(paths(DT_RUNPATH, "/opt/torch/lib:$ORIGIN/../lib::${ORIGIN}") ==
          Paths{"/opt/torch/lib", folder.path() + "/../lib", folder.path()});
    CHECK(paths(DT_RPATH, "/opt/torch/lib") == Paths{"/opt/torch/lib"});
    CHECK(paths(DT_SONAME, "/opt/torch/lib").empty());
    CHECK(runpath_of(folder.path() + "/none.so").empty());
}

TEST_CASE("a file that is cut or damaged anywhere names at most other folders") {
    const ScratchDirectory folder;
    const std::string whole = elf_file(DT_RUNPATH, "/opt/torch/lib"), file = folder.path() + "/libp.so";
    const auto read = [&](std::string_view bytes) {
        std::filesystem::remove(file);
        folder.write("libp.so", bytes);
        return runpath_of(file);
    };
    for (size_t size = 0; size < whole.size(); ++size) CHECK(read(std::string_view(whole).substr(0, size)).size() <= 1);
    for (size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = at % 2 ? '\xff' : '\0';
        CHECK(read(damaged).size() <= 16);
    }
    CHECK(read("\x7f"
               "ELF")
              .empty());
}
