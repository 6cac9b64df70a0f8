// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace weighbridge::lib {

// An environment variable's value, "" where it is unset, empty, or the process runs with raised privileges
// (secure_getenv). The only place in the library that reads the environment. Thread-safe as getenv is.
std::string environment(const char *name);

}  // namespace weighbridge::lib
