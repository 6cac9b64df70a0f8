// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "base/expected.hpp"
#include "scan/finding.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

// One file of an archive, checked: its name is of the grammar, its content has the length and CRC that are stated.
struct ArchiveEntry {
    std::string_view name;  // without the first folder
    ByteView content;
    uint32_t crc = 0;
};

// The entries of a TorchScript file. Borrows the file's bytes.
struct ModuleArchive {
    std::vector<ArchiveEntry> entries;  // by name
    std::deque<Bytes> inflated;         // what compressed entries hold

    // Null where there is none.
    const ArchiveEntry *find(std::string_view name) const;
};

// Kinds of entries by their names.
bool is_code_entry(std::string_view name);    // code/__torch__.py, code/__torch__/....py
bool is_debug_entry(std::string_view name);   // the same with .debug_pkl
bool is_tensor_entry(std::string_view name);  // data/N, constants/N
bool is_left_out(std::string_view name);      // extra/..., traced_inputs...: a module is the same without them

// Strict reader of the zip files that torch.jit.save writes. What it accepts has one reading: entries follow each other
// without a gap from the first byte to the directory, which ends the file; local headers say what the directory says.
// WB_INVALID_BUNDLE with one finding; without one WB_OUT_OF_MEMORY, and WB_CANCELLED or WB_DEADLINE_EXCEEDED where
// `stop` says so, which is asked before each entry.
Expected<ModuleArchive> read_archive(ByteView file, const ScanLimits &limits, ScanFindings &findings,
                                     const StopSource &stop = {});

// CRC-32 as zip files have it.
uint32_t crc32_of(ByteView bytes);

// Inflates raw deflate (RFC 1951) into exactly `out`. WB_INVALID_BUNDLE where it gives more or less or is damaged.
Status inflate_exactly(ByteView packed, Bytes &out);

// The archive as LibTorch is given it, made only of what was checked: the same entries under one folder, by name,
// stored, each at a multiple of 64 bytes. The same entries give the same bytes.
Bytes write_archive(const ModuleArchive &archive);

}  // namespace weighbridge::lib
