// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/printable.hpp"

namespace weighbridge::cli {

namespace {

constexpr const char *footer =
    "Exit codes: 0 done; 1 refused or failed (one line on stderr says why); 2 the command line is wrong;\n"
    "3 done, but some rows were rejected; 130 interrupted, 143 terminated, 128 + n ended by signal n (what was done\n"
    "is written, in whole lines).";

int complain(const std::string &verb, std::string message, int code) {
    std::replace(message.begin(), message.end(), '\n', ' ');
    std::fprintf(stderr, "weighbridge%s%s: %s\n", verb.empty() ? "" : " ", verb.c_str(), printable(message).c_str());
    return code;
}

struct Entry {
    const char *name;
    const char *help;
    std::unique_ptr<Verb> verb;
};

int run(int argc, char **argv) {
    CLI::App app("Packs, checks and runs Weighbridge bundles.", "weighbridge");
    app.footer(footer);
    app.require_subcommand(1);
    Entry entries[] = {
        {"pack", "make a bundle from a TorchScript module and a manifest", make_pack()},
        {"compile", "compile a bundle's TorchScript to a plan that runs without LibTorch", make_compile()},
        {"inspect", "show what a bundle says of itself", make_inspect()},
        {"verify", "check digests, schema and golden vectors", make_verify()},
        {"encode", "show the tensors that rows become", make_encode()},
        {"score", "score a file of payments", make_score()},
        {"bench", "measure latency and throughput", make_bench()},
        {"version", "show version, CPU features and backends", make_version()},
    };
    for (Entry &entry : entries) {
        CLI::App *sub = app.add_subcommand(entry.name, entry.help);
        sub->footer(footer);
        entry.verb->declare(*sub);
    }
    std::string verb;
    try {
        app.parse(argc, argv);
        for (Entry &entry : entries) {
            if (!app.got_subcommand(entry.name)) continue;
            verb = entry.name;
            if (!abi_matches()) throw Failure(exit_failed, "the library has another C ABI than this command");
            return entry.verb->run();
        }
        return exit_usage;
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        for (const CLI::App *sub : app.get_subcommands()) verb = sub->get_name();
        return complain(verb, error.what(), exit_usage);
    } catch (const Failure &failure) {
        return complain(verb, failure.what(), failure.code());
    } catch (const std::exception &error) {
        return complain(verb, error.what(), exit_failed);
    }
}

}  // namespace

}  // namespace weighbridge::cli

int main(int argc, char **argv) { return weighbridge::cli::run(argc, argv); }
