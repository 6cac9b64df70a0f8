// SPDX-License-Identifier: Apache-2.0
// The directory of a bundle while it is replaced, and as mounts lay it out.
#include "bundle/bundle_directory.hpp"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "bundle/add_file.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

// Two versions of the example that differ in every file's size, in scratch/v1 and scratch/v2.
class Versions {
  public:
    Versions() {
        for (const char *name : {"v1", "v2"}) {
            Scratch made;
            Json manifest = example();
            manifest["identity"]["version"] = name;
            make_bundle(made, manifest);
            if (std::string(name) == "v2") {
                made.write("model.ts", "a module of another size");
                made.write("golden.jsonl", std::string(kGoldenLine) + std::string(kGoldenLine));
                seal(made, manifest);
            }
            fs::copy(made.path, scratch / name);
        }
    }
    // Points the link `current` at another version, as `ln -sfn` and mv do it.
    void point(const std::string &link, const std::string &version) const {
        fs::create_symlink(version, scratch / "next");
        fs::rename(scratch / "next", link);
    }
    Scratch scratch;
};

// A volume as kubelet's AtomicWriter lays it out: ..data -> ..2026_1, each file a link into ..data.
void make_volume(const std::string &volume, const std::string &from) {
    fs::create_directories(volume);
    fs::copy(from, volume + "/..2026_11_29_02_20_10.1");
    fs::create_symlink("..2026_11_29_02_20_10.1", volume + "/..data");
    for (const auto &entry : fs::directory_iterator(from)) {
        const std::string name = entry.path().filename().string();
        fs::create_symlink("..data/" + name, volume + "/" + name);
    }
}

std::string problem(const std::string &path, int32_t code = WB_INVALID_BUNDLE) {
    const auto bundle = open_full(path);
    REQUIRE_FALSE(bundle);
    CHECK(bundle.status().code == code);
    CHECK(std::strlen(bundle.status().message) < 255);
    return bundle.status().message;
}

}  // namespace

TEST_CASE("a link that flips between two versions gives one of them, whole, in thousands of loads", "[files]") {
    const Versions versions;
    const std::string current = versions.scratch / "current";
    versions.point(current, "v1");
    std::atomic<bool> done{false};
    std::thread flipping([&] {
        for (int i = 0; !done; ++i) versions.point(current, i % 2 ? "v1" : "v2");
    });
    std::map<std::string, int> seen;
    std::string refused;
    for (int i = 0; i < 3000 && refused.empty(); ++i) {
        const auto bundle = open_full(current);
        if (!bundle)
            refused = bundle.status().message;
        else
            ++seen[(*bundle)->manifest().identity.version];
    }
    done = true;
    flipping.join();
    CHECK(refused == "");
    CHECK(seen["v1"] > 0);
    CHECK(seen["v2"] > 0);
}

TEST_CASE("a Kubernetes volume is read through ..data, while it is updated too", "[files]") {
    const Versions versions;
    const std::string volume = versions.scratch / "volume";
    make_volume(volume, versions.scratch / "v1");
    REQUIRE(open_full(volume));
    fs::copy(versions.scratch / "v2", volume + "/..2026_11_29_02_21_11.2");
    std::atomic<bool> done{false};
    std::thread updating([&] {
        for (int i = 0; !done; ++i)
            versions.point(volume + "/..data", i % 2 ? "..2026_11_29_02_20_10.1" : "..2026_11_29_02_21_11.2");
    });
    std::string refused;
    for (int i = 0; i < 1000 && refused.empty(); ++i)
        if (const auto bundle = open_full(volume); !bundle) refused = bundle.status().message;
    done = true;
    updating.join();
    CHECK(refused == "");
}

TEST_CASE("..data leads nowhere but to a directory beside it", "[files]") {
    const Versions versions;
    const std::string volume = versions.scratch / "volume";
    fs::create_directories(volume);
    for (const char *target : {"../v1", "v1", "..", "/tmp", "..none"}) {
        INFO(target);
        fs::create_symlink(target, volume + "/..data");
        CHECK(problem(volume, WB_IO_ERROR).find("manifest.json: cannot open") != std::string::npos);
        fs::remove(volume + "/..data");
    }
}

TEST_CASE("names that mounts leave are passed over, and no others", "[files]") {
    Scratch dir;
    make_bundle(dir);
    fs::create_directory(dir / "lost+found");
    dir.write(".nfs00000000018c2a1500000001", "removed while it was open");
    CHECK(open_full(dir.path));
    dir.write(".nfs", "x");
    const std::string unlisted =
        "': expected only files that manifest.json lists, got one that it does not: take it away, or pack again";
    CHECK(problem(dir.path) == "'.nfs" + unlisted);
    fs::remove(dir / ".nfs");
    fs::remove(dir / "lost+found");
    dir.write("lost+found", "a file");
    CHECK(problem(dir.path) == "'lost+found" + unlisted);
}

TEST_CASE("a link inside a bundle is refused with what to do", "[files]") {
    for (const char *name : {"model.ts", "manifest.json", "golden.jsonl", "vocab.txt"}) {
        Scratch dir, elsewhere;
        make_bundle(dir);
        fs::rename(dir / name, elsewhere / name);
        fs::create_symlink(elsewhere / name, dir / name);
        CHECK(problem(dir.path) == std::string(name) +
                                       ": expected a regular file, got a symbolic link: copy the file here; only the "
                                       "directory as a whole may be reached through links");
    }
}

TEST_CASE("special files in the place of a bundle's are neither opened nor waited for", "[files]") {
    Scratch dir;
    make_bundle(dir);
    for (const char *name : {"golden.jsonl", "manifest.json"}) {
        fs::remove(dir / name);
        REQUIRE(::mkfifo((dir / name).c_str(), 0600) == 0);
        const std::string refused = "expected a regular file, got a special file";
        CHECK(cut(problem(dir.path), refused) == refused);
    }
}

TEST_CASE("a directory that is removed while it is read says so", "[files]") {
    Scratch dir;
    make_bundle(dir);
    const auto opened = DirectorySource::open_path(dir.path);
    REQUIRE(opened);
    fs::remove_all(dir.path);
    const auto bundle = Bundle::open(*opened, Bundle::Mode::full, Bundle::kAnyTime);
    REQUIRE_FALSE(bundle);
    CHECK(bundle.status().code == WB_IO_ERROR);
    const std::string wanted = "the directory was removed while it was read: load it again";
    CHECK(cut(bundle.status().message, wanted) == wanted);
}

TEST_CASE("a file that is rewritten while it is read is never taken for whole", "[files]") {
    Scratch dir;
    make_bundle(dir);
    const std::string right = dir.read("golden.jsonl"), wrong(right.size(), 'x');
    std::atomic<bool> done{false};
    std::thread writing([&] {
        for (int i = 0; !done; ++i) {
            std::fstream file(dir / "golden.jsonl", std::ios::in | std::ios::out | std::ios::binary);
            file << (i % 2 ? right : wrong);
        }
    });
    for (int i = 0; i < 500; ++i) {
        const auto bundle = open_full(dir.path);
        if (bundle) {
            CHECK(as_text(*(*bundle)->file("golden.jsonl")) == right);
            continue;
        }
        const std::string said = bundle.status().message;
        if (said.find("golden.jsonl: somebody wrote to it while it was read") != 0)
            CHECK(cut(said, "golden.jsonl: expected sha256").find("golden.jsonl: expected sha256") == 0);
    }
    done = true;
    writing.join();
}

TEST_CASE("a compiled plan goes into the directory that was read, whatever its path means by then", "[files]") {
    const Versions versions;
    const std::string current = versions.scratch / "current";
    versions.point(current, "v1");
    const auto opened = DirectorySource::open_path(current);
    REQUIRE(opened);
    versions.point(current, "v2");
    REQUIRE(add_file(opened->directory(), "model.plan", as_bytes("a plan")).ok());
    CHECK(fs::exists(versions.scratch / "v1/model.plan"));
    CHECK_FALSE(fs::exists(versions.scratch / "v2/model.plan"));
    CHECK(open_full(versions.scratch / "v1"));
}
