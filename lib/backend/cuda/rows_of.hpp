// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "backend/cuda/arguments.hpp"
#include "backend/schedule.hpp"

namespace weighbridge::lib::cuda {

// A view of one sequence as the kernels have it: without the axis of the rows, which has one place then, with strides
// of 0 where it is repeated to a shape of other sizes.
struct SequenceView {
    const Storage *storage = nullptr;
    std::byte *base = nullptr;  // the storage's; null where only sizes are asked for
    Extent offset;              // in elements
    Extents strides;            // by axis
    int64_t element_bytes = 4;

    View view(int64_t moved = 0) const;  // from `moved` elements on
};

// The sizes of a shape in one sequence, without the axis of the rows.
Extents sizes_of_sequence(const Extents &shape);

// A view of a type, as it broadcasts to `shape` (with its axis of rows), from the right.
SequenceView sequence_view(const ValueView &view, const Type &type, const Storage &storage, std::byte *base,
                           const Extents &shape);

Terms terms_of(const Extent &extent);  // for one row
Shape shape_of(const Extents &sizes);
StridedView strided(const SequenceView &view);

// Rows of several views over the same sizes: places of all but the last axis that are equally far apart in each view.
// Other axes, whose sizes are known, are gone over by launches of their own.
struct RowLoop {
    Extent count;                              // rows of a sequence
    Extents strides;                           // from row to row, by view
    std::vector<std::vector<int64_t>> starts;  // by launch and view: elements from the view's offset on
};
// nullopt where no loop does it, or more than 64 launches were needed.
std::optional<RowLoop> loop_over_rows(const Extents &sizes, const std::vector<const SequenceView *> &views);

RowView row_view(const SequenceView &view, const Extent &stride, const Extent &count, int64_t start);

}  // namespace weighbridge::lib::cuda
