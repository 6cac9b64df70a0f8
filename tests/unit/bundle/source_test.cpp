// SPDX-License-Identifier: Apache-2.0
// A bundle's two sources, and stops at each check point of reading one.
#include <set>

#include "bundle/add_file.hpp"
#include "bundle/bundle_directory.hpp"
#include "bundle/golden.hpp"
#include "bundle/memory_source.hpp"
#include "support/counting_clock.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
using weighbridge::test::CountingClock;
namespace fs = std::filesystem;

namespace {

FilesByName files_of(const Scratch &dir) {
    FilesByName files;
    const auto names = list_directory(dir.path);
    REQUIRE(names);
    for (const std::string &name : *names) files[name] = std::make_shared<const Bytes>(*read_file(dir / name, 1 << 28));
    return files;
}

std::string refusal(FilesByName files, int32_t code = WB_INVALID_BUNDLE) {
    const auto bundle = Bundle::open(MemorySource(std::move(files)), Bundle::Mode::full, Bundle::kAnyTime);
    REQUIRE_FALSE(bundle);
    CHECK(bundle.status().code == code);
    return bundle.status().message;
}

std::set<std::string> names_in(const Scratch &dir) {
    const auto names = list_directory(dir.path);
    return {names->begin(), names->end()};
}

}  // namespace

TEST_CASE("a bundle in memory is the bundle of the directory, and shares the source's bytes", "[source]") {
    Scratch dir;
    make_bundle(dir);
    const FilesByName files = files_of(dir);
    const auto from_disk = open_full(dir.path);
    const auto from_memory = Bundle::open(MemorySource(files), Bundle::Mode::full, Bundle::kAnyTime);
    REQUIRE(from_disk);
    INFO(from_memory.status().message);
    REQUIRE(from_memory);
    CHECK((*from_disk)->digest() == (*from_memory)->digest());
    CHECK((*from_disk)->schema()->digest() == (*from_memory)->schema()->digest());
    CHECK((*from_disk)->describe().lines() == (*from_memory)->describe().lines());
    for (const auto &[name, bytes] : files) CHECK((*from_memory)->file(name) == bytes.get());
    REQUIRE(Bundle::open(MemorySource(files), Bundle::Mode::draft));
}

TEST_CASE("what is wrong with a bundle in memory is told as of a directory", "[source]") {
    Scratch dir;
    make_bundle(dir);
    const FilesByName files = files_of(dir);
    for (const auto &[name, bytes] : files) {
        INFO(name);
        FilesByName less = files;
        less.erase(name);
        CHECK(refusal(less).starts_with(name + ": expected a file"));
        if (name == "manifest.json") continue;
        Bytes changed = *bytes;
        changed[changed.size() / 2] ^= std::byte{1};
        FilesByName wrong = files;
        wrong[name] = std::make_shared<const Bytes>(changed);
        CHECK(refusal(wrong).starts_with(name + ": expected sha256 "));
        changed.pop_back();
        wrong[name] = std::make_shared<const Bytes>(changed);
        CHECK(refusal(wrong).starts_with(name + ": expected " + std::to_string(bytes->size()) + " bytes, got "));
    }
    FilesByName more = files;
    more["more.bin"] = std::make_shared<const Bytes>();
    CHECK(refusal(more).starts_with("'more.bin': expected only files that manifest.json lists"));
    more = files;
    more["manifest.json"] = std::make_shared<const Bytes>(size_t{64} << 20);
    CHECK(refusal(more, WB_IO_ERROR).starts_with("manifest.json: expected at most "));
}

TEST_CASE("opening a bundle ends at each of its check points, and names the file", "[source][stop]") {
    Scratch dir;
    make_bundle(dir);
    dir.write("model.ts", std::string(size_t{9} << 20, 'x'));  // three pieces to read, three to hash
    seal(dir, example());
    const auto source = DirectorySource::open_path(dir.path);
    REQUIRE(source);
    CountingClock clock;
    std::map<std::string, int> seen;
    bool opened = false;
    for (int64_t n = 1; !opened; ++n) {
        REQUIRE(n < 1000);
        const auto bundle = Bundle::open(*source, Bundle::Mode::full, Bundle::kAnyTime, clock.stop_at(n));
        opened = bundle.ok();
        if (opened) break;
        CHECK(bundle.status().code == WB_DEADLINE_EXCEEDED);
        const std::string said = bundle.status().message;
        CHECK(said.find("the deadline passed while ") != std::string::npos);
        ++seen[said.substr(said.find_last_of('/') + 1)];
    }
    for (const char *name : {"golden.jsonl", "model.ts", "vocab.txt", "zones.json"}) {
        CHECK(seen[std::string(name) + ": the deadline passed while reading it"] >= 1);
        CHECK(seen[std::string(name) + ": the deadline passed while hashing it"] >= 1);
    }
    CHECK(seen["manifest.json: the deadline passed while reading it"] >= 1);
    CHECK(seen["model.ts: the deadline passed while reading it"] >= 3);
    CHECK(seen["model.ts: the deadline passed while hashing it"] == 3);

    CancelToken token;
    token.set(true);
    const auto cancelled = Bundle::open(*source, Bundle::Mode::full, Bundle::kAnyTime, {.cancel = &token});
    CHECK(cancelled.status().code == WB_CANCELLED);
    token.set(false);
    CHECK(Bundle::open(*source, Bundle::Mode::full, Bundle::kAnyTime, {.cancel = &token}));
}

TEST_CASE("golden vectors are read up to the line at which they are stopped", "[source][stop]") {
    Scratch dir;
    make_bundle(dir);
    dir.write("golden.jsonl", std::string(kGoldenLine) + std::string(kGoldenLine));
    seal(dir, example());
    const auto bundle = open_full(dir.path);
    REQUIRE(bundle);
    CountingClock clock;
    for (const std::string line : {"1", "2"}) {
        const auto golden = read_golden(**bundle, clock.stop_at(std::stoi(line)));
        CHECK(std::string(golden.status().message) ==
              "the deadline passed while reading line " + line + " of golden.jsonl");
    }
    CHECK(read_golden(**bundle, clock.stop_at(3)));
}

TEST_CASE("a file that is added is there whole or not at all, wherever that is stopped", "[source][stop]") {
    Scratch dir;
    make_bundle(dir);
    const auto source = DirectorySource::open_path(dir.path);
    REQUIRE(source);
    const std::string manifest = dir.read("manifest.json");
    const auto before = names_in(dir);
    const std::string content(size_t{9} << 20, 'p');
    CountingClock clock;
    int64_t stops = 0;
    for (int64_t n = 1;; ++n) {
        REQUIRE(n < 100);
        const Status status = add_file(source->directory(), "model.plan", as_bytes(content), clock.stop_at(n));
        if (status.ok()) break;
        CHECK(status.code == WB_DEADLINE_EXCEEDED);
        CHECK(names_in(dir) == before);
        CHECK(dir.read("manifest.json") == manifest);
        ++stops;
    }
    CHECK(stops == 7);  // three pieces to hash, three to write, and before it takes its place
    CHECK(dir.read("model.plan") == content);
    CHECK(open_full(dir.path));
}
