// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "base/expected.hpp"
#include "scan/finding.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

class JsonValue;

// What a scan found, and what a module holds as far as it was read.
struct ModuleReport {
    std::string label = "model.ts";  // what messages call the file
    ScanFindings findings;
    uint64_t bytes = 0, entries = 0, classes = 0, functions = 0, tensors = 0, tensor_bytes = 0;
    std::vector<std::pair<std::string, uint64_t>> operators;  // that its code calls, with how often

    JsonValue json() const;  // as wb_module_scan gives it
};

// A TorchScript file that was checked.
struct CheckedModule {
    std::shared_ptr<const Bytes> archive;  // what LibTorch is given in the file's place: write_archive()
};

// Scans a TorchScript file before LibTorch sees it: the archive, then its code, then its pickles. Pure: reads nothing
// else, runs nothing, and needs at most the file's size again and some 200 MB.
// WB_INVALID_BUNDLE where a rule refuses it, the message with label, rule, file and line of the first; `report` has
// them all. WB_OUT_OF_MEMORY; WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so.
Expected<CheckedModule> scan_module(ByteView file, const ScanLimits &limits, ModuleReport &report,
                                    const StopSource &stop = {});

}  // namespace weighbridge::lib
