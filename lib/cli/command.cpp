// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>

namespace weighbridge::cli {

namespace {

std::string absolute(const std::string &path) { return path.empty() ? path : std::filesystem::absolute(path).string(); }

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

}  // namespace weighbridge::cli
