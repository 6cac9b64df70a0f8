// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/expected.hpp"
#include "base/file.hpp"

namespace weighbridge::lib {

// Puts a file into a bundle's directory, or another in its place, and its size and digest into manifest.json. Both are
// written beside their places and renamed, the manifest last; where that last step is interrupted, the bundle is
// refused for its digest until the call is made again. WB_IO_ERROR; WB_INVALID_BUNDLE where the manifest cannot be
// read; WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so before the first of them is in its place.
Status add_file(const Directory &directory, const std::string &name, ByteView content, const StopSource &stop = {});

}  // namespace weighbridge::lib
