// SPDX-License-Identifier: Apache-2.0
// weighbridge-importer itself, with plug-ins that have no LibTorch.
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/clock.hpp"
#include "isolation_support.hpp"
#include "support/module_archive.hpp"
#include "support/sanitized.hpp"
#include "torchscript/torchscript.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
namespace fs = std::filesystem;

namespace {

IsolationOptions real(const std::string &plugin) {
    IsolationOptions options;
    options.program =
        fs::read_symlink("/proc/self/exe").parent_path().parent_path().string() + "/weighbridge/weighbridge-importer";
    options.plugin = beside_tests("libfake_" + plugin + ".so");
    return options;
}

struct Outcome {
    Status status;
    std::string report;
};

Outcome outcome(const IsolationOptions &options) {
    Outcome seen;
    seen.status = make_isolated_importer(options)->import(some_module(), {}, seen.report, {}).status();
    return seen;
}

// Importers whose parent is `parent`, which is their argument; a dead one that nobody reaped has none.
std::vector<pid_t> importers_of(pid_t parent) {
    std::vector<pid_t> found;
    const std::string ending = std::string("weighbridge-importer") + '\0' + std::to_string(parent) + '\0';
    for (const auto &entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "cmdline", std::ios::binary);
        const std::string line{std::istreambuf_iterator<char>(file), {}};
        if (line.ends_with(ending)) found.push_back(std::stoi(name));
    }
    return found;
}

template <class Condition>
bool soon(Condition &&holds) {
    for (int i = 0; i < 1500; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace

TEST_CASE("the importer carries out an import behind its sandbox", "[importer]") {
    const Outcome seen = outcome(real("good"));
    CHECK(seen.status.code == WB_INVALID_BUNDLE);
    CHECK(std::string(seen.status.message) == "model.ts: fake::operator_1, model.py:1: not known");
    CHECK(std::count(seen.report.begin(), seen.report.end(), '\n') == 4999);
    CHECK(importers_of(::getpid()).empty());
}

TEST_CASE("behind the sandbox no file, process, socket, signal or memory beyond the limit is to be had", "[importer]") {
    if (kSanitized) {
        WARN("not run under sanitizers, whose own system calls the sandbox forbids");
        return;
    }
    const Outcome seen = outcome(real("escapes"));
    CHECK(seen.report == "18 refused");
    CHECK_FALSE(fs::exists("/tmp/wb-escaped"));
}

TEST_CASE("the importer steps back behind a host that is real-time, nice to itself and kept from being killed",
          "[importer]") {
    const int nice = std::max(::getpriority(PRIO_PROCESS, 0), 0);
    CHECK(outcome(real("tells")).report == "policy 0, nice " + std::to_string(nice) + ", oom_score_adj 1000, in '/'");
    const pid_t host = ::fork();
    REQUIRE(host >= 0);
    if (host == 0) {
        const sched_param first{1};
        std::ofstream("/proc/self/oom_score_adj") << "-500" << std::flush;
        const bool set = ::setpriority(PRIO_PROCESS, 0, -7) == 0 && ::sched_setscheduler(0, SCHED_FIFO, &first) == 0;
        std::string report;
        (void)make_isolated_importer(real("tells"))->import(some_module(), {}, report, {});
        ::_exit(!set ? 77 : report == "policy 0, nice 0, oom_score_adj 1000, in '/'" ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(host, &status, 0) < 0) {
    }
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        WARN("not run to its end: no real-time class, or no better nice value, is to be had here");
        return;
    }
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("an importer of golden rows has the processor as long as its caller, one of a module its seconds",
          "[importer]") {
    const std::string parts = R"("features": [{"name": "a", "type": "float32"}],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 1], "features": ["a"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": true}])";
    const auto bundle = module_bundle(as_text(module_archive()), parts);
    const auto limit = [&](const StopSource &stop) {
        const auto program = make_isolated_backend(real("good"))->prepare(bundle, "", stop);
        REQUIRE(program);
        const auto processes = importers_of(::getpid());
        REQUIRE(processes.size() == 1);
        std::ifstream limits("/proc/" + std::to_string(processes[0]) + "/limits");
        for (std::string line; std::getline(limits, line);)
            if (line.starts_with("Max cpu time")) return line.substr(line.find_first_not_of(' ', 12));
        return std::string();
    };
    CHECK(limit({}).starts_with("unlimited"));
    const std::string hour = limit({&steady_clock(), nullptr, steady_clock().now_ns() + 3600'000'000'000});
    INFO(hour);
    CHECK((hour.starts_with("3603 ") || hour.starts_with("3604 ")));  // the soft limit, a second below the hard one
    CHECK(one_order_s(real("good")) == 65);
}

TEST_CASE("the importer says which plug-in it cannot open, and why", "[importer]") {
    const struct {
        const char *plugin, *says;
    } cases[] = {{"wrong_abi", "libfake_wrong_abi.so: expected plug-in ABI "},
                 {"no_thread", "libfake_no_thread.so: no thread today"},
                 {"missing", "libfake_missing.so: cannot open shared object file"}};
    for (const auto &one : cases) {
        CAPTURE(one.plugin);
        const Outcome seen = outcome(real(one.plugin));
        CHECK(seen.status.code == WB_BACKEND_UNAVAILABLE);
        INFO(seen.status.message);
        CHECK(std::string(seen.status.message).find(one.says) != std::string::npos);
    }
}

TEST_CASE("a library that calls exit ends the importer, and the host hears how", "[importer]") {
    IsolationOptions options = real("exits");
    options.seconds = 5;
    const Outcome seen = outcome(options);
    CHECK(seen.status.code == WB_BACKEND_UNAVAILABLE);
    INFO(seen.status.message);
    CHECK(std::string(seen.status.message).find("ended with code 3 without a reply") != std::string::npos);
}

TEST_CASE("a module runs in the importer as in the host", "[importer]") {
    const auto bundle = module_bundle(
        as_text(module_archive()), R"("features": [{"name": "a", "type": "float32"}, {"name": "b", "type": "float32"}],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 2], "features": ["a", "b"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": true},
                    {"name": "wide", "source": "w", "shape": ["batch", 3]}])");
    const auto in_importer = make_isolated_backend(real("good"));
    auto program = in_importer->prepare(bundle, "");
    INFO(program.status().message);
    REQUIRE(program);
    auto executor = (*program)->make_executor(0, 1);
    REQUIRE(executor);
    const float values[] = {0.25f, 0.5f};
    float fraud = 0, wide[3] = {};
    float *outputs[] = {&fraud, wide};
    const TensorView view{DType::float32, {2, {1, 2}}, values};
    Run run;
    run.inputs = {&view, 1};
    run.outputs = outputs;
    run.rows = 1;
    for (int i = 0; i < 3; ++i) {
        const Status status = (*executor)->run(run);
        INFO(status.message);
        REQUIRE(status.ok());
        CHECK(fraud == 0.75f);
        for (const float one : wide) CHECK(one == 100.75f);
    }
    auto refused = in_importer->prepare(
        module_bundle(as_text(module_archive("Refused")), R"("features": [{"name": "a", "type": "float32"}],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 1], "features": ["a"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": true}])"),
        "");
    CHECK(std::string(refused.status().message) == "model.ts: not a module");
}

TEST_CASE("an importer ends with its host, whatever it is doing", "[importer]") {
    const pid_t host = ::fork();
    REQUIRE(host >= 0);
    if (host == 0) {
        std::string report;
        (void)make_isolated_importer(real("held_load"))->import(some_module(), {}, report, {});
        ::_exit(0);
    }
    CHECK(soon([&] { return importers_of(host).size() == 1; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(::kill(host, SIGKILL) == 0);
    int status = 0;
    while (::waitpid(host, &status, 0) < 0) {
    }
    CHECK(WIFSIGNALED(status));
    CHECK(soon([&] { return importers_of(host).empty(); }));
}

TEST_CASE("an importer whose parent is another, or that has no pipe, ends", "[importer]") {
    const std::string program = real("good").program;
    for (const std::string parent : {"1", "0"}) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::execl(program.c_str(), program.c_str(), parent.c_str(), nullptr);
            ::_exit(9);
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0) {
        }
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 1);
    }
}
