// SPDX-License-Identifier: Apache-2.0
#include "isolation/isolated_importer.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/own_directory.hpp"
#include "bundle/manifest.hpp"
#include "graph/graph_file.hpp"
#include "torchscript/plugin_loader.hpp"

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

class IsolatedImporter final : public Importer {
  public:
    explicit IsolatedImporter(IsolationOptions options) : options_(std::move(options)) {}

    Expected<Graph> import(std::shared_ptr<const Bytes> module, const ImportRequest &request, std::string &report,
                           const StopSource &stop) override {
        const uint64_t memory = importer_memory_bytes(options_, module->size());
        auto process = ImporterProcess::start(options_, memory, stop);
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

    std::string identity() const override {
        const std::string libtorch = importer_libtorch(options_);
        std::string files = state_of(importer_program(options_));
        if (!options_.plugin.empty()) files += state_of(options_.plugin);
        if (options_.plugin.empty())
            for (const PluginFile &file : plugins_in(own_directory())) files += state_of(file.path);
        if (!libtorch.empty()) files += formatted("{} {}\n", libtorch, libtorch_version(libtorch));
        return formatted("{}\n{}", importer_version(), files);
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
