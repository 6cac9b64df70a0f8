// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <exception>
#include <string>

#include "cli/command.hpp"
#include "cli/options.hpp"
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
    CommandLine line("Packs, checks and runs Weighbridge bundles.", footer);
    Entry entries[] = {
        {"pack", "make a bundle from a TorchScript module and a manifest", make_pack()},
        {"compile", "compile a bundle's TorchScript to a plan that runs without LibTorch", make_compile()},
        {"inspect", "show what a bundle says of itself", make_inspect()},
        {"verify", "check signatures, digests, schema and golden vectors", make_verify()},
        {"keygen", "make a key pair for signatures", make_keygen()},
        {"sign", "sign a bundle", make_sign()},
        {"scan", "say what a TorchScript file would do, and whether a rule refuses it", make_scan()},
        {"encode", "show the tensors that rows become", make_encode()},
        {"score", "score a file of payments", make_score()},
        {"bench", "measure latency and throughput", make_bench()},
        {"codegen", "write a type that holds a payment, in another language", make_codegen()},
        {"version", "show version, CPU features and backends", make_version()},
    };
    for (Entry &entry : entries) {
        Options options = line.add_verb(entry.name, entry.help);
        entry.verb->declare(options);
    }
    try {
        if (!line.parse(argc, argv)) return exit_ok;
        if (!abi_matches()) throw Failure(exit_failed, "the library has another C ABI than this command");
        auto entry = std::find_if(std::begin(entries), std::end(entries),
                                  [&](const Entry &candidate) { return candidate.name == line.verb(); });
        return entry->verb->run();
    } catch (const Failure &failure) {
        return complain(line.verb(), failure.what(), failure.code());
    } catch (const std::exception &error) {
        return complain(line.verb(), error.what(), exit_failed);
    }
}

}  // namespace

}  // namespace weighbridge::cli

int main(int argc, char **argv) {
    std::signal(SIGXFSZ, SIG_IGN);  // a file beyond its limit is an error with a message, not an end without one
    return weighbridge::cli::run(argc, argv);
}
