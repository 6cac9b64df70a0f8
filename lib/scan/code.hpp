// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scan/archive.hpp"
#include "scan/finding.hpp"
#include "scan/limits.hpp"
#include "scan/operators.hpp"

namespace weighbridge::lib {

// A class that an archive's code declares.
struct CodeClass {
    enum class Kind : uint8_t { module, plain, tuple, enumeration };
    Kind kind = Kind::plain;
    std::map<std::string, std::string, std::less<>> attributes;  // types by name, without blanks
    std::vector<std::string> fields;                             // the same types in order
    std::set<std::string, std::less<>> values;                   // of an Enum: its literals
    std::map<std::string, uint32_t, std::less<>> methods;        // places in ModuleCode::functions
};

// A function or a method.
struct CodeFunction {
    std::string name;  // qualified: "__torch__.models.Net.forward"
    std::string file;
    uint32_t line = 0;
    std::string owner;  // the class's qualified name; "" for a function
    struct CodeCall {
        uint32_t callee = 0;
        uint64_t times = 1;  // of the literal loops around it
    };
    std::vector<CodeCall> calls;  // of the archive's functions
    uint64_t operators = 0;       // calls of operators in it
    uint64_t looped = 0;          // the same with its literal loops
};

// What an archive's code declares: types and functions by qualified name.
struct ModuleCode {
    std::map<std::string, CodeClass, std::less<>> classes;
    std::map<std::string, uint32_t, std::less<>> names;  // of functions that are no methods
    std::set<std::string, std::less<>> method_names;     // of all classes
    std::vector<CodeFunction> functions;
    std::map<std::string, uint64_t, std::less<>> operators;  // that are called, with how often

    const CodeClass *find_class(std::string_view name) const {
        const auto found = classes.find(name);
        return found == classes.end() ? nullptr : &found->second;
    }
};

// The qualified name of what a code file declares: "__torch__.models" for "code/__torch__/models.py".
std::string qualifier_of(std::string_view file);

// Scans all code files: declarations, then each body, then how far calls fan out. False where a declaration was not
// understood, and `code` may lack what pickles name.
bool scan_code(const ModuleArchive &archive, const ScanLimits &limits, const OperatorRules &rules, ModuleCode &code,
               ScanFindings &findings);

}  // namespace weighbridge::lib
