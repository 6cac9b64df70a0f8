// SPDX-License-Identifier: Apache-2.0
// Importers of every kind of misbehaviour: none costs the host more than an error.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/clock.hpp"
#include "isolation_support.hpp"
#include "support/child.hpp"
#include "support/manual_clock.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;

struct Outcome {
    Status status;
    std::string report;
};

Outcome outcome(const IsolationOptions &options, const StopSource &stop = {}, size_t bytes = 100) {
    Outcome seen;
    seen.status = make_isolated_importer(options)->import(some_module(bytes), {}, seen.report, stop).status();
    return seen;
}

std::string text(const Status &status) { return status.message; }

}  // namespace

TEST_CASE("an importer's graph is the host's, whatever the module's size") {
    const TestImporter importer("good");
    importer.gives(write_graph(small_graph()));
    for (const size_t bytes : {size_t{1}, size_t{65536}, size_t{5} << 20}) {
        std::string report;
        const auto graph = make_isolated_importer(importer.options())->import(some_module(bytes), {}, report, {});
        INFO(graph.status().message);
        REQUIRE(graph);
        CHECK(write_graph(*graph) == write_graph(small_graph()));
        CHECK(report.empty());
        CHECK(importer.ended());
    }
}

TEST_CASE("what an importer refuses is a refusal with its lines, in ASCII") {
    const TestImporter importer("refuses");
    const Outcome seen = outcome(importer.options());
    CHECK(seen.status.code == WB_INVALID_BUNDLE);
    CHECK(text(seen.status) == "model.ts: aten::sort, model.py:3: s?rts");
    CHECK(seen.report == "aten::sort, model.py:3: s?rts\naten::lstm, model.py:4: loops");
}

TEST_CASE("an importer that cannot start says why and what to do") {
    IsolationOptions missing;
    missing.program = "/nowhere/weighbridge-importer";
    const Outcome seen = outcome(missing);
    CHECK(seen.status.code == WB_BACKEND_UNAVAILABLE);
    CHECK(
        text(seen.status) ==
        "/nowhere/weighbridge-importer: No such file or directory; install weighbridge-importer beside the library or "
        "name it (option importer_program)");
    const ScratchDirectory folder;
    folder.write("importer", "#!/nowhere/loader\n");
    missing.program = folder.path() + "/importer";
    REQUIRE(::chmod(missing.program.c_str(), 0700) == 0);
    CHECK(text(outcome(missing).status) ==
          missing.program +
              ": No such file or directory; the program is there, but /dev/null or its loader is not: give the "
              "container both");
    const struct {
        const char *mode, *says;
    } cases[] = {{"old", "expected the importer of library "},
                 {"declines", "seccomp: Operation not permitted: choose"},
                 {"early", "the importer ended with code 3 without a reply"}};
    for (const auto &one : cases) {
        CAPTURE(one.mode);
        const TestImporter importer(one.mode);
        const Status status = outcome(importer.options()).status;
        CHECK(status.code == WB_BACKEND_UNAVAILABLE);
        INFO(text(status));
        CHECK(text(status).find(one.says) != std::string::npos);
        CHECK(importer.ended());
    }
}

TEST_CASE("an importer that dies or writes anything else is ended, and the module is refused") {
    const struct {
        const char *mode, *says;
    } cases[] = {
        {"dies", "model.ts: the importer was ended by signal 6 without a reply"},
        {"cuts", "model.ts: the importer ended with code 0 without a reply"},
        {"deaf", "model.ts: the importer was ended by signal 9 without a reply"},
        {"garbage", "model.ts: importer: expected the head of a frame, found other bytes"},
        {"huge", "model.ts: importer: expected at most 268435856 bytes, found 1152921504606846976"},
        {"order", "model.ts: importer: expected a reply, found an order"},
        {"memory",
         "model.ts: importing it takes more than 2048 MB, or more than this system has: raise importer_memory_mb"},
        {"other",
         "model.ts: what its importer gave is refused: graph: expected the magic bytes of a graph, found others"},
    };
    for (const auto &one : cases) {
        CAPTURE(one.mode);
        const TestImporter importer(one.mode);
        const Outcome seen = outcome(importer.options());
        CHECK(seen.status.code == WB_INVALID_BUNDLE);
        CHECK(text(seen.status) == one.says);
        CHECK(seen.report.empty());
        CHECK(importer.ended());
    }
}

TEST_CASE("an importer that hangs is killed at its limit, at the caller's deadline, and when the call is cancelled") {
    const TestImporter importer("hangs");
    IsolationOptions brief = importer.options();
    brief.seconds = 1;
    const int64_t begun = steady_clock().now_ns();
    const Outcome limit = outcome(brief);
    CHECK(limit.status.code == WB_INVALID_BUNDLE);
    CHECK(text(limit.status) == "model.ts: ended after 1 s while the importer was reading model.ts");
    CHECK(importer.ended());

    const Outcome late =
        outcome(importer.options(), {&steady_clock(), nullptr, steady_clock().now_ns() + kSecond_ns / 2});
    CHECK(late.status.code == WB_DEADLINE_EXCEEDED);
    CHECK(text(late.status) == "the deadline passed while the importer was reading model.ts");
    CHECK(importer.ended());

    CancelToken token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        token.set(true);
    });
    const Outcome cancelled = outcome(importer.options(), {nullptr, &token});
    canceller.join();
    CHECK(cancelled.status.code == WB_CANCELLED);
    CHECK(text(cancelled.status) == "cancelled while the importer was reading model.ts");
    CHECK(importer.ended());
    CHECK(steady_clock().now_ns() - begun < 30 * kSecond_ns);

    const TestImporter silent("silent");
    IsolationOptions early = silent.options();
    early.seconds = 1;
    CHECK(outcome(early).status.code == WB_BACKEND_UNAVAILABLE);
    CHECK(silent.ended());
}

TEST_CASE("a large module goes to an importer that hangs or dies without a signal to the host") {
    for (const char *mode : {"dies", "deaf", "early"}) {
        CAPTURE(mode);
        const TestImporter importer(mode);
        CHECK_FALSE(outcome(importer.options(), {}, size_t{8} << 20).status.ok());
        CHECK(importer.ended());
    }
}

TEST_CASE("an importer inherits nothing of a host that blocks and ignores signals and has an environment") {
    const TestImporter importer("told");
    sigset_t all, before;
    sigfillset(&all);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    struct sigaction ignored {
    }, hup{};
    ignored.sa_handler = SIG_IGN;
    REQUIRE(sigaction(SIGHUP, &ignored, &hup) == 0);
    const Outcome seen = outcome(importer.options());
    REQUIRE(sigaction(SIGHUP, &hup, nullptr) == 0);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
    CHECK(seen.report == "environment 0, blocked 0, ignored 0, own group 1");
}

TEST_CASE("a host that ignores SIGCHLD, or waits for every child itself, hears its importer") {
    const TestImporter good("good"), dies("dies");
    good.gives(write_graph(small_graph()));
    struct sigaction ignored {
    }, before{};
    ignored.sa_handler = SIG_IGN;
    REQUIRE(sigaction(SIGCHLD, &ignored, &before) == 0);
    CHECK(outcome(good.options()).status.ok());
    CHECK(text(outcome(dies.options()).status) == "model.ts: the importer ended without a reply");
    REQUIRE(sigaction(SIGCHLD, &before, nullptr) == 0);

    std::atomic<bool> over{false};
    std::thread reaper([&] {
        while (!over) {
            while (waitpid(-1, nullptr, WNOHANG) > 0) {
            }
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    });
    for (int i = 0; i < 5; ++i) {
        CHECK(outcome(good.options()).status.ok());
        CHECK(good.ended());
        CHECK(text(outcome(dies.options()).status).starts_with("model.ts: the importer "));
        CHECK(dies.ended());
    }
    over = true;
    reaper.join();
}

TEST_CASE("an importer that dies is missed also where the host forks meanwhile, so that its pipe may stay open") {
    const TestImporter importer("dies");
    std::atomic<bool> over{false};
    std::vector<pid_t> children;
    std::thread forking([&] {
        while (!over && children.size() < 200) {
            const pid_t child = ::fork();
            if (child == 0) {
                ::sleep(60);
                ::_exit(0);
            }
            children.push_back(child);
        }
    });
    const int64_t begun = steady_clock().now_ns();
    for (int i = 0; i < 10; ++i)
        CHECK(text(outcome(importer.options()).status) ==
              "model.ts: the importer was ended by signal 6 without a reply");
    CHECK(steady_clock().now_ns() - begun < 40 * kSecond_ns);
    over = true;
    forking.join();
    for (const pid_t child : children) {
        REQUIRE(::kill(child, SIGKILL) == 0);
        while (::waitpid(child, nullptr, 0) < 0) {
        }
    }
}

TEST_CASE("a host of few descriptors imports with the nine that it takes, and hears which limit is lower") {
    const TestImporter importer("good");
    importer.gives(write_graph(small_graph()));
    // The message in a process that may have so many; "imported" for none.
    const auto with_descriptors = [&](unsigned most) {
        const ScratchDirectory folder;
        const std::string said = folder.path() + "/said";
        const int ended = in_child([&] {
            for (int fd = 3; fd < 64; ++fd) close(fd);
            const rlimit limit{most, most};
            setrlimit(RLIMIT_NOFILE, &limit);
            const Status status = outcome(importer.options()).status;
            return write_file(said, as_bytes(status.ok() ? "imported" : text(status))).ok() ? 0 : 1;
        });
        CHECK(ended == 0);
        return std::string(as_text(*read_file(said, 1000)));
    };
    CHECK(with_descriptors(9) == "imported");
    for (const unsigned most : {4, 6, 8})
        CHECK(with_descriptors(most) == "the importer's pipes: Too many open files (this process may have " +
                                            std::to_string(most) + ": RLIMIT_NOFILE)");
}

TEST_CASE("imports on several threads have a process each and no descriptor is left") {
    const auto descriptors = [] {
        const auto names = list_directory("/proc/self/fd");
        return names ? names->size() : 0;
    };
    const TestImporter importer("good");
    importer.gives(write_graph(small_graph()));
    const size_t before = descriptors();
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 5; ++n) good += outcome(importer.options(), {}, 200000).status.ok();
        });
    for (std::thread &thread : threads) thread.join();
    CHECK(good == 20);
    CHECK(descriptors() == before);
}
