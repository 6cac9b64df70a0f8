// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/printable.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

// What the library takes as a cache: a directory of this user's that no other may write or read, or none yet.
bool may_be_cache(const std::string &path) {
    struct stat found;
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT;
    return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077) == 0;
}

// $XDG_CACHE_HOME/weighbridge, or ~/.cache/weighbridge; "" where it cannot be used: nobody asked for it.
std::string default_cache() {
    const char *base = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
    std::string parent = base ? base : "";
    if (parent.empty() && home) parent = std::string(home) + "/.cache";
    if (!parent.starts_with('/') || ::access(parent.c_str(), W_OK | X_OK) != 0) return {};
    const std::string path = parent + "/weighbridge";
    return may_be_cache(path) ? path : "";
}

std::string absolute(const std::string &path) { return path.empty() ? path : std::filesystem::absolute(path).string(); }

}  // namespace

std::vector<std::string> precision_names() { return {"fp32", "bf16", "int8", "int8bf16"}; }

void ModelChoice::declare_directory(Options &options) { options.argument("DIR", directory, "the bundle's directory"); }

void ModelChoice::declare_engine(Options &options) {
    options.text("--torch-plugin", torch_plugin, "libweighbridge_torch-<minor>.so (default: beside the library)");
    options.text("--libtorch", libtorch, "LibTorch's lib directory");
    options.name("--importer", importer, {"isolated", "process", "in_process", "none"},
                 "where TorchScript is imported: isolated (default), in a sandboxed process of its own; process, with "
                 "what of the sandbox the system allows; in_process, only for modules that you trust; none");
    options.text("--import-cache", import_cache,
                 "directory of your own that keeps imports (default: $XDG_CACHE_HOME/weighbridge, or "
                 "~/.cache/weighbridge), or none");
}

void ModelChoice::declare_load(Options &options) {
    options.names("--backend", backend, {"native", "reference", "torchscript"},
                  "native, reference, torchscript, or a list, best first (default native,reference); "
                  "torchscript runs the module's code: only for bundles that you trust");
    options.name("--precision", precision, precision_names(), "fp32, bf16, int8, int8bf16 (default: the plan's first)");
    options.name("--cpu-level", cpu_level, {"portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx"},
                 "most that native kernels may use: portable, avx2, avx512, avx512_vnni, avx512_bf16, amx");
    options.flag("--allow-amx", allow_amx, "ask Linux for AMX tiles");
    options.texts("--public-key", public_keys,
                  "a trusted key, as FILE or ROLE=FILE (repeat): refuse the bundle without "
                  "its signatures");
    options.text("--required", signatures_required,
                 "with --public-key: how many keys have to have signed, as 2 or "
                 "owner=1,risk=1 (default: one of each role)");
    options.word("--expected-name", expected_name, "the only bundle's name that is taken, whoever signed it");
    declare_engine(options);
}

void ModelChoice::declare_devices(Options &options) {
    options.text("--devices", devices,
                 "what runs them, as the engine's option: cuda:0=4,cpu=2 (in place of --contexts)");
    options.text("--cuda-driver", cuda_driver, "the CUDA driver's library (default: the system's libcuda.so.1)");
    options.text("--cuda-kernels", cuda_kernels, "the file of GPU kernels (default: beside the library)");
}

void ModelChoice::declare_no_verify(Options &options) {
    options.negation("--no-verify", verify, "load without reproducing the golden vectors");
}

Engine ModelChoice::engine() const {
    EngineOptions options;
    if (contexts && !devices.empty())
        throw Failure(exit_usage, "expected --contexts or --devices, which has contexts of its own, got both");
    options.devices = contexts ? "cpu=" + std::to_string(contexts) : devices;
    if (!cuda_driver.empty()) options.named.emplace_back("cuda_driver", absolute(cuda_driver));
    if (!cuda_kernels.empty()) options.named.emplace_back("cuda_kernels", absolute(cuda_kernels));
    options.queue_limit = queue_limit;
    if (!join) options.named.emplace_back("join", "0");
    options.cpu_level = cpu_level;
    options.allow_amx = allow_amx;
    options.torch_plugin = absolute(torch_plugin);
    options.libtorch = absolute(libtorch);
    if (!importer.empty()) options.named.emplace_back("importer", importer);
    return Engine::create(options).value();
}

LoadOptions ModelChoice::load() const {
    LoadOptions options{
        .engines = backend,
        .precision = precision,
        .verify = verify,
        .named = {{"import_cache", cache()}, {"context_bytes", "1099511627776"}}};  // who runs it chose the bundle
    std::string keys;
    for (const std::string &key : public_keys) keys += key + "\n";
    if (!keys.empty()) options.named.emplace_back("trusted_keys", keys);
    if (!expected_name.empty()) options.named.emplace_back("expected_name", expected_name);
    if (!signatures_required.empty()) options.named.emplace_back("signatures_required", signatures_required);
    return options;
}

Model ModelChoice::loaded(Engine &engine) const {
    Model model = Model::load(engine, directory, load()).value();
    if (devices.empty()) return model;
    for (const wb_event &event : engine.events().value().taken)
        if (event.event == WB_LOG_WARNING) std::fprintf(stderr, "warning: %s\n", printable(event.message).c_str());
    return model;
}

std::string ModelChoice::cache() const {
    if (import_cache == "none") return {};
    return import_cache == "default" ? default_cache() : absolute(import_cache);
}

void print_report(const Report &report, bool json, const std::string &path) {
    Output output(path);
    output.write(json ? report.json() + "\n" : report.tables());
    output.close();
}

// Both are UTC as 2026-11-01T00:00:00Z, so that texts compare as times do.
void warn_of_end(const std::string &directory) {
    const auto found = inspect(directory);
    if (!found) return;  // as where a signature of another role is an old one
    const std::string not_after = Report::parse(*found)["identity"]["not_after"].text();
    const std::time_t now = std::time(nullptr);
    std::tm parts = {};
    char text[32] = {};
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    if (!not_after.empty() && not_after < text)
        std::fprintf(stderr, "identity.not_after is %s, which is past: this bundle loads nowhere\n", not_after.c_str());
}

std::string take_lines(Report &report, std::string_view name, const std::string &head) {
    std::string lines;
    if (report.is_part())
        for (const auto &[unnamed, line] : report[name].members()) lines += head + printable(line.text()) + "\n";
    report.erase(name);
    return lines;
}

void print_report(const std::string &report, bool json) {
    if (!json) return print_report(Report::parse(report), json);
    Output output("-");
    output.write(report + "\n");
    output.close();
}

void print_report(const std::string &report, bool json, Lines place, const std::function<std::string(Report &)> &take) {
    if (json) return print_report(report, json);
    Report read = Report::parse(report);
    const std::string lines = take(read), tables = read.tables();
    Output output("-");
    output.write(place == Lines::before ? lines + tables : tables + lines);
    output.close();
}

}  // namespace weighbridge::cli
