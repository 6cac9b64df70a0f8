// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/sha256.hpp"
#include "graph/graph.hpp"

namespace weighbridge::test {

// The model of a fixture bundle: fraud = logit = weights . numbers + bias + by_country[country].
lib::Graph fixture_graph(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country);

// Its plan; `module` is the digest of the bundle's model.ts.
lib::Bytes fixture_plan(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country,
                        const lib::Digest &module);

}  // namespace weighbridge::test
