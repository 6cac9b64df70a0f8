// SPDX-License-Identifier: Apache-2.0
#include "cli/text.hpp"

namespace weighbridge::cli {

std::string write_text(fmt::string_view format, fmt::format_args args) { return fmt::vformat(format, args); }

}  // namespace weighbridge::cli
