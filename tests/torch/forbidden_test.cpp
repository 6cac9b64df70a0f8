// SPDX-License-Identifier: Apache-2.0
// What leaves the sandbox is refused by name, in the same words, whether a module is served or compiled, and nothing of
// it has run by then. forbidden_modules.py makes the modules.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "compile/import_request.hpp"
#include "support/catch.hpp"
#include "torch_fixture.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

std::string folder() { return std::getenv("WEIGHBRIDGE_TEST_MODULES"); }

struct Imported {
    int32_t code = WB_OK;
    std::string report;
};

Imported imported(const std::string &name) {
    Imported result;
    const Bytes bytes = module_bytes(name);
    const auto worker = context_thread();
    on_thread(*worker, [&] {
        const Bytes request = write_request({{{DType::float32, {kBatch, 6}}}, {{"score", "", 0, {kBatch}}}});
        auto ignore = [](const void *, uint64_t, void *) {};
        auto keep = [](const void *text, uint64_t size, void *to) {
            static_cast<Imported *>(to)->report.assign(static_cast<const char *>(text), size);
        };
        result.code = plugin().table->import_module(bytes.data(), bytes.size(), request.data(), request.size(), ignore,
                                                    keep, &result);
    });
    return result;
}

}  // namespace

TEST_CASE("operators that leave the sandbox are refused alike at load and at import, before anything runs") {
    std::ifstream list(folder() + "/forbidden.txt");
    int count = 0;
    for (std::string name, op; list >> name >> op; ++count) {
        CAPTURE(name);
        std::string printed, served, compiled;
        {
            const CapturedOutput output;
            const auto worker = context_thread();
            const Loaded loaded(*worker, module_bytes("forbidden_" + name), 1);
            const Imported import = imported("forbidden_" + name);
            CHECK(loaded.code == WB_INVALID_BUNDLE);
            CHECK(import.code == WB_INVALID_BUNDLE);
            served = loaded.message;
            compiled = import.report;
            printed = output.text();
        }
        CHECK(served.substr(0, served.find(": remove")) == compiled.substr(0, compiled.find(": remove")));
        CHECK(served.starts_with("forward uses " + op));
        CHECK(served.find("which a served module must not (it ") != std::string::npos);
        CHECK(printed.empty());
        CHECK_FALSE(std::filesystem::exists(folder() + "/written"));
    }
    CHECK(count >= 14);
}

TEST_CASE("a warning that freezing leaves is served and compiled without a word") {
    std::string printed;
    Imported import;
    {
        const CapturedOutput output;
        const auto worker = context_thread();
        Loaded loaded(*worker, module_bytes("warns"), 1);
        REQUIRE(loaded.code == WB_OK);
        CHECK(loaded.run(*worker, {numbers_input()}, {{"score", {3}}}).code == WB_OK);
        import = imported("warns");
        printed = output.text();
    }
    INFO(import.report);
    CHECK(import.code == WB_OK);
    CHECK(printed.empty());
}

TEST_CASE("a print in a branch that freezing takes away is no print") {
    const auto worker = context_thread();
    CHECK(Loaded(*worker, module_bytes("prints_in_debug"), 1).code == WB_OK);
    CHECK(imported("prints_in_debug").code == WB_OK);
}
