// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <vector>

#include "backend/native/level.hpp"

namespace weighbridge::test {

// The levels that this CPU runs, amx where Linux grants it; the first call says which it does not.
inline const std::vector<lib::native::Level> &cpu_levels() {
    static const std::vector<lib::native::Level> levels = [] {
        std::vector<lib::native::Level> found;
        for (int i = 0; i < lib::native::kLevels; ++i) {
            const auto level = static_cast<lib::native::Level>(i);
            if (level == lib::native::Level::amx) lib::native::request_amx();
            if (lib::native::available(level))
                found.push_back(level);
            else
                std::printf("not run: %s (this CPU lacks it)\n", lib::native::name_of(level));
        }
        return found;
    }();
    return levels;
}

}  // namespace weighbridge::test
