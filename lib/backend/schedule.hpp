// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "backend/packing.hpp"
#include "graph/graph.hpp"
#include "plan/memory.hpp"

namespace weighbridge::lib {

// Where a value's elements lie: place i of its shape is at offset + sum of index[i] * strides[i], in elements.
struct ValueView {
    uint32_t storage = 0;
    Extent offset;
    Extents strides;
};

// Memory that views look into.
struct Storage {
    enum class Kind { input, constant, arena };
    Kind kind = Kind::arena;
    uint32_t index = 0;  // of forward's argument, or of the graph's constant
    DType dtype = DType::float32;
    Extent elements;
    int first = 0;     // step that writes it first
    int last = 0;      // step that reads it last
    bool own = false;  // each sequence of a packed run has a piece of its own
};

// A step: computes a node, or copies a view into another of the same shape.
struct StepPlan {
    ValueId node = 0;
    bool copies = false;
    std::vector<ValueView> operands;
    ValueView result;
    std::vector<Type> operand_types;
    Type type;  // of the result
    Merge merge = Merge::none;
    Extent places;  // of a sequence in the result, where these merge
};

// The schedule of a graph: reshapes, slices and their kind are views without work, the parts of a concat are computed
// in place or lie side by side already (windows: views whose rows overlap), and the rest is steps in order. Constant
// after make.
struct Schedule {
    std::vector<Storage> storages;
    std::vector<StepPlan> steps;
    std::vector<ValueView> outputs;  // dense, each all of its storage, of the graph's outputs
    std::vector<Type> output_types;

    static Expected<Schedule> make(const Graph &graph);

    // The arena's memory, a block for each storage with room for `elements` of it (of no bytes where it is not in the
    // arena). Storages that are never in use together share memory.
    MemoryPlan arena(const std::vector<int64_t> &elements) const;
};

}  // namespace weighbridge::lib
