// SPDX-License-Identifier: Apache-2.0
#include "importer/service.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "graph/graph_file.hpp"

namespace weighbridge::lib {
namespace {

constexpr wb_plugin_device kCpu{0, 0, nullptr};

using ErrorLine = char[512];

ImporterReply said(int32_t code, std::string_view text) {
    const ByteView bytes = as_bytes(text);
    return {code, Bytes(bytes.begin(), bytes.end())};
}

void store(const void *bytes, uint64_t size, void *to) {
    const auto *from = static_cast<const std::byte *>(bytes);
    static_cast<Bytes *>(to)->assign(from, from + size);
}

}  // namespace

ImporterService::~ImporterService() {
    if (module_) plugin_.table->unload(module_);
}

Status ImporterService::open(const ImporterStart &start) {
    auto plugin = open_plugin(start.plugin, start.libtorch, start.plugin_directory);
    if (!plugin) return plugin.status();
    plugin_ = *std::move(plugin);
    ErrorLine line = "";
    int32_t code = plugin_.table->thread_init(line, sizeof line);
    if (code == WB_OK) code = plugin_.table->prime(line, sizeof line);
    return code == WB_OK ? Status() : Status::failure(WB_BACKEND_UNAVAILABLE, "{}: {}", plugin_.path, line);
}

ImporterReply ImporterService::perform(WireKind kind, ByteView body) {
    try {
        if (kind == WireKind::import_module) return import_module(body);
        if (kind == WireKind::load) return load(body);
        if (kind == WireKind::run) return run(body);
        return said(WB_INVALID_ARGUMENT, "importer: expected an order to import, load or run, found another");
    } catch (const std::bad_alloc &) {
        return said(WB_OUT_OF_MEMORY, "out of memory");
    }
}

ImporterReply ImporterService::import_module(ByteView body) const {
    Cursor from(body);
    uint64_t size = 0;
    if (!from.take(&size) || size > from.rest().size())
        return said(WB_INVALID_ARGUMENT, "importer: expected a request, found fewer bytes");
    const ByteView request = from.rest().first(static_cast<size_t>(size));
    const ByteView module = from.rest().subspan(request.size());
    ImporterReply reply;
    reply.code = plugin_.table->import_module(module.data(), module.size(), request.data(), request.size(), store,
                                              store, &reply.body);
    return reply;
}

ImporterReply ImporterService::load(ByteView body) {
    Cursor from(body);
    uint64_t arguments = 0;
    if (!from.take(&arguments) || module_)
        return said(WB_INVALID_ARGUMENT, "importer: expected one order to load, found another");
    ErrorLine line = "";
    const int32_t code = plugin_.table->load(&module_, from.rest().data(), from.rest().size(), kCpu,
                                             static_cast<uint32_t>(arguments), line, sizeof line);
    return said(code, line);
}

ImporterReply ImporterService::run(ByteView body) const {
    const auto order = read_run(body);
    if (!order || !module_) return said(WB_INVALID_ARGUMENT, "importer: expected a loaded module and an order to run");
    std::vector<wb_plugin_tensor> inputs;
    for (const WireTensor &one : order->inputs) {
        wb_plugin_tensor input{one.dtype, static_cast<int32_t>(one.shape.size()), {}, one.data.data()};
        std::copy(one.shape.begin(), one.shape.end(), input.shape);
        inputs.push_back(input);
    }
    std::vector<wb_plugin_output> outputs;
    uint64_t elements = 0;
    for (const WireOutput &one : order->outputs) {
        wb_plugin_output output{};
        output.name = one.name.c_str();
        if (!one.key.empty()) output.key = one.key.c_str();
        output.index = one.index;
        output.rank = static_cast<int32_t>(one.shape.size());
        std::copy(one.shape.begin(), one.shape.end(), output.shape);
        outputs.push_back(output);
        uint64_t count = 1;
        for (const int64_t size : one.shape) count *= static_cast<uint64_t>(size);
        elements += count;
    }
    ImporterReply reply;
    reply.body.resize(elements * sizeof(float));
    auto *data = reinterpret_cast<float *>(reply.body.data());
    for (wb_plugin_output &output : outputs) {
        output.data = data;
        int64_t count = 1;
        for (int32_t i = 0; i < output.rank; ++i) count *= output.shape[i];
        data += count;
    }
    ErrorLine line = "";
    reply.code = plugin_.table->run(module_, kCpu, inputs.data(), static_cast<uint32_t>(inputs.size()), outputs.data(),
                                    static_cast<uint32_t>(outputs.size()), line, sizeof line);
    return reply.code == WB_OK ? std::move(reply) : said(reply.code, line);
}

}  // namespace weighbridge::lib
