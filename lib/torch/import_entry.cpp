// SPDX-License-Identifier: Apache-2.0
#include "import_entry.hpp"

#include <cstring>

#include "error_text.hpp"
#include "graph/graph_file.hpp"
#include "import.hpp"

namespace weighbridge::torch_plugin {
namespace {

ImportRequest read_request(const wb_plugin_import &from) {
    ImportRequest request;
    request.least_length = from.least_length;
    request.largest_length = from.largest_length;
    for (uint32_t i = 0; i < from.argument_count; ++i) {
        const wb_plugin_argument &argument = from.arguments[i];
        request.arguments.push_back({static_cast<lib::DType>(argument.dtype),
                                     {argument.shape, argument.shape + argument.rank},
                                     argument.content == WB_PLUGIN_CONTENT_REAL_MASK ? Content::real_mask
                                     : argument.content == WB_PLUGIN_CONTENT_LENGTHS ? Content::lengths
                                                                                     : Content::data});
    }
    for (uint32_t i = 0; i < from.output_count; ++i) {
        const wb_plugin_output &output = from.outputs[i];
        request.outputs.push_back({output.name,
                                   output.key ? output.key : "",
                                   static_cast<size_t>(output.index),
                                   {output.shape, output.shape + output.rank}});
    }
    return request;
}

}  // namespace

int32_t import_graph(const void *bytes, uint64_t size, const wb_plugin_import *request, wb_plugin_sink graph,
                     wb_plugin_sink report, void *payload) {
    try {
        try {
            const lib::Bytes file =
                lib::write_graph(import_module(bytes, static_cast<size_t>(size), read_request(*request)));
            graph(file.data(), file.size(), payload);
            return WB_OK;
        } catch (const Refusal &refusal) {
            const std::string lines = printable(refusal.message);
            report(lines.data(), lines.size(), payload);
            return refusal.code;
        }
    } catch (...) {
        char line[512];
        const int32_t code = write_exception(WB_INVALID_BUNDLE, line, sizeof line);
        report(line, std::strlen(line), payload);
        return code;
    }
}

}  // namespace weighbridge::torch_plugin
