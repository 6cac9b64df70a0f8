// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/command.hpp"
#include "support/catch.hpp"

using namespace weighbridge::cli;
namespace fs = std::filesystem;

namespace {

// A directory with a bundle and an input.
struct Folder {
    Folder() {
        REQUIRE(mkdtemp(path.data()));
        fs::create_directory(path + "/bundle");
        put("/bundle/model.plan", "plan");
        put("/in.csv", "input");
    }
    ~Folder() { fs::remove_all(path); }

    void put(const std::string &name, const std::string &text) const { std::ofstream(path + name) << text; }
    std::string get(const std::string &name) const {
        std::ifstream file(path + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string all() const {
        std::string names;
        for (const auto &entry : fs::directory_iterator(path)) names += entry.path().filename().string() + " ";
        return names;
    }
    // Why the outputs are refused, "" where they are not.
    std::string check(const std::vector<std::string> &outputs, const std::string &input = "/in.csv") const {
        std::vector<OutputOption> options;
        for (const std::string &output : outputs)
            options.push_back({options.empty() ? "--output" : "--rejects",
                               output == "-" || output.starts_with("/dev/") ? output : path + output});
        try {
            check_outputs(path + input, path + "/bundle", options);
        } catch (const Failure &failure) {
            return failure.what();
        }
        return "";
    }

    std::string path = "/tmp/wb-output-XXXXXX";
};

bool has(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("output: a file has its name only when it is closed, and nothing stays beside it") {
    Folder folder;
    folder.put("/out.csv", "before");
    {
        Output output(folder.path + "/out.csv");
        output.write("a\n");
        CHECK(folder.get("/out.csv") == "before");
        output.close();
        CHECK(folder.get("/out.csv") == "a\n");
    }
    CHECK(folder.get("/out.csv") == "a\n");
    {
        Output output(folder.path + "/out.csv");
        output.write("b\n");
    }
    CHECK(folder.get("/out.csv") == "a\n");
    { Output output(folder.path + "/none.csv"); }
    CHECK_FALSE(fs::exists(folder.path + "/none.csv"));
    CHECK_FALSE(has(folder.all(), "partial"));
}

TEST_CASE("output: a file that is finished has its old name until it is closed") {
    Folder folder;
    folder.put("/out.csv", "before");
    {
        Output output(folder.path + "/out.csv");
        output.write("a\n");
        output.finish();
        CHECK(folder.get("/out.csv") == "before");
        CHECK(folder.get("/out.csv.wb-partial") == "a\n");
    }
    CHECK(folder.get("/out.csv") == "before");
    Output output(folder.path + "/out.csv");
    output.write("b\n");
    output.finish();
    output.close();
    CHECK(folder.get("/out.csv") == "b\n");
    CHECK_FALSE(has(folder.all(), "partial"));
}

TEST_CASE("output: what a killed run left is written over, and a run that lives is not") {
    Folder folder;
    folder.put("/out.csv.wb-partial", "torn li");
    Output one(folder.path + "/out.csv");
    one.write("whole\n");
    CHECK_THROWS_AS(Output(folder.path + "/out.csv"), Failure);
    fs::create_symlink(folder.path + "/out.csv", folder.path + "/link.csv");
    one.close();
    CHECK(folder.get("/out.csv") == "whole\n");
    Output two(folder.path + "/link.csv");
    CHECK_THROWS_AS(Output(folder.path + "/out.csv"), Failure);
    two.write("again\n");
    two.close();
    CHECK(folder.get("/out.csv") == "again\n");
    CHECK(fs::is_symlink(folder.path + "/link.csv"));
    CHECK_FALSE(has(folder.all(), "partial"));
}

TEST_CASE("output: a hard link that has the partial name loses the name only") {
    Folder folder;
    REQUIRE(chmod((folder.path + "/bundle/model.plan").c_str(), 0640) == 0);
    fs::create_hard_link(folder.path + "/bundle/model.plan", folder.path + "/out.csv.wb-partial");
    folder.put("/out.csv", "before");
    Output output(folder.path + "/out.csv");
    CHECK(fs::hard_link_count(folder.path + "/bundle/model.plan") == 1);
    CHECK_THROWS_AS(Output(folder.path + "/out.csv"), Failure);
    output.write("whole\n");
    output.close();
    CHECK(folder.get("/out.csv") == "whole\n");
    CHECK(folder.get("/bundle/model.plan") == "plan");
    CHECK((fs::status(folder.path + "/bundle/model.plan").permissions() & fs::perms::all) == fs::perms(0640));
}

TEST_CASE("output: who may read a file is kept") {
    Folder folder;
    folder.put("/out.csv", "before");
    REQUIRE(chmod((folder.path + "/out.csv").c_str(), 0640) == 0);
    Output output(folder.path + "/out.csv");
    output.close();
    CHECK((fs::status(folder.path + "/out.csv").permissions() & fs::perms::all) == fs::perms(0640));
}

TEST_CASE("output: FIFOs and devices are written as they are") {
    Folder folder;
    REQUIRE(mkfifo((folder.path + "/fifo").c_str(), 0600) == 0);
    int reader = open((folder.path + "/fifo").c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reader >= 0);
    Output output(folder.path + "/fifo"), null("/dev/null");
    output.write("line\n");
    output.close();
    null.write("line\n");
    null.close();
    char text[8] = {};
    CHECK(read(reader, text, sizeof text) == 5);
    close(reader);
    CHECK_FALSE(destination_of(folder.path + "/fifo").is_file);
    CHECK_FALSE(destination_of("/dev/null").is_file);
    CHECK(fs::is_fifo(folder.path + "/fifo"));
}

TEST_CASE("output: what cannot be a file says so") {
    Folder folder;
    fs::create_symlink(folder.path + "/nowhere", folder.path + "/dangling");
    CHECK_THROWS_AS(Output(folder.path), Failure);
    CHECK_THROWS_AS(Output(folder.path + "/"), Failure);
    CHECK_THROWS_AS(Output(folder.path + "/dangling"), Failure);
    CHECK_THROWS_AS(Output(folder.path + "/no/out.csv"), Failure);
}

TEST_CASE("output: a descriptor is open for writing") {
    Folder folder;
    int closed = open("/dev/null", O_WRONLY), read_only = open("/dev/null", O_RDONLY), open_one = dup(closed);
    REQUIRE(open_one >= 0);
    close(closed);
    for (const char *place : {"/dev/fd/", "/proc/self/fd/"}) {
        CHECK_THROWS_AS(destination_of(place + std::to_string(closed)), Failure);
        CHECK_THROWS_AS(destination_of(place + std::to_string(read_only)), Failure);
        CHECK(destination_of(place + std::to_string(open_one)).descriptor == open_one);
    }
    CHECK(has(folder.check({"/out.csv", "/dev/fd/" + std::to_string(closed)}), "Bad file descriptor"));
    close(read_only);
    close(open_one);
}

TEST_CASE("output: the input, the bundle and another output are refused by whatever name") {
    Folder folder;
    fs::create_symlink(folder.path + "/in.csv", folder.path + "/link.csv");
    fs::create_hard_link(folder.path + "/in.csv", folder.path + "/hard.csv");
    fs::create_symlink(folder.path + "/bundle", folder.path + "/current");
    fs::create_symlink(folder.path + "/bundle/model.plan", folder.path + "/plan");
    folder.put("/x.csv.wb-partial", "");
    fs::create_hard_link(folder.path + "/in.csv", folder.path + "/y.csv.wb-partial");

    CHECK(folder.check({"/out.csv", "/out.csv.rejects"}).empty());
    CHECK(folder.check({"-", "/dev/stderr"}).empty());
    CHECK(folder.check({"/dev/null", "/dev/null"}).empty());
    for (const char *output : {"/in.csv", "/bundle/../in.csv", "/link.csv", "/hard.csv", "/y.csv"}) {
        CHECK(has(folder.check({output}), "is the input"));
        CHECK(has(folder.check({"/out.csv", output}), "is the input"));
    }
    CHECK(has(folder.check({"/x.csv"}, "/x.csv.wb-partial"), "is the input"));
    for (const char *output : {"/bundle/model.plan", "/bundle/new", "/current/new", "/plan", "/bundle/./new"})
        CHECK(has(folder.check({output}), "bundle's directory"));
    fs::create_directory(folder.path + "/bundle/deep");
    CHECK(has(folder.check({"/bundle/deep/new"}), "bundle's directory"));
    CHECK(folder.check({"/bundle.csv"}).empty());
    for (const char *rejects : {"/out.csv", "/bundle/../out.csv", "/current/../out.csv", "/out.csv.wb-partial"})
        CHECK(has(folder.check({"/out.csv", rejects}), "is written there"));
    CHECK(folder.check({"-", "-"}) == "--rejects '-' cannot be written: --output '-' is written there");
    CHECK(has(folder.check({"-", "/dev/stdout"}), "is written there"));
    CHECK(folder.get("/in.csv") == "input");
    CHECK_FALSE(fs::exists(folder.path + "/out.csv"));
}
