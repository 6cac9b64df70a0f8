// SPDX-License-Identifier: Apache-2.0
// Where a thread of a kernel finds its sequences, rows and elements.
#pragma once

#include "backend/cuda/arguments.hpp"
#include "backend/cuda/kernels/instructions.hpp"

namespace weighbridge::lib::cuda::device {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

__device__ inline int64_t at(const Terms &terms, int64_t length) {
    return terms.a + (terms.b + terms.c * length) * length;
}

// A sequence of the run, with the sums over those before it.
struct Sequence {
    int64_t index = 0, length = 0, tokens = 0, squares = 0;

    __device__ int64_t begin_of(const Terms &piece) const {
        return piece.a * index + piece.b * tokens + piece.c * squares;
    }
};

__device__ inline Sequence sequence_at(const Sequences &run, int64_t index) {
    const int64_t tokens = run.offsets[index];
    return {index, run.offsets[index + 1] - tokens, tokens, run.squares[index]};
}

template <class T>
__device__ T *place(const View &view, const Sequence &sequence) {
    return static_cast<T *>(view.base) + sequence.begin_of(view.piece) + at(view.offset, sequence.length);
}

__device__ inline void tell_fault(const Sequences &run, int64_t sequence, int32_t fault) {
    if (run.faults[sequence] == 0) run.faults[sequence] = fault;  // threads of one step write the same
}

// Rows of all sequences.
__device__ inline int64_t all_rows(const Rows &rows) {
    const int64_t count = *rows.run.count;
    return rows.count.a * count + rows.count.b * rows.run.offsets[count] + rows.count.c * rows.run.squares[count];
}

// The sequence that holds a row: the last one that begins at it or before.
__device__ inline Sequence sequence_of(const Rows &rows, int64_t row) {
    int64_t low = 0, high = *rows.run.count;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        (sequence_at(rows.run, middle).begin_of(rows.count) <= row ? low : high) = middle;
    }
    return sequence_at(rows.run, low);
}

// A row of the run; its sequence is looked for only where something depends on it.
struct Row {
    int64_t index = 0;
    Sequence sequence{};

    template <class T>
    __device__ T *of(const RowView &view, const Rows &rows) const {
        if (view.merged) return static_cast<T *>(view.view.base) + view.view.offset.a + index * view.stride.a;
        return place<T>(view.view, sequence) +
               (index - sequence.begin_of(rows.count)) * at(view.stride, sequence.length);
    }
    __device__ int64_t width(const Rows &rows) const { return at(rows.width, sequence.length); }
};

__device__ inline bool depends_on_length(const Terms &terms) { return terms.b != 0 || terms.c != 0; }

// `merged`: of all views that the step has.
__device__ inline Row row_at(const Rows &rows, int64_t index, bool merged) {
    if (merged && !depends_on_length(rows.width)) return {index, {}};
    return {index, sequence_of(rows, index)};
}

// The elements of a shape in one sequence.
struct Sizes {
    int axes = 0;
    int64_t size[kMostAxes], count = 1;

    __device__ Sizes(const Shape &shape, int64_t length) : axes(shape.axes) {
#pragma unroll 1
        for (int i = 0; i < axes; ++i) count *= size[i] = at(shape.size[i], length);
    }
};

// Place by place of element `index` in row-major order, as a view has it.
__device__ inline int64_t offset_of(const StridedView &view, const Sizes &sizes, int64_t index, int64_t length) {
    int64_t offset = 0;
#pragma unroll 1
    for (int axis = sizes.axes; axis-- > 0;) {
        const int64_t rest = index / sizes.size[axis];
        offset += (index - rest * sizes.size[axis]) * at(view.stride[axis], length);
        index = rest;
    }
    return offset;
}

// Calls visit(sequence, sizes, element) for the elements that are this thread's: blockIdx.y goes over sequences,
// blockIdx.x over blocks of elements.
template <class Visit>
__device__ inline void each_element(const Sequences &run, const Shape &shape, Visit &&visit) {
    const int64_t count = *run.count;
    for (int64_t i = blockIdx.y; i < count; i += gridDim.y) {
        const Sequence sequence = sequence_at(run, i);
        const Sizes sizes(shape, sequence.length);
        const int64_t step = int64_t{gridDim.x} * blockDim.x;
        for (int64_t e = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < sizes.count; e += step)
            visit(sequence, sizes, e);
    }
}

// An element's index from the view's base on.
__device__ inline int64_t index_of(const StridedView &view, const Sequence &sequence, const Sizes &sizes,
                                   int64_t element) {
    return sequence.begin_of(view.view.piece) + at(view.view.offset, sequence.length) +
           offset_of(view, sizes, element, sequence.length);
}
template <class T>
__device__ T *place(const StridedView &view, const Sequence &sequence, const Sizes &sizes, int64_t element) {
    return static_cast<T *>(view.view.base) + index_of(view, sequence, sizes, element);
}

}  // namespace weighbridge::lib::cuda::device
