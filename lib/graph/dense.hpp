// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "graph/graph.hpp"

namespace weighbridge::lib {

// A dense row-major tensor of known sizes in somebody's memory. Of a bool, each byte is 0 or 1.
struct Dense {
    DType dtype = DType::float32;
    std::vector<int64_t> shape;
    void *data = nullptr;

    int64_t elements() const;
    template <class T>
    T *as() const {
        return static_cast<T *>(data);
    }
};

// The sizes of a type for a number of rows and a length.
std::vector<int64_t> sizes_at(const Type &type, int64_t rows, int64_t length);

// Row-major strides, in elements, of `shape` as it broadcasts to `to`: 0 where a size of 1 is repeated.
std::vector<int64_t> broadcast_strides(const std::vector<int64_t> &shape, const std::vector<int64_t> &to);

// Calls visit(places) for every place of `shape` in row-major order; places[i] is the offset under strides[i].
template <class Visit>
void for_each_place(const std::vector<int64_t> &shape, const std::vector<std::vector<int64_t>> &strides,
                    Visit &&visit) {
    std::vector<int64_t> index(shape.size(), 0), places(strides.size(), 0);
    for (int64_t size : shape)
        if (size == 0) return;
    for (;;) {
        visit(places);
        size_t axis = shape.size();
        while (axis > 0) {
            --axis;
            ++index[axis];
            for (size_t i = 0; i < strides.size(); ++i) places[i] += strides[i][axis];
            if (index[axis] < shape[axis]) break;
            for (size_t i = 0; i < strides.size(); ++i) places[i] -= strides[i][axis] * shape[axis];
            index[axis] = 0;
            if (axis == 0) return;
        }
        if (shape.empty()) return;
    }
}

// Whether evaluate_exact computes this node: every operator whose result has no rounding of its own to agree on
// (layouts, look-ups, integers, bools, comparisons, maxima, and IEEE 754's +, -, *, /), and all of float64.
bool is_exact(const Graph &graph, const Node &node);

// Computes such a node by plain loops. WB_BACKEND_FAILED where an index is outside its table; `result` is undefined
// then. Inputs and constants are not computed: they are there already.
Status evaluate_exact(const Node &node, std::span<const Dense> operands, const Dense &result, int64_t rows,
                      int64_t length);

}  // namespace weighbridge::lib
