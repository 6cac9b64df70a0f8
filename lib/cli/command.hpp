// SPDX-License-Identifier: Apache-2.0
// What the verbs share: exit codes, failures, the options that load a model, reports.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "weighbridge.hpp"

namespace weighbridge::cli {

class Options;
class Report;

// Exit codes, in --help and README.md.
enum Exit : int {
    exit_ok = 0,
    exit_failed = 1,   // refused or failed; stderr says why in one line
    exit_usage = 2,    // the command line is wrong
    exit_rejected = 3  // done, but some rows were rejected
};                     // 128 + a signal's number: interrupt.hpp

// Ends the command with a line on stderr.
class Failure : public std::runtime_error {
  public:
    Failure(int code, const std::string &message) : std::runtime_error(message), code_(code) {}
    int code() const { return code_; }

  private:
    int code_;
};

// A verb of the command. Failures of run() are Failure or weighbridge::Exception.
class Verb {
  public:
    virtual ~Verb() = default;
    virtual void declare(Options &options) = 0;
    virtual int run() = 0;
};

std::unique_ptr<Verb> make_pack();
std::unique_ptr<Verb> make_compile();
std::unique_ptr<Verb> make_inspect();
std::unique_ptr<Verb> make_verify();
std::unique_ptr<Verb> make_keygen();
std::unique_ptr<Verb> make_sign();
std::unique_ptr<Verb> make_scan();
std::unique_ptr<Verb> make_encode();
std::unique_ptr<Verb> make_score();
std::unique_ptr<Verb> make_bench();
std::unique_ptr<Verb> make_codegen();
std::unique_ptr<Verb> make_version();

// Names that the library takes.
std::vector<std::string> precision_names();

// The options of verbs that load a bundle.
struct ModelChoice {
    std::string directory, backend, precision, cpu_level, torch_plugin, libtorch, importer;
    std::string import_cache = "default";
    bool allow_amx = false;
    uint32_t contexts = 0;                           // 0: automatic
    std::string devices, cuda_driver, cuda_kernels;  // in the place of contexts
    std::optional<uint32_t> queue_limit = {};        // none: the library's default
    bool verify = true;
    bool join = true;                      // single rows that wait
    std::vector<std::string> public_keys;  // trusted ones, as KEY or ROLE=KEY
    std::string signatures_required, expected_name;

    // `directory` is declared by the verb's DIR; engine_options alone for verbs without a model.
    void declare_directory(Options &options);
    void declare_engine(Options &options);
    void declare_load(Options &options);
    void declare_devices(Options &options);
    void declare_no_verify(Options &options);  // for verbs that do not verify anyway
    Engine engine() const;
    LoadOptions load() const;
    // Loads `directory`. With `devices`, what the engine warns of goes to stderr: why a model stays on the CPU.
    Model loaded(Engine &engine) const;
    // The directory that keeps imports; "" for none.
    std::string cache() const;
};

// Prints a report to the file `path`: as JSON, or as tables.
void print_report(const Report &report, bool json, const std::string &path = "-");
// The same of one that the library wrote, in JSON, which is printed as it is.
void print_report(const std::string &report, bool json);
// The same, but where tables are printed, lines that `take` takes out of it stand before or behind them.
enum class Lines { before, behind };
void print_report(const std::string &report, bool json, Lines place, const std::function<std::string(Report &)> &take);
// A line on stderr where the bundle's identity.not_after is past.
void warn_of_end(const std::string &directory);
// Takes a list of texts out of a report, which tables have no room for: a line each, behind `head`.
std::string take_lines(Report &report, std::string_view name, const std::string &head = "");

}  // namespace weighbridge::cli
