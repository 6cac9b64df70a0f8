// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "scan/finding.hpp"

namespace weighbridge::lib {

// A token of TorchScript. Keywords are names.
struct CodeToken {
    enum class Kind : uint8_t { name, number, text, mark, newline, indent, dedent, end };
    Kind kind = Kind::end;
    uint32_t line = 0;
    std::string_view text;  // borrowed; a text with its quotes

    bool is(std::string_view what) const { return text == what && (kind == Kind::name || kind == Kind::mark); }
};

// Tokeniser of what LibTorch's printer of TorchScript writes, a part of what its parser reads: ASCII, blanks for
// indents, texts in double quotes on one line, no comments, no continued lines, none of the words that the printer
// never writes. Brackets and blocks nest at most kScanDepth deep, expressions 256 with operators, which the parser
// recurses by as well. False with a finding.
bool read_tokens(std::string_view file, std::string_view code, std::vector<CodeToken> &out, ScanFindings &findings);

}  // namespace weighbridge::lib
