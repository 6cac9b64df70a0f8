// SPDX-License-Identifier: Apache-2.0
// Bundles without a plan: imported in a process of their own, or refused with what to do.
#include <sys/stat.h>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "support/fixture.hpp"
#include "unit/isolation/isolation_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

struct Unplanned {
    explicit Unplanned(const std::string &mode, Importing importing = Importing::isolated) : importer(mode) {
        FixtureOptions without;
        without.planned = false;
        write_fixture(path, without);
        if (mode == "good") importer.gives(write_graph(small_graph()));
        EngineOptions options;
        options.cpu_contexts = 1;
        options.importer = importing;
        options.isolation.program = importer.path();
        options.torch_plugin = "/nowhere/plugin.so";
        if (mode == "good") options.libtorch = directory.path();  // a cache has to know which one
        engine = *Engine::make(options);
    }
    std::vector<std::string> events() const {
        std::vector<std::string> all;
        wb_event event{};
        while (engine->runtime().events.take(event)) all.emplace_back(event.message);
        return all;
    }

    const ScratchDirectory directory;
    const std::string path = directory.path() + "/bundle";
    const TestImporter importer;
    Ref<Engine> engine;
};

}  // namespace

TEST_CASE("a bundle without a plan is imported, compiled in memory and held against its golden vectors") {
    Unplanned one("good");
    for (const char *precision : {"", "fp32", "int8"}) {
        CAPTURE(precision);
        LoadOptions options;
        options.precision = precision;
        const auto model = one.engine->load(one.path, options);
        INFO(model.status().message);
        REQUIRE(model);
        CHECK((*model)->program().backend() == WB_BACKEND_NATIVE);
        CHECK((*model)->bundle().imported());
        CHECK_FALSE((*model)->bundle().file("model.ts"));
        CHECK(one.importer.ended());
        bool warned = false;
        for (const std::string &event : one.events())
            warned = warned || event.find("it has no model.plan, so that its module was imported") != event.npos;
        CHECK(warned);
    }
    CHECK(list_directory(one.path)->size() == 3);  // nothing was written into it
}

TEST_CASE("a load's cache makes the second import unnecessary, in another engine too") {
    Unplanned one("good");
    LoadOptions options;
    options.import_cache = one.directory.path() + "/cache";
    REQUIRE(one.engine->load(one.path, options));
    REQUIRE(std::filesystem::remove(one.importer.path() + ".pid"));
    REQUIRE(one.engine->load(one.path, options));
    JsonValue report;
    REQUIRE(one.engine->compile(one.path, {}, options, report).ok());
    CHECK_FALSE(std::filesystem::exists(one.importer.path() + ".pid"));
    CHECK(list_directory(options.import_cache)->size() == 1);
}

TEST_CASE("without an importer, or with one that refuses, each engine's reason is told") {
    const Unplanned none("good", Importing::none);
    const Status sealed = none.engine->load(none.path, {}).status();
    CHECK(sealed.code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(sealed.message) ==
          "native: the bundle has no model.plan, and the engine's option importer is none: no module is read here; "
          "compile "
          "the bundle elsewhere");
    JsonValue report;
    CHECK(none.engine->compile(none.path, {}, {}, report).code == WB_BACKEND_UNAVAILABLE);
    CHECK_FALSE(std::filesystem::exists(none.importer.path() + ".pid"));

    const Unplanned refusing("refuses");
    const Status refused = refusing.engine->load(refusing.path, {}).status();
    CHECK(refused.code == WB_INVALID_BUNDLE);
    CHECK(std::string(refused.message) == "native: model.ts: aten::sort, model.py:3: s?rts");
    LoadOptions both;
    both.engines = {"native", "torchscript"};
    const Status neither = refusing.engine->load(refusing.path, both).status();
    CHECK(neither.code == WB_INVALID_BUNDLE);
    CHECK(std::string(neither.message).find("; torchscript: /nowhere/plugin.so: ") != std::string::npos);
}

TEST_CASE("a plan that an importer made up is caught by the golden vectors") {
    Unplanned one("good");
    const float other[] = {0.5f, 0.5f, -0.5f, 0.25f};
    std::filesystem::remove(one.importer.path() + ".graph");
    one.importer.gives(write_graph(fixture_graph({0.5f, -0.25f, 1.0f}, 0.0f, other)));
    CHECK(one.engine->load(one.path, {}).status().code == WB_VERIFY_FAILED);
}

TEST_CASE("a compilation in a process of its own writes the same plan as one in this process would") {
    Unplanned one("good");
    JsonValue report;
    const Status status = one.engine->compile(one.path, {}, {}, report);
    INFO(status.message);
    REQUIRE(status.ok());
    CHECK(report.find("plan_sha256"));
    CHECK(one.engine->load(one.path, {}));
    CHECK_FALSE((*one.engine->load(one.path, {}))->bundle().imported());
}
