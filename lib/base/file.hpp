// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// Reads a whole regular file (opened once, O_NOFOLLOW | O_CLOEXEC, never mapped: it may be truncated under us).
// Errors: WB_IO_ERROR with path and the system's reason; not a regular file; larger than limit_bytes (both numbers).
Expected<Bytes> read_file(const std::string &path, uint64_t limit_bytes);

// Writes a new file and syncs it; an existing one is an error. WB_IO_ERROR with path and reason; nothing is left
// behind.
Status write_file(const std::string &path, ByteView content);

// Names of a directory's entries, sorted, without "." and "..". WB_IO_ERROR where it is none.
Expected<std::vector<std::string>> list_directory(const std::string &path);

// A path as messages show it: at most 120 bytes, cut at the front, control characters replaced.
std::string shown_path(const std::string &path);

}  // namespace weighbridge::lib
