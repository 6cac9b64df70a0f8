// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"

namespace weighbridge::lib {

// Reads the option `devices`: "cpu", "cpu=N" and "cuda:I", "cuda:I=N", with "?" behind I where the device may be
// missing and "!" where it is preferred, each once, with commas between them. False where it is none of that; then
// `set` is as it was.
bool parse_devices(EngineOptions &set, std::string_view text);

// The GPUs that the options name, with what makes programs for them. One that may be missing and is leaves a line in
// `missing`. WB_BACKEND_UNAVAILABLE, WB_OUT_OF_MEMORY name the device and what keeps it from being used.
Expected<std::vector<DevicePart>> open_devices(const EngineOptions &options, std::vector<std::string> &missing);

}  // namespace weighbridge::lib
