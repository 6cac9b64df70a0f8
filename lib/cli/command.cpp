// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weighbridge::cli {

namespace {

std::string absolute(const std::string &path) { return path.empty() ? path : std::filesystem::absolute(path).string(); }

// Standard streams are used as they are: opening them by name would truncate where they are redirected to a file.
std::FILE *open_file(const std::string &path) {
    if (path == "-") return stdout;
    if (path == to_stderr) return stderr;
    return std::fopen(path.c_str(), "wb");
}

bool is_standard(std::FILE *file) { return file == stdout || file == stderr; }

}  // namespace

void ModelChoice::declare_directory(CLI::App &app) {
    app.add_option("DIR", directory, "the bundle's directory")->required()->type_name("");
}

void ModelChoice::declare_engine(CLI::App &app) {
    app.add_option("--torch-plugin", torch_plugin, "libweighbridge_torch-<minor>.so (default: beside the library)");
    app.add_option("--libtorch", libtorch, "LibTorch's lib directory");
}

void ModelChoice::declare_load(CLI::App &app) {
    app.add_option("--backend", backend,
                   "native, reference, torchscript, or a list, best first (default native,reference); "
                   "torchscript runs the module's code: only for bundles that you trust");
    app.add_option("--precision", precision, "fp32, bf16, int8, int8bf16 (default: the plan's first)");
    app.add_option("--cpu-level", cpu_level,
                   "most that native kernels may use: portable, avx2, avx512, avx512_vnni, avx512_bf16, amx");
    app.add_flag("--allow-amx", allow_amx, "ask Linux for AMX tiles");
    app.add_flag("!--no-verify", verify, "load without reproducing the golden vectors");
    declare_engine(app);
}

Engine ModelChoice::engine() const {
    EngineOptions options;
    if (contexts) options.devices = "cpu=" + std::to_string(contexts);
    options.cpu_level = cpu_level;
    options.allow_amx = allow_amx;
    options.torch_plugin = absolute(torch_plugin);
    options.libtorch = absolute(libtorch);
    return Engine::create(options).value();
}

LoadOptions ModelChoice::load() const { return {.engines = backend, .precision = precision, .verify = verify}; }

Output::Output(const std::string &path) : path_(path), file_(open_file(path)) {
    if (!file_) throw Failure(exit_failed, "'" + path + "' cannot be written: " + std::strerror(errno));
}

Output::~Output() {
    if (file_ && !is_standard(file_)) std::fclose(file_);
}

void Output::write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size())
        throw Failure(exit_failed, "'" + path_ + "' cannot be written: " + std::strerror(errno));
}

void Output::close() {
    std::FILE *file = std::exchange(file_, nullptr);
    if (!file) return;
    int result = is_standard(file) ? std::fflush(file) : std::fclose(file);
    if (result != 0) throw Failure(exit_failed, "'" + path_ + "' cannot be written: " + std::strerror(errno));
}

}  // namespace weighbridge::cli
