// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "scan/archive.hpp"
#include "scan/code.hpp"
#include "scan/finding.hpp"

namespace weighbridge::lib {

// A value that a pickle makes.
struct PickleValue {
    enum class Kind : uint8_t {
        none,
        boolean,
        integer,
        real,
        complex,
        text,
        tuple,
        list,
        dict,
        global,
        object,
        storage,
        tensor,
        device,
        enumeration
    };
    Kind kind = Kind::none;
    bool open = false;    // a container that is still to be filled, an object still to be given its state
    uint8_t depth = 0;    // of what it holds
    bool tagged = false;  // a list or a dict whose type LibTorch knows as well
    uint32_t count = 0;   // of its children
    uint64_t first = 0;   // its first child
    int64_t integer = 0;  // of a storage: its elements
    // Of a text; or the qualified name of a global, an object's class, a storage's type; or the type that a list or a
    // dict is held as, once one is.
    std::string_view text;
};

// The values of one pickle, and their children: places in `values`; of a dict keys and values in turn.
struct PickleValues {
    std::vector<PickleValue> values;
    std::vector<uint32_t> children;

    const PickleValue &child(const PickleValue &of, size_t index) const { return values[children[of.first + index]]; }
};

// What stands in a pickle for a message: "a list of 3", "an object of __torch__.Net".
std::string described(const PickleValue &value);

struct PickleScan {
    enum class Holds : uint8_t { module, constants, debug };
    std::string_view file;  // the entry's name
    Holds holds;            // an object of a module's class; a tuple of constants; where code comes from
};

// Runs a pickle of an archive without making anything: the opcodes, globals and forms that torch.jit.save writes and
// no others. Lengths lie within the file; containers nest at most kScanDepth deep and never hold themselves; a tensor
// lies within its storage, and that is an entry of its size; an object has the attributes of its class, of their types.
// LibTorch checks none of these. Adds to `tensors` how many it found. False with a finding.
bool scan_pickle(const PickleScan &scan, const ModuleArchive &archive, const ScanLimits &limits, const ModuleCode &code,
                 uint64_t &tensors, ScanFindings &findings);

}  // namespace weighbridge::lib
