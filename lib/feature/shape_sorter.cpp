// SPDX-License-Identifier: Apache-2.0
#include "feature/shape_sorter.hpp"

#include <algorithm>

namespace weighbridge::lib {

Status ShapeSorter::sort(const Encoder &encoder, const RowSource &source, std::span<int64_t> rows,
                         const StopSource &stop) {
    constexpr size_t kBetweenPolls = 64;
    if (rows.size() < 2) return {};
    keyed_.clear();
    for (const int64_t row : rows) {
        if (keyed_.size() % kBetweenPolls == kBetweenPolls - 1)
            if (Status status = stop.check("sorting rows"); !status.ok()) return status;
        keyed_.push_back({encoder.shape(source, row, scratch_), row});
    }
    std::sort(keyed_.begin(), keyed_.end());
    std::transform(keyed_.begin(), keyed_.end(), rows.begin(), [](const Keyed &one) { return one.row; });
    return {};
}

}  // namespace weighbridge::lib
