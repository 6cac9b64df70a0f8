// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "graph/graph.hpp"

namespace weighbridge::lib {

struct Schedule;
struct Storage;

// How a step goes over the sequences of a packed run, whose lengths differ.
enum class Merge : uint8_t {
    rows,    // at once: nothing of it depends on a length
    places,  // at once: as over one sequence of all their places
    none,    // one sequence after another
};

// What lies before a sequence in a packed run.
struct Before {
    int64_t rows = 0;
    int64_t places = 0;   // the sum of the lengths
    int64_t squares = 0;  // the sum of their squares

    Before after(int64_t length) const { return {rows + 1, places + length, squares + length * length}; }
    bool operator==(const Before &) const = default;
};

// In a packed run a storage is a piece for each sequence, one after another: what a run of that sequence alone has. A
// storage that is the same for all sequences is there once. In elements.
int64_t piece_begin(const Storage &storage, const Before &before);

// Length of the one sequence that stands for all of a packed run, in a step that merges their places: `sizes` is what
// the step has for a sequence, a + b L with a = 0 or b = 1.
int64_t merged_length(const Extent &sizes, const Before &all);

// Says of each storage whether it has pieces, and of each step how it merges. An operator merges places where the
// table of operators says that it packs by row, or where its axis is not the one that is merged.
void plan_packing(const Graph &graph, Schedule &schedule);

}  // namespace weighbridge::lib
