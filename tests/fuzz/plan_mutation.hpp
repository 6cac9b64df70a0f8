// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

namespace weighbridge::test {

// A plan's bytes with its graph changed in a place or a few, each change one that the graph's checks let through, so
// that what lies behind the reader is reached. Sizes, weights and checksum fit. Empty where the bytes are no plan, or
// no change came through. The same bytes and seed give the same plan.
lib::Bytes changed_plan(lib::ByteView bytes, uint32_t seed);

// Bytes whose graph section somebody changed, as a file: header and weights fit the graph again where that is still a
// graph, and else only the header's sizes fit. Empty where the bytes are too few.
lib::Bytes refitted_plan(lib::ByteView header, lib::ByteView graph, lib::ByteView weights);

// The graph section of a file and what lies before and behind it, by its header's sizes; of no bytes where they do not
// fit.
struct PlanParts {
    lib::ByteView header, graph, weights;
};
PlanParts parts_of(lib::ByteView bytes);

}  // namespace weighbridge::test
