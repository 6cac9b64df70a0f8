// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <semaphore>
#include <set>
#include <string>
#include <thread>

#include "base/json.hpp"
#include "compile/bundle_import.hpp"
#include "support/catch.hpp"
#include "support/counting_clock.hpp"
#include "support/module_bundle.hpp"
#include "torch_fixture.hpp"
#include "torchscript/torchscript.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr const char *kNumbers = R"("features": [{"name": "n0", "type": "float32"}, {"name": "n1", "type": "float32"},
    {"name": "n2", "type": "float32"}, {"name": "n3", "type": "float32"}, {"name": "n4", "type": "float32"},
    {"name": "n5", "type": "float32"},
    {"name": "country", "type": "category", "keys": "int64", "encoding": [{"op": "identity", "size": 10}]}],
    "outputs": [{"name": "fraud", "shape": ["batch"]}])";
constexpr const char *kNumbersTensor = R"({"name": "numbers", "dtype": "float32", "shape": ["batch", 6],
    "features": ["n0", "n1", "n2", "n3", "n4", "n5"]})";
constexpr const char *kCountryTensor =
    R"({"name": "country", "dtype": "int64", "shape": ["batch"], "features": ["country"]})";

std::shared_ptr<const Bundle> bundle(const std::string &module, const std::string &parts) {
    return module_bundle(as_text(module_bytes(module)), parts);
}
std::shared_ptr<const Bundle> mlp_bundle(const std::string &module) {
    return bundle(module, std::string(kNumbers) + R"(, "tensors": [)" + kNumbersTensor + ", " + kCountryTensor + "]");
}
// Of a module that takes the six numbers alone; the seventh feature is one of them for the manifest's sake.
std::shared_ptr<const Bundle> numbers_bundle(const std::string &module) {
    std::string parts = kNumbers;
    const std::string country = R"(,
    {"name": "country", "type": "category", "keys": "int64", "encoding": [{"op": "identity", "size": 10}]})";
    parts.erase(parts.find(country), country.size());
    return bundle(module, parts + R"(, "tensors": [)" + kNumbersTensor + "]");
}

// Of a module that takes events and their mask.
std::shared_ptr<const Bundle> events_bundle(const std::string &module, int64_t least_length) {
    return bundle(module, R"("features": [{"name": "past", "type": "sequence", "of": "float32"}],
        "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length", 1], "features": ["past"]},
                    {"name": "mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 16, "least_length": )" +
                              std::to_string(least_length) + "}");
}

std::unique_ptr<TorchscriptBackend> backend(int contexts = 1) {
    return make_torchscript_backend({.plugin = plugin().path, .libtorch = "", .contexts = contexts});
}

std::shared_ptr<const Program> prepared(Backend &from, const std::shared_ptr<const Bundle> &what) {
    auto program = from.prepare(what, "");
    INFO(program.status().message);
    REQUIRE(program);
    return *program;
}

std::unique_ptr<Executor> executor(const Program &program, int context = 0) {
    auto made = make_lone_executor(program, context, program.tile_rows());
    REQUIRE(made);
    return *std::move(made);
}

// Names of this process's threads that are ours.
std::multiset<std::string> our_threads() {
    std::multiset<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(entry.path() / "comm");
        std::string name;
        std::getline(file, name);
        if (name.starts_with("wb:")) names.insert(name);
    }
    return names;
}

}  // namespace

TEST_CASE("a bundle's module scores as PyTorch does") {
    const auto engine = backend();
    for (const char *name : {"mlp", "mlp_traced"}) {
        const auto program = prepared(*engine, mlp_bundle(name));
        const auto values = numbers(3, 6);
        const std::vector<int64_t> countries{1, 0, 9};
        const TensorView views[] = {{DType::float32, {2, {3, 6}}, values.data()},
                                    {DType::int64, {1, {3}}, countries.data()}};
        std::vector<float> scores(3);
        float *const outputs[] = {scores.data()};
        Run run;
        run.inputs = views;
        run.outputs = outputs;
        run.rows = 3;
        run.stop.clock = &steady_clock();
        const Status status = executor(*program)->run(run);
        INFO(status.message);
        REQUIRE(status.ok());
        const auto expected = expected_values(name);
        for (size_t i = 0; i < 3; ++i) CHECK(std::fabs(scores[i] - expected[i]) < 1e-5f);
    }
}

TEST_CASE("threads are the contexts' alone, named, and gone with the backend") {
    const int before = thread_count();
    CHECK(our_threads().empty());
    {
        const auto engine = backend(2);
        CHECK(our_threads().empty());
        const auto program = prepared(*engine, mlp_bundle("mlp"));
        CHECK(our_threads() == std::multiset<std::string>{"wb:torch-0", "wb:torch-1"});
        CHECK(thread_count() == before + 2);
    }
    CHECK(our_threads().empty());
    CHECK(thread_count() == before);
}

TEST_CASE("a sequence model is warmed for each length; the empty one may fail") {
    const auto engine = backend();
    CHECK(prepared(*engine, events_bundle("sequence", 0))->tile_rows() == 32);
}

TEST_CASE("the shortest sequences are tried in a process of their own, whatever they do to it") {
    const struct {
        const char *module;
        int least;
        const char *reason;  // of the length before
    } cases[] = {{"nested", 1, "the process was ended by signal 11"},
                 {"sequence", 1, "output 'fraud': expected finite numbers, got others"},
                 {"kernel", 5, "Kernel size can't be greater than actual input size"}};
    const PluginOptions options{.plugin = plugin().path, .libtorch = ""};
    for (const auto &one : cases) {
        CAPTURE(one.module);
        const Status takes = try_shortest(options, events_bundle(one.module, one.least));
        const Status fails = try_shortest(options, events_bundle(one.module, one.least - 1));
        INFO(takes.message);
        INFO(fails.message);
        CHECK(takes.ok());
        CHECK(fails.code == WB_BACKEND_FAILED);
        CHECK(std::string(fails.message).find(one.reason) != std::string::npos);
    }
    const Status hurried = try_shortest(options, events_bundle("sequence", 1), 1'000'000);
    CHECK(hurried.code == WB_DEADLINE_EXCEEDED);
    CHECK(std::string(hurried.message) == "not done after 0.001 s");
}

TEST_CASE("a module that an empty sequence kills is loaded and warmed from its least length on, stated or not") {
    const auto engine = backend();
    for (int least : {1, 0}) CHECK(prepared(*engine, events_bundle("nested", least))->tile_rows() == 32);
}

TEST_CASE("a text's own max_tokens is the longest that is imported, below 512 and above") {
    const auto engine = backend();
    for (const int64_t most : {64, 600}) {
        const std::string parts = R"("features": [{"name": "memo", "type": "text",
            "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": )" +
                                  std::to_string(most) + R"(}]}],
            "tensors": [{"name": "ids", "dtype": "int64", "shape": ["batch", "tokens"], "features": ["memo"]}],
            "outputs": [{"name": "fraud", "shape": ["batch"]}])";
        const auto text = module_bundle(as_text(module_bytes("positions_" + std::to_string(most))), parts,
                                        {{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\ncoffee\n"}});
        std::string report;
        const auto graph = import_bundle(*engine, text, {}, report);
        INFO(graph.status().message);
        REQUIRE(graph);
        CHECK(graph->largest_length == most);
    }
}

TEST_CASE("a load and an import end at their deadline, while LibTorch goes on, and can be made again") {
    const auto engine = backend();
    const auto mlp = mlp_bundle("mlp");
    const CountingClock clock;
    std::string report;
    CHECK(engine->prepare(mlp, "", clock.stop_at(2)).status().code == WB_DEADLINE_EXCEEDED);
    CHECK(import_bundle(*engine, mlp, {}, report, clock.stop_at(2)).status().code == WB_DEADLINE_EXCEEDED);
    CHECK(prepared(*engine, mlp)->tile_rows() > 0);
    CHECK(import_bundle(*engine, mlp, {}, report));
    while (our_threads().count("wb:torch-load") + our_threads().count("wb:torch-import") > 0) std::this_thread::yield();
}

TEST_CASE("what does not fit its manifest is refused at load with both sides") {
    const auto engine = backend();
    const auto arity = engine->prepare(numbers_bundle("mlp"), "");
    CHECK(arity.status().code == WB_INVALID_BUNDLE);
    CHECK(std::string(arity.status().message) ==
          "model.ts: forward: expected 1 argument(s), one for each tensor of the manifest, found 2");

    const auto dict = engine->prepare(numbers_bundle("dict"), "");
    CHECK(dict.status().code == WB_BACKEND_FAILED);
    CHECK(std::string(dict.status().message).find("output 'fraud': expected place 0 of a tuple") != std::string::npos);

    const auto state = engine->prepare(numbers_bundle("keeps_state"), "");
    CHECK(state.status().code == WB_BACKEND_FAILED);
    CHECK(std::string(state.status().message).find("forward wrote into 'seen'") != std::string::npos);

    const auto junk = engine->prepare(module_bundle("junk", std::string(kNumbers) + R"(, "tensors": [)" +
                                                                kNumbersTensor + ", " + kCountryTensor + "]"),
                                      "");
    CHECK(junk.status().code == WB_INVALID_BUNDLE);
    CHECK(std::string(junk.status().message).starts_with("model.ts: "));
}

TEST_CASE("a caller leaves a long forward at its deadline") {
    const auto engine = backend();
    auto program = prepared(*engine, numbers_bundle("loops"));
    AlignedBuffer scratch(static_cast<size_t>(program->scratch_bytes(program->tile_rows())));  // outlives the run
    auto one = *program->make_executor(0, program->tile_rows());
    std::vector<float> values(6);
    values[0] = 300'000;  // turns, about half a second
    const TensorView view{DType::float32, {2, {1, 6}}, values.data()};
    float score = -1;
    float *const outputs[] = {&score};
    std::binary_semaphore done{0};
    Run run;
    run.inputs = {&view, 1};
    run.outputs = outputs;
    run.rows = 1;
    run.scratch = scratch.data();
    run.stop = {.clock = &steady_clock(), .deadline_ns = steady_clock().now_ns() + 30'000'000};
    run.done = [](void *to) { static_cast<std::binary_semaphore *>(to)->release(); };
    run.done_arg = &done;
    CHECK(one->run(run).code == WB_DEADLINE_EXCEEDED);
    const bool abandoned = run.abandoned;
    one.reset();
    program.reset();
    if (abandoned) done.acquire();
    CHECK(score == -1.0f);
}

TEST_CASE("a mapped LibTorch shows in the description") {
    plugin();
    const std::string text = describe_plugins().text();
    INFO(text);
    CHECK(text.find("\"mapped\"") != std::string::npos);
    CHECK(text.find(mapped_libtorch()->version) != std::string::npos);
}
