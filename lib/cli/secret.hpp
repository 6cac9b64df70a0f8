// SPDX-License-Identifier: Apache-2.0
// What the verbs that sign read from files.
#pragma once

#include <string>

namespace weighbridge::cli {

// The first line of a file, without its end; "" for no path. A Failure where it cannot be read or is empty.
std::string passphrase_of(const std::string &path);

// A signature's file, which is small. A Failure where it cannot be read.
std::string signature_of(const std::string &path);

}  // namespace weighbridge::cli
