// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace weighbridge::lib {

// The directories where a shared library (ELF, 64 bits) has the loader look for those that it needs: its RUNPATH, or
// the RPATH of older linkers, with $ORIGIN filled in. None where it has neither, or is no such file.
std::vector<std::string> runpath_of(const std::string &path);

}  // namespace weighbridge::lib
