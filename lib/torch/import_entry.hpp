// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "torchscript/plugin_api.h"

namespace weighbridge::torch_plugin {

// wb_plugin_v1::import_module; torchscript/plugin_api.h has the contract.
int32_t import_graph(const void *bytes, uint64_t size, const void *request, uint64_t request_size, wb_plugin_sink graph,
                     wb_plugin_sink report, void *payload);

}  // namespace weighbridge::torch_plugin
