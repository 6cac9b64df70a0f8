// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weighbridge::torch_plugin {

// wb_plugin_v1::prime; torchscript/plugin_api.h has the contract.
int32_t prime(char *error, uint32_t error_bytes);

}  // namespace weighbridge::torch_plugin
