// SPDX-License-Identifier: Apache-2.0
#include "base/environment.hpp"

#include <stdlib.h>

namespace weighbridge::lib {

std::string environment(const char *name) {
    const char *value = secure_getenv(name);
    return value ? value : "";
}

}  // namespace weighbridge::lib
