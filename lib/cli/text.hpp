// SPDX-License-Identifier: Apache-2.0
// Text that is made from values. fmt is compiled once, behind one function: it is large.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace weighbridge::cli {

std::string write_text(fmt::string_view format, fmt::format_args args);

// As fmt::format.
template <class... Args>
std::string formatted(fmt::format_string<Args...> format, Args &&...args) {
    return write_text(format, fmt::make_format_args(args...));
}

// The text as a JSON string, in quotes; bytes that are not UTF-8 are replaced.
std::string json_text(std::string_view text);

}  // namespace weighbridge::cli
