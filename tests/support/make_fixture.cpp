// SPDX-License-Identifier: Apache-2.0
// make_fixture DIR: (re)makes the fixture bundles in DIR.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "support/fixture.hpp"

int main(int argc, char **argv) {
    using weighbridge::test::FixtureOptions;
    if (argc != 2) return std::fprintf(stderr, "usage: make_fixture DIR\n"), 2;
    const std::string dir = argv[1];
    try {
        std::filesystem::remove_all(dir);
        std::filesystem::create_directories(dir);
        auto write = [&](const char *name, auto set) {
            FixtureOptions options;
            set(options);
            weighbridge::test::write_fixture(dir + "/" + name, options);
        };
        write("mlp", [](FixtureOptions &) {});
        write("mlp-v2", [](FixtureOptions &o) { o.version = "2.0.0", o.bias = 1.0; });
        write("mlp-extra", [](FixtureOptions &o) { o.version = "3.0.0", o.extra_feature = true; });
        write("mlp-renamed", [](FixtureOptions &o) { o.version = "4.0.0", o.renamed = true; });
        write("mlp-unplanned", [](FixtureOptions &o) { o.planned = false; });
        write("mlp-wrong-golden", [](FixtureOptions &o) { o.wrong_golden = true; });
        write("mlp-steep", [](FixtureOptions &o) { o.extra_feature = true, o.steep = 64.0; });
        write("mlp-steep-slot",
              [](FixtureOptions &o) { o.extra_feature = true, o.steep = 64.0, o.fallback_slot = "spare"; });
        auto replace = [](std::string text, const std::string &from, const std::string &to) {
            return text.replace(text.find(from), from.size(), to);
        };
        write("mlp-usd", [&](FixtureOptions &o) {
            o.version = "6.0.0";
            o.manifest = [&](const std::string &text) { return replace(text, "EUR", "USD"); };
        });
        write("mlp-wider", [&](FixtureOptions &o) {
            o.version = "7.0.0";
            o.manifest = [&](const std::string &text) { return replace(text, "[0, 10000000]", "[0, 20000000]"); };
        });
        auto repeated = [](const std::string &golden) {
            std::string lines;
            for (int i = 0; i < 500; ++i) lines += golden;
            return lines;
        };
        write("mlp-long-golden", [&](FixtureOptions &o) { o.golden = repeated; });
        write("mlp-long-wrong-golden", [&](FixtureOptions &o) { o.wrong_golden = true, o.golden = repeated; });
        write("mlp-fallback-slot", [](FixtureOptions &o) { o.version = "5.0.0", o.fallback_slot = "spare"; });
    } catch (const std::exception &e) {
        return std::fprintf(stderr, "make_fixture: %s\n", e.what()), 1;
    }
    return 0;
}
