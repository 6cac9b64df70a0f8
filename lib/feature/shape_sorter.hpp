// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "feature/encoder.hpp"

namespace weighbridge::lib {

// Puts rows whose tensors have one shape side by side, so that they share tiles. Keeps its memory from call to call;
// for one thread at a time.
class ShapeSorter {
  public:
    // Sorts indices of rows by Encoder::shape, which is computed once for each, and then by index. Ends as `stop` says,
    // which is asked every 64 rows; then nothing is sorted. May throw std::bad_alloc.
    Status sort(const Encoder &encoder, const RowSource &source, std::span<int64_t> rows, const StopSource &stop);

  private:
    struct Keyed {
        uint64_t shape;
        int64_t row;
        auto operator<=>(const Keyed &) const = default;
    };
    std::vector<Keyed> keyed_;
    Encoder::ShapeScratch scratch_;
};

}  // namespace weighbridge::lib
