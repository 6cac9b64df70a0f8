// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace weighbridge::lib {

// The folder that holds the library's other files, as it was installed: "weighbridge" beside the shared library, or
// beside the program that it is linked into, behind links. May throw std::bad_alloc.
std::string own_directory();

}  // namespace weighbridge::lib
