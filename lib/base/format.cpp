// SPDX-License-Identifier: Apache-2.0
#include "base/format.hpp"

namespace weighbridge::lib {

std::string write_text(fmt::string_view format, fmt::format_args args) { return fmt::vformat(format, args); }

size_t write_text(char *text, size_t room, fmt::string_view format, fmt::format_args args) {
    return fmt::vformat_to_n(text, room, format, args).size;
}

}  // namespace weighbridge::lib
