// SPDX-License-Identifier: Apache-2.0
#include "isolation/import_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "isolation_support.hpp"
#include "support/elf_file.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// Counts what it is asked for.
class CountingImporter final : public Importer {
  public:
    Expected<Graph> import(std::shared_ptr<const Bytes>, const ImportRequest &, std::string &,
                           const StopSource &) override {
        ++imports;
        if (refuses) return Status::failure(WB_INVALID_BUNDLE, "model.ts: refused");
        return small_graph();
    }
    std::string identity() const override { return name; }
    int imports = 0;
    bool refuses = false;
    std::string name = "importer 1";
};

struct Cache {
    Cache() { REQUIRE(::mkdir(path.c_str(), 0700) == 0); }

    Expected<Graph> import(size_t module_bytes = 100, const ImportRequest &request = {}) {
        std::string report;
        return CachedImporter(importer, path).import(some_module(module_bytes), request, report, {});
    }
    std::vector<std::string> files() const { return *list_directory(path); }

    const ScratchDirectory scratch;
    const std::string path = scratch.path() + "/cache";
    CountingImporter importer;
};

}  // namespace

TEST_CASE("an import is kept by module, request and importer, and read back as it was") {
    Cache cache;
    const auto first = cache.import(), second = cache.import();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(write_graph(*first) == write_graph(*second));
    CHECK(cache.importer.imports == 1);
    CHECK(cache.import(101));
    CHECK(cache.importer.imports == 2);
    ImportRequest request;
    request.largest_length = 8;
    CHECK(cache.import(100, request));
    CHECK(cache.importer.imports == 3);
    cache.importer.name = "importer 2";
    CHECK(cache.import());
    CHECK(cache.importer.imports == 4);
    CHECK(cache.files().size() == 4);
    cache.importer.name = "";
    CHECK(cache.import());
    CHECK(cache.import());
    CHECK(cache.importer.imports == 6);
}

TEST_CASE(
    "an importer is another where LibTorch is, also one that the plug-in's RUNPATH finds; unknown, nothing is kept") {
    const ScratchDirectory folder;
    IsolationOptions options;
    options.plugin = folder.path() + "/plugin.so";
    const auto importer = make_isolated_importer(options);
    folder.write("plugin.so", elf_file(DT_RUNPATH, "/nowhere:$ORIGIN/torch/lib"));
    CHECK(importer->identity().empty());
    folder.write("torch/lib/libtorch_cpu.so", "1");
    folder.write("torch/version.py", "__version__ = '2.15.0'\n");
    const std::string first = importer->identity();
    CHECK(first.find("LibTorch 2.15.0\n") != std::string::npos);
    REQUIRE(std::filesystem::remove(folder.path() + "/torch/lib/libtorch_cpu.so"));
    folder.write("torch/lib/libtorch_cpu.so", "other");
    const std::string second = importer->identity();
    CHECK(second.find("LibTorch 2.15.0\n") != std::string::npos);
    CHECK(first != second);
    options.libtorch = folder.path() + "/torch/lib";
    CHECK(make_isolated_importer(options)->identity() == second);
}

TEST_CASE("a refusal is not kept") {
    Cache cache;
    cache.importer.refuses = true;
    CHECK_FALSE(cache.import());
    CHECK_FALSE(cache.import());
    CHECK(cache.importer.imports == 2);
    CHECK(cache.files().empty());
}

TEST_CASE("an entry that is changed anywhere, cut, or another's is imported anew and replaced") {
    Cache cache;
    REQUIRE(cache.import());
    const std::string file = cache.path + "/" + cache.files()[0];
    const Bytes whole = *read_file(file, 1 << 20);
    int imports = 1;
    const auto with = [&](ByteView bytes) {
        REQUIRE(::unlink(file.c_str()) == 0);
        REQUIRE(write_file(file, bytes).ok());
        REQUIRE(cache.import());
        REQUIRE(cache.importer.imports == ++imports);
        REQUIRE(*read_file(file, 1 << 20) == whole);
    };
    for (size_t at = 0; at < whole.size(); at += at < 72 ? 1 : 97) {
        if (at >= 72 && at < 128) continue;  // zeros that nobody reads
        Bytes other = whole;
        other[at] ^= std::byte{1};
        with(other);
    }
    with(ByteView(whole).first(whole.size() - 1));
    with(ByteView(whole).first(50));
    with({});
    REQUIRE(cache.import(101));
    ++imports;
    std::string neighbour;
    for (const std::string &name : cache.files())
        if (cache.path + "/" + name != file) neighbour = cache.path + "/" + name;
    with(*read_file(neighbour, 1 << 20));
}

TEST_CASE("a cache that is not this user's alone, or a link, is refused; one that cannot be written keeps nothing") {
    Cache cache;
    REQUIRE(::chmod(cache.path.c_str(), 0750) == 0);
    const Status open = cache.import().status();
    CHECK(open.code == WB_IO_ERROR);
    CHECK(std::string(open.message).find("with mode 700, found user") != std::string::npos);
    REQUIRE(::chmod(cache.path.c_str(), 0700) == 0);
    const std::string link = cache.scratch.path() + "/link";
    REQUIRE(::symlink(cache.path.c_str(), link.c_str()) == 0);
    std::string report;
    CHECK(CachedImporter(cache.importer, link).import(some_module(), {}, report, {}).status().code == WB_IO_ERROR);
    CHECK(cache.importer.imports == 0);
}

TEST_CASE("a cache that is not there yet is made, for this user alone") {
    Cache cache;
    REQUIRE(::rmdir(cache.path.c_str()) == 0);
    REQUIRE(cache.import());
    struct stat about {};
    REQUIRE(::stat(cache.path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    CHECK(cache.files().size() == 1);
}

TEST_CASE("the entries that were written last stay") {
    Cache cache;
    for (size_t bytes = 1; bytes <= 70; ++bytes) REQUIRE(cache.import(bytes));
    CHECK(cache.files().size() == 64);
    CHECK(cache.importer.imports == 70);
    REQUIRE(cache.import(70));
    CHECK(cache.importer.imports == 70);
    REQUIRE(cache.import(1));
    CHECK(cache.importer.imports == 71);
}

TEST_CASE("what a killed writer left is no entry, and is removed by a next one after an hour, whoever has its number") {
    Cache cache;
    const std::string one = cache.path + "/" + std::string(64, 'a') + ".graph.partial-";
    const std::string numbers[] = {"1", std::to_string(::getpid()), "1-1798000000000000000"};
    const auto age = [](const std::string &path, int64_t seconds) {
        timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - seconds, 0}};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    };
    for (const std::string &number : numbers) {
        REQUIRE(write_file(one + number, as_bytes("half")).ok());
        age(one + number, 3000);
    }
    REQUIRE(cache.import());
    CHECK(cache.files().size() == 4);
    for (const std::string &number : numbers) age(one + number, 4000);
    REQUIRE(cache.import(101));
    CHECK(cache.files().size() == 2);
}

TEST_CASE("files that are not the cache's stay, however many there are") {
    Cache cache;
    const std::vector<std::string> others = {"/mine.graph", "/notes.partial-999999999", "/abc.graph.partial-999999999",
                                             "/" + std::string(64, 'a') + ".graph.partial-mine"};
    const timespec old[2] = {{0, 0}, {0, 0}};
    for (const std::string &name : others) {
        REQUIRE(write_file(cache.path + name, as_bytes("a user's")).ok());
        REQUIRE(::utimensat(AT_FDCWD, (cache.path + name).c_str(), old, 0) == 0);
    }
    for (int i = 0; i < 70; ++i) REQUIRE(write_file(cache.path + "/" + std::to_string(i) + ".graph", {}).ok());
    REQUIRE(cache.import());
    CHECK(cache.files().size() == others.size() + 71);
}
