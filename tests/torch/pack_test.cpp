// SPDX-License-Identifier: Apache-2.0
// Packing without golden vectors, through LibTorch: models over a history, which mostly take no empty one.
#include <cstdlib>
#include <filesystem>

#include "bundle/pack.hpp"
#include "engine/engine.hpp"
#include "feature/row.hpp"
#include "support/catch.hpp"
#include "support/module_bundle.hpp"
#include "torch_fixture.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr const char *kManifest = R"({"weighbridge": {"format": 1}, "identity": {"name": "history", "version": "1"},
    "features": [{"name": "past", "type": "sequence", "of": "float32", "missing": {"default": []}}],
    "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length", 1], "features": ["past"]},
                {"name": "mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"}],
    "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 16}, "fallback": {"score": 0.25}})";

}  // namespace

TEST_CASE("a module over a history is packed, loaded and served from the shortest one that it takes") {
    EngineOptions options;
    options.cpu_contexts = 1;
    options.torch_plugin = plugin().path;
    options.isolation.program = std::filesystem::path(plugin().path).parent_path().string() + "/weighbridge-importer";
    auto engine = *Engine::make(options);
    const struct {
        const char *module;
        int64_t least;
    } cases[] = {{"nested", 1}, {"sequence", 1}, {"kernel", 5}};
    for (const auto &one : cases) {
        CAPTURE(one.module);
        const ScratchDirectory directory;
        directory.write("model.ts", as_text(module_bytes(one.module)));
        directory.write("manifest.json", kManifest);
        PackRequest request;
        request.module = directory.path() + "/model.ts";
        request.manifest = directory.path() + "/manifest.json";
        request.out_dir = directory.path() + "/bundle";
        using BundleRef = std::shared_ptr<const Bundle>;
        const Status packed = pack_bundle(
            request, [&](const BundleRef &bundle) { return engine->compute_golden(bundle, 8); },
            [&](const BundleRef &bundle) { return engine->try_shortest(bundle); });
        INFO(packed.message);
        REQUIRE(packed.ok());

        LoadOptions load;
        load.engines = {"torchscript"};
        Target target;
        auto model = engine->load(request.out_dir, load);
        INFO(model.status().message);
        REQUIRE(model);
        target.model = *model;
        CHECK(target.model->bundle().manifest().limits.least_length == one.least);
        const Schema &schema = *target.model->bundle().schema();
        for (int64_t length : {int64_t{0}, one.least - 1, one.least}) {
            CAPTURE(length);
            std::string json = R"({"past": [)";
            for (int64_t i = 0; i < length; ++i) json += i == 0 ? "1" : ", 1";
            std::vector<uint64_t> row(64);
            REQUIRE(init_row(schema, row.data(), row.size() * 8).ok());
            REQUIRE(
                set_row_json(schema, row.data(), json + "]}", target.model->bundle().manifest().limits.length).ok());
            wb_result result = WB_RESULT_INIT;
            const Status status = engine->score(target, row.data(), CallOptions{}, {}, result);
            CHECK(status.code == (length < one.least ? WB_OK_FALLBACK : WB_OK));
            CHECK(result.reason == (length < one.least ? WB_REASON_SHORT : WB_REASON_NONE));
            if (length < one.least) CHECK(result.score == 0.25);
        }
    }
}
