// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weighbridge::torch_plugin {

// A failure that this plug-in found by itself: its text quotes no value of a payment.
struct Refusal {
    int32_t code;  // WB_*
    std::string message;
};

// Writes `text` into a caller's buffer: ends with NUL, cut to fit, one line, ASCII (anything else becomes '?').
void write_line(std::string_view text, char *error, uint32_t error_bytes);

// Text of several lines, split by LF, as ASCII (anything else becomes '?').
std::string printable(std::string_view text);

// Inside a catch block: writes the exception in flight as one line, without C++ or TorchScript stack traces.
// Returns Refusal's code, WB_OUT_OF_MEMORY, or `otherwise`. Does not throw.
int32_t write_exception(int32_t otherwise, char *error, uint32_t error_bytes) noexcept;

}  // namespace weighbridge::torch_plugin
