// SPDX-License-Identifier: Apache-2.0
#include "import_entry.hpp"

#include <cstring>

#include "error_text.hpp"
#include "graph/graph_file.hpp"
#include "import.hpp"

namespace weighbridge::torch_plugin {
int32_t import_graph(const void *bytes, uint64_t size, const void *request, uint64_t request_size, wb_plugin_sink graph,
                     wb_plugin_sink report, void *payload) {
    try {
        try {
            const auto asked = lib::read_request({static_cast<const std::byte *>(request), request_size});
            if (!asked) throw Refusal{asked.status().code, asked.status().message};
            const lib::Bytes file = lib::write_graph(import_module(bytes, static_cast<size_t>(size), *asked));
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
