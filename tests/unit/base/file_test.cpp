// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "base/partial_name.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace weighbridge::lib;
namespace fs = std::filesystem;

namespace {
// `part` where `text` holds it, else the whole text, so that a failing check shows it.
std::string cut(std::string_view text, std::string_view part) {
    return std::string(text.find(part) == std::string_view::npos ? text : part);
}

struct Scratch {
    std::string path;
    Scratch() {
        std::string form = (fs::temp_directory_path() / "wb-file-XXXXXX").string();
        REQUIRE(::mkdtemp(form.data()));
        path = form;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    std::string operator/(const std::string &name) const { return path + "/" + name; }
};
}  // namespace

TEST_CASE("a written file reads back the same") {
    Scratch dir;
    std::string content("a\0b\n", 4);
    REQUIRE(write_file(dir / "f", as_bytes(content)).ok());
    auto back = read_file(dir / "f", 4);
    REQUIRE(back);
    CHECK(as_text(*back) == content);
}

TEST_CASE("an empty file is empty") {
    Scratch dir;
    REQUIRE(write_file(dir / "f", {}).ok());
    auto back = read_file(dir / "f", 0);
    REQUIRE(back);
    CHECK(back->empty());
}

TEST_CASE("write_file does not overwrite") {
    Scratch dir;
    REQUIRE(write_file(dir / "f", as_bytes("old")).ok());
    Status status = write_file(dir / "f", as_bytes("new"));
    CHECK(status.code == WB_IO_ERROR);
    CHECK(cut(status.message, "/f: cannot create: File exists") == "/f: cannot create: File exists");
    CHECK(as_text(*read_file(dir / "f", 10)) == "old");
}

TEST_CASE("read_file names what is wrong") {
    Scratch dir;
    auto message = [&](const std::string &path, uint64_t limit) {
        auto got = read_file(path, limit);
        REQUIRE_FALSE(got);
        CHECK(got.status().code == WB_IO_ERROR);
        return std::string(got.status().message);
    };
    SECTION("missing") {
        CHECK(cut(message(dir / "none", 9), "/none: cannot open: No such file") == "/none: cannot open: No such file");
    }
    SECTION("too large") {
        REQUIRE(write_file(dir / "f", as_bytes("12345")).ok());
        CHECK(cut(message(dir / "f", 4), "expected at most 4 bytes, got 5") == "expected at most 4 bytes, got 5");
    }
    SECTION("a directory") {
        CHECK(cut(message(dir.path, 9), "expected a regular file, got a directory") ==
              "expected a regular file, got a directory");
    }
    SECTION("a symbolic link") {
        REQUIRE(write_file(dir / "f", as_bytes("x")).ok());
        fs::create_symlink(dir / "f", dir / "link");
        CHECK(cut(message(dir / "link", 9), "got a symbolic link") == "got a symbolic link");
    }
    SECTION("a FIFO does not block") {
        REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
        CHECK(cut(message(dir / "fifo", 9), "got a special file") == "got a special file");
    }
    SECTION("a path with a NUL byte") {
        CHECK(cut(message(std::string("a\0b", 3), 9), "a?b: cannot open: Invalid argument") ==
              "a?b: cannot open: Invalid argument");
    }
}

TEST_CASE("an empty path is told as that") {
    CHECK(std::string(Directory::open("").status().message) == "path: cannot open as a directory: it is empty");
    CHECK(Directory::open("").status().code == WB_IO_ERROR);
}

TEST_CASE("a file that announces no size is read to its end, within the limit") {
    auto status = read_file("/proc/self/status", 1 << 16);
    REQUIRE(status);
    CHECK(status->size() > 100);
    CHECK_FALSE(read_file("/proc/self/status", 16));
}

TEST_CASE("a file knows whether somebody wrote to it since it was opened") {
    Scratch dir;
    REQUIRE(write_file(dir / "f", as_bytes("12345")).ok());
    auto directory = Directory::open(dir.path);
    REQUIRE(directory);
    auto file = directory->file("f");
    REQUIRE(file);
    CHECK(file->bytes() == 5);
    CHECK_FALSE(file->changed());
    fs::resize_file(dir / "f", 4);
    CHECK(file->changed());
    CHECK(as_text(*file->read(9)) == "1234");
}

TEST_CASE("a directory stays what it was opened as") {
    Scratch dir;
    for (const char *name : {"a", "b"}) {
        fs::create_directory(dir / name);
        REQUIRE(write_file(dir / name + "/f", as_bytes(name)).ok());
    }
    fs::create_directory_symlink("a", dir / "current");
    auto directory = Directory::open(dir / "current");
    REQUIRE(directory);
    fs::remove(dir / "current");
    fs::create_directory_symlink("b", dir / "current");
    CHECK(as_text(*directory->read("f", 9)) == "a");
    CHECK(*directory->names() == std::vector<std::string>{"f"});
    REQUIRE(directory->replace("g", as_bytes("new")).ok());
    REQUIRE(directory->replace("g", as_bytes("newer")).ok());
    CHECK(*list_directory(dir / "a") == std::vector<std::string>{"f", "g"});
    CHECK(as_text(*read_file(dir / "a/g", 9)) == "newer");
    CHECK(directory->entry("g").kind == Directory::Kind::file);
    CHECK(directory->entry("none").kind == Directory::Kind::none);
    CHECK_FALSE(directory->removed());
    fs::remove_all(dir / "a");
    CHECK(directory->removed());
}

TEST_CASE("list_directory sorts and leaves the dots out") {
    Scratch dir;
    for (const char *name : {"b", "a", ".hidden"}) REQUIRE(write_file(dir / name, {}).ok());
    auto names = list_directory(dir.path);
    REQUIRE(names);
    CHECK(*names == std::vector<std::string>{".hidden", "a", "b"});
}

TEST_CASE("list_directory refuses what is no directory") {
    Scratch dir;
    REQUIRE(write_file(dir / "f", {}).ok());
    auto names = list_directory(dir / "f");
    REQUIRE_FALSE(names);
    CHECK(names.status().code == WB_IO_ERROR);
    CHECK(cut(names.status().message, "/f: cannot open as a directory: Not a directory") ==
          "/f: cannot open as a directory: Not a directory");
}

TEST_CASE("a long path keeps its end in a message") {
    std::string shown = shown_path(std::string(500, 'x') + "/model.ts");
    CHECK(shown.size() <= 120);
    CHECK(shown.substr(0, 4) == "...x");
    CHECK(cut(shown, "/model.ts") == "/model.ts");
    CHECK(shown_path("a\nb") == "a?b");
}

TEST_CASE("a replaced file is whole or what it was, and nothing else is left beside it") {
    const Scratch dir;
    const auto directory = Directory::open(dir.path);
    REQUIRE(directory);
    REQUIRE(directory->replace("f", as_bytes("first")).ok());
    REQUIRE(directory->replace("f", as_bytes("second")).ok());
    CHECK(as_text(*directory->read("f", 10)) == "second");
    CancelToken stopped;
    stopped.set(true);
    CHECK(directory->replace("f", as_bytes("third"), {nullptr, &stopped}).code == WB_CANCELLED);
    CHECK(as_text(*directory->read("f", 10)) == "second");
    CHECK(directory->names()->size() == 1);
    REQUIRE(fs::create_directory(dir / "d"));
    CHECK(directory->replace("d", as_bytes("fourth")).code == WB_IO_ERROR);
    CHECK(directory->names()->size() == 2);
    directory->remove("f");
    CHECK(directory->entry("f").kind == Directory::Kind::none);
}

TEST_CASE("a file beyond the process's limit is an error, and its signal is neither raised nor left pending") {
    const Scratch dir;
    const auto directory = Directory::open(dir.path);
    REQUIRE(directory);
    const int ended = weighbridge::test::in_child([&] {
        const rlimit limit{100, 100};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 77;
        std::signal(SIGXFSZ, SIG_DFL);
        const std::string content(1000, 'x');
        if (directory->replace("f", as_bytes(content)).code != WB_IO_ERROR) return 1;
        if (write_file(dir / "g", as_bytes(content)).code != WB_IO_ERROR) return 2;
        sigset_t blocked, pending;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        ::sigpending(&pending);
        return ::sigismember(&blocked, SIGXFSZ) || ::sigismember(&pending, SIGXFSZ) ? 3 : 0;
    });
    CHECK(ended == 0);
    CHECK(directory->names()->empty());
}

TEST_CASE("a private directory is this user's alone and no link") {
    const Scratch dir;
    CHECK(Directory::open_private(dir.path));
    REQUIRE(::chmod(dir.path.c_str(), 0701) == 0);
    const Status open = Directory::open_private(dir.path).status();
    CHECK(open.code == WB_IO_ERROR);
    CHECK(cut(open.message, "mode 701") == "mode 701");
    REQUIRE(::chmod(dir.path.c_str(), 0700) == 0);
    fs::create_directory_symlink(dir.path, dir / "link");
    CHECK_FALSE(Directory::open_private(dir / "link"));
    REQUIRE(write_file(dir / "file", {}).ok());
    CHECK_FALSE(Directory::open_private(dir / "file"));
    CHECK_FALSE(Directory::open_private(""));
}

TEST_CASE("what a killed process of the same number left does not keep a file from being replaced") {
    Scratch dir;
    const auto directory = Directory::open(dir.path);
    REQUIRE(directory);
    const std::string left = "f.partial-" + std::to_string(::getpid());
    REQUIRE(write_file(dir / left, as_bytes("half")).ok());
    for (const char *content : {"one", "two"}) {
        REQUIRE(directory->replace("f", as_bytes(content)).ok());
        CHECK(as_text(*read_file(dir / "f", 10)) == content);
    }
    CHECK(directory->names()->size() == 2);
    // An hour later it is nobody's; what is no file, or of another name, stays.
    const std::string others[] = {"g.partial-1", "f.partial-x", "f.partial-2/inside"};
    REQUIRE(fs::create_directory(dir / "f.partial-2"));
    for (const std::string &other : others) REQUIRE(write_file(dir / other, {}).ok());
    for (const std::string &old : {left, others[0], others[1], std::string("f.partial-2")}) {
        const timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 4000, 0}};
        REQUIRE(::utimensat(AT_FDCWD, (dir / old).c_str(), times, 0) == 0);
    }
    REQUIRE(directory->replace("f", as_bytes("three")).ok());
    CHECK(*directory->names() == std::vector<std::string>{"f", "f.partial-2", "f.partial-x", "g.partial-1"});
    CHECK(partial_of(left) == "f");
    CHECK(partial_of(partial_name("a.partial-x")) == "a.partial-x");
    for (const char *name : {"f", "f.partial-", "f.partial-x", "f.partial-1.graph"}) CHECK(partial_of(name).empty());
}
