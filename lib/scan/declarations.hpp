// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "scan/code.hpp"
#include "scan/token_cursor.hpp"

namespace weighbridge::lib {

// Where a function's text is, among the tokens of its file.
struct FunctionSource {
    uint32_t function = 0;  // its place in ModuleCode::functions
    CodeTokens parameters;  // without the brackets
    CodeTokens result;      // its type; nothing where none is stated
    CodeTokens body;        // lines, with their indents
};

// Reads what a code file declares: classes of attributes, literal constants and methods; functions. Everything else
// that stands outside a body would run, or be imported, while the module is loaded, and is refused. False with a
// finding.
bool read_declarations(std::string_view file, CodeTokens tokens, ModuleCode &code, std::vector<FunctionSource> &sources,
                       ScanFindings &findings);

// Whether an expression is made of literals only: numbers, texts, None, True, False, inf, nan, lists and tuples of
// them.
bool is_literal(CodeTokens expression);
// Whether a type is made of names that TorchScript has, and of an archive's own, in at most 4,096 letters.
bool is_type(CodeTokens type);

}  // namespace weighbridge::lib
