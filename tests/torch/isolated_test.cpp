// SPDX-License-Identifier: Apache-2.0
// Modules behind the importer's sandbox: what is imported is what this process would import; what acts while it is
// loaded touches nothing. hostile_modules.py makes the modules.
#include <cstdlib>
#include <filesystem>

#include "base/clock.hpp"
#include "graph/graph_file.hpp"
#include "isolation/isolated_importer.hpp"
#include "support/catch.hpp"
#include "support/module_bundle.hpp"
#include "torch_fixture.hpp"
#include "torchscript/torchscript.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
namespace fs = std::filesystem;

namespace {

std::string modules() { return std::getenv("WEIGHBRIDGE_TEST_MODULES"); }

IsolationOptions isolation() {
    IsolationOptions options;
    options.plugin = std::getenv("WEIGHBRIDGE_TEST_PLUGIN");
    options.program = fs::path(options.plugin).parent_path().string() + "/weighbridge-importer";
    return options;
}

ImportRequest numbers_request() {
    ImportRequest request;
    request.arguments = {{DType::float32, {kBatch, 6}}};
    request.outputs = {{"score", "", 0, {kBatch}}};
    return request;
}

Expected<Graph> imported(const std::string &name, const ImportRequest &request,
                         IsolationOptions options = isolation()) {
    std::string report;
    auto bytes = std::make_shared<const Bytes>(module_bytes(name));
    return make_isolated_importer(std::move(options))->import(bytes, request, report, {});
}

std::string refusal(const std::string &name, IsolationOptions options = isolation()) {
    const auto graph = imported(name, numbers_request(), std::move(options));
    CHECK(graph.status().code == WB_INVALID_BUNDLE);
    return graph.status().message;
}

}  // namespace

TEST_CASE("a module is the same graph, imported in a process of its own or in this one") {
    ImportRequest mlp = numbers_request();
    mlp.arguments.push_back({DType::int64, {kBatch}});
    ImportRequest sequence;
    sequence.arguments = {{DType::float32, {kBatch, kLength, 1}},
                          {DType::boolean, {kBatch, kLength}, Content::real_mask}};
    sequence.outputs = {{"score", "", 0, {kBatch}}};
    sequence.least_length = 1;
    sequence.largest_length = 16;
    const auto here = make_torchscript_backend({.plugin = plugin().path, .libtorch = "", .contexts = 1});
    for (const auto &[name, request] : {std::pair<std::string, ImportRequest>{"mlp", mlp},
                                        {"mlp_traced", mlp},
                                        {"sequence", sequence},
                                        {"warns", numbers_request()}}) {
        CAPTURE(name);
        std::string report;
        const auto apart = imported(name, request);
        const auto beside = here->import(std::make_shared<const Bytes>(module_bytes(name)), request, report, {});
        INFO(apart.status().message);
        REQUIRE(apart);
        REQUIRE(beside);
        CHECK(write_graph(*apart) == write_graph(*beside));
    }
}

TEST_CASE("what acts while it is loaded reads, writes and maps no file, and ends at its limits") {
    const std::string written = modules() + "/hostile";
    const auto here = make_torchscript_backend({.plugin = plugin().path, .libtorch = "", .contexts = 1});
    std::string report;
    (void)here->import(std::make_shared<const Bytes>(module_bytes("hostile_writes")), numbers_request(), report, {});
    CHECK(fs::remove(written));  // in this process it is written, although nothing was run
    for (const char *name : {"hostile_writes", "hostile_maps"}) {
        CAPTURE(name);
        (void)imported(name, numbers_request());  // LibTorch does not look whether a file could be opened
        CHECK_FALSE(fs::exists(written));
    }
    CHECK(refusal("hostile_reads").find("model.ts: ") == 0);
    IsolationOptions brief = isolation();
    brief.seconds = 5;
    const int64_t begun = steady_clock().now_ns();
    CHECK(refusal("hostile_hangs", brief) == "model.ts: ended after 5 s while the importer was reading model.ts");
    CHECK(steady_clock().now_ns() - begun < int64_t{60} * 1'000'000'000);
    CHECK(refusal("hostile_fills").find("importing it takes more than 2048 MB") != std::string::npos);
}

TEST_CASE("a module that keeps state is refused where it is imported and where it runs") {
    for (const char *name : {"keeps_state", "keeps_state_in_view", "sets_attribute"}) {
        CAPTURE(name);
        const std::string message = refusal(name);
        INFO(message);
        CHECK(message.find("model.ts: ") == 0);
    }
}

TEST_CASE("a module gives the same outputs in a process of its own as in this one") {
    const auto bundle = module_bundle(as_text(module_bytes("tuple")), R"(
        "features": [{"name": "a", "type": "float32"}, {"name": "b", "type": "float32"}, {"name": "c", "type": "float32"},
                     {"name": "d", "type": "float32"}, {"name": "e", "type": "float32"}, {"name": "f", "type": "float32"}],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 6], "features": ["a", "b", "c", "d", "e", "f"]}],
        "outputs": [{"name": "sum", "source": 0, "shape": ["batch"], "primary": true},
                    {"name": "hidden", "source": 1, "shape": ["batch", 16]}])");
    std::vector<std::vector<float>> results;
    const auto here = make_torchscript_backend({.plugin = plugin().path, .libtorch = "", .contexts = 1});
    const auto apart = make_isolated_backend(isolation());
    for (Backend *backend : {static_cast<Backend *>(here.get()), apart.get()}) {
        auto program = backend->prepare(bundle, "");
        INFO(program.status().message);
        REQUIRE(program);
        auto executor = make_lone_executor(**program, 0, 1);
        REQUIRE(executor);
        const auto values = numbers(1, 6);
        std::vector<float> result(17);
        float *outputs[] = {result.data(), result.data() + 1};
        const TensorView view{DType::float32, {2, {1, 6}}, values.data()};
        Run run;
        run.inputs = {&view, 1};
        run.outputs = outputs;
        run.rows = 1;
        run.stop.clock = &steady_clock();
        const Status status = (*executor)->run(run);
        INFO(status.message);
        REQUIRE(status.ok());
        results.push_back(result);
    }
    CHECK(results[0] == results[1]);
}
