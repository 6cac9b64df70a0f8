// SPDX-License-Identifier: Apache-2.0
#include "isolation/isolated_importer.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/own_directory.hpp"
#include "bundle/manifest.hpp"
#include "graph/graph_file.hpp"
#include "isolation/import_turn.hpp"
#include "torchscript/plugin_loader.hpp"
#include "torchscript/runpath.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A graph has the module's tensors, float32 where they were half of that, and what importing computed of them.
uint64_t graph_limit_bytes(uint64_t module_bytes) { return 256 * kMiB + 4 * module_bytes; }

// A file as it is now, for what depends on it.
std::string state_of(const std::string &path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return formatted("{} none\n", path);
    return formatted("{} {} {}.{}\n", path, about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
}

constexpr const char *kLibraries[] = {"libc10.so", "libtorch_cpu.so"};  // that know operators and files

// The lib directory of the LibTorch that a plug-in's own RUNPATH leads to; "" where it leads to none.
std::string found_libtorch(const std::string &plugin) {
    for (const std::string &directory : runpath_of(plugin)) {
        struct stat about {};
        if (::stat(formatted("{}/libtorch_cpu.so", directory).c_str(), &about) == 0) return directory;
    }
    return "";
}

class IsolatedImporter final : public Importer {
  public:
    explicit IsolatedImporter(IsolationOptions options) : options_(std::move(options)) {}

    Expected<Graph> import(std::shared_ptr<const Bytes> module, const ImportRequest &request, std::string &report,
                           const StopSource &stop) override {
        const uint64_t memory = importer_memory_bytes(options_, module->size());
        const auto turn = ImportTurn::take(stop);
        if (!turn) return turn.status();
        auto process = ImporterProcess::start(options_, {memory, one_order_s(options_)}, stop);
        if (!process) return process.status();
        const Bytes asked = write_request(request);
        Bytes size;
        put(size, static_cast<uint64_t>(asked.size()));
        const ByteView parts[] = {size, asked, *module};
        auto reply = (*process)->call(WireKind::import_module, parts, graph_limit_bytes(module->size()), stop,
                                      "the importer was reading model.ts");
        if (!reply) {
            if (stop.poll() != WB_OK) return reply.status();
            return Status::failure(WB_INVALID_BUNDLE, "{}: {}", kModuleFile, reply.status().message);
        }
        if (reply->code == WB_OK) return graph_of(reply->body);
        const std::string lines = wire_text(reply->body);
        if (reply->code == WB_OUT_OF_MEMORY)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "{}: importing it takes more than {} MB, or more than this system has: raise "
                                   "importer_memory_mb",
                                   kModuleFile, memory / kMiB);
        if (reply->code == WB_INVALID_BUNDLE) report = lines;
        return Status::failure(WB_INVALID_BUNDLE, "{}: {}", kModuleFile, lines.substr(0, lines.find('\n')));
    }

    // "" where it is not known which LibTorch it opens.
    std::string identity() const override {
        std::vector<PluginFile> plugins = plugins_in(own_directory());
        if (!options_.plugin.empty()) plugins = {{options_.plugin, {}}};
        std::string libtorch = importer_libtorch(options_);
        if (libtorch.empty() && !plugins.empty()) libtorch = found_libtorch(plugins.front().path);
        if (libtorch.empty()) return {};
        std::string files = state_of(importer_program(options_));
        for (const PluginFile &file : plugins) files += state_of(file.path);
        for (const char *library : kLibraries) files += state_of(formatted("{}/{}", libtorch, library));
        return formatted("{}\nLibTorch {}\n{}", importer_version(), libtorch_version(libtorch), files);
    }

  private:
    static Expected<Graph> graph_of(ByteView bytes) {
        auto graph = read_graph(bytes);
        if (graph) return graph;
        return Status::failure(WB_INVALID_BUNDLE, "{}: what its importer gave is refused: {}", kModuleFile,
                               graph.status().message);
    }

    const IsolationOptions options_;
};

}  // namespace

std::unique_ptr<Importer> make_isolated_importer(IsolationOptions options) {
    return std::make_unique<IsolatedImporter>(std::move(options));
}

}  // namespace weighbridge::lib
