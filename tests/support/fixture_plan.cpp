// SPDX-License-Identifier: Apache-2.0
#include "support/fixture_plan.hpp"

#include "plan/plan_file.hpp"
#include "support/graphs.hpp"

namespace weighbridge::test {

namespace {

GraphBuilder build_fixture(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country) {
    GraphBuilder build;
    auto numbers = build.input(0, lib::DType::float32,
                               {lib::Extent::rows(), lib::Extent::of(static_cast<int64_t>(weights.size()))});
    auto country = build.input(1, lib::DType::int64, {lib::Extent::rows()});
    auto weighed = build.linear(numbers, 1, weights, {bias});
    auto table = build.floats({4, 1}, {by_country.begin(), by_country.end()});
    auto logit = build.add(lib::Op::add, {weighed, build.add(lib::Op::embedding, {table, country})});
    auto flat = build.add(lib::Op::reshape, {logit}, {.shape = {lib::Extent::rows()}});
    build.output(flat);
    build.output(flat);
    return build;
}

}  // namespace

lib::Graph fixture_graph(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country) {
    return build_fixture(weights, bias, by_country).graph;
}

lib::Bytes fixture_plan(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country,
                        const lib::Digest &module) {
    return *lib::write_plan(*build_fixture(weights, bias, by_country).plan({WB_PRECISION_FP32}, module));
}

}  // namespace weighbridge::test
