// SPDX-License-Identifier: Apache-2.0
#include "cli/pipeline.hpp"

#include <unistd.h>

#include <atomic>
#include <stdexcept>

#include "support/catch.hpp"

using namespace weighbridge::cli;

namespace {

// A file of the numbers from 0, one a line.
struct Numbers {
    explicit Numbers(int count) {
        std::string text;
        for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
        int fd = mkstemp(path.data());
        REQUIRE(fd >= 0);
        REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        close(fd);
    }
    ~Numbers() { unlink(path.c_str()); }
    std::string path = "/tmp/wb-pipeline-XXXXXX";
};

Worker copy() {
    return [](Chunk &chunk) {
        for (const Record &record : chunk.records) chunk.output += record.text + "\n", ++chunk.rows;
    };
}

std::string expected(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
    return text;
}

}  // namespace

TEST_CASE("chunks come back in the order of the file, however many threads") {
    Numbers file(5000);
    for (unsigned threads : {1u, 2u, 7u}) {
        RecordReader reader(file.path, Format::ndjson);
        std::string output;
        run_pipeline(reader, threads, 13, copy, [&](Chunk &chunk) { output += chunk.output; });
        CHECK(output == expected(5000));
    }
}

TEST_CASE("an empty file has no chunk") {
    Numbers file(0);
    RecordReader reader(file.path, Format::ndjson);
    run_pipeline(reader, 2, 10, copy, [](Chunk &) { FAIL("a chunk"); });
}

TEST_CASE("few chunks are in flight at a time") {
    Numbers file(2000);
    RecordReader reader(file.path, Format::ndjson);
    std::atomic<int> begun = 0;
    int done = 0, most = 0;
    auto make = [&]() -> Worker { return [&](Chunk &) { ++begun; }; };
    run_pipeline(reader, 2, 10, make, [&](Chunk &) { most = std::max(most, begun - done++); });
    CHECK(done == 200);
    CHECK(most <= 5);
}

TEST_CASE("what a worker, its making or the writer throws is thrown") {
    Numbers file(1000);
    auto throwing = [](Chunk &chunk) {
        if (chunk.records.front().text == "500") throw std::runtime_error("worker");
    };
    auto none = [](Chunk &) {};
    auto run = [&](const std::function<Worker()> &make, const std::function<void(Chunk &)> &done) {
        RecordReader reader(file.path, Format::ndjson);
        run_pipeline(reader, 3, 10, make, done);
    };
    CHECK_THROWS_AS(run([&]() -> Worker { return throwing; }, none), std::runtime_error);
    CHECK_THROWS_AS(run([]() -> Worker { throw std::runtime_error("make"); }, none), std::runtime_error);
    CHECK_THROWS_AS(run(copy, [](Chunk &) { throw std::runtime_error("disk"); }), std::runtime_error);
}

TEST_CASE("nothing follows a chunk that was cut") {
    Numbers file(1000);
    RecordReader reader(file.path, Format::ndjson);
    auto make = []() -> Worker { return [](Chunk &chunk) { chunk.cut = chunk.records.front().text == "300"; }; };
    int chunks = 0;
    run_pipeline(reader, 3, 10, make, [&](Chunk &) { ++chunks; });
    CHECK(chunks == 31);
}
