// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "torchscript/plugin_api.h"

namespace weighbridge::torch_plugin {

// wb_plugin_v1's load, unload and run; torchscript/plugin_api.h has the contract.
int32_t load(wb_plugin_module **out, const void *bytes, uint64_t size, wb_plugin_device device, uint32_t arguments,
             char *error, uint32_t error_bytes);
void unload(wb_plugin_module *module);
int32_t run(wb_plugin_module *module, wb_plugin_device device, const wb_plugin_tensor *inputs, uint32_t input_count,
            wb_plugin_output *outputs, uint32_t output_count, char *error, uint32_t error_bytes);

}  // namespace weighbridge::torch_plugin
