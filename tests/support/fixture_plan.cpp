// SPDX-License-Identifier: Apache-2.0
#include "support/fixture_plan.hpp"

#include <stdexcept>

#include "plan/builder.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::test {

lib::Bytes fixture_plan(const std::vector<float> &weights, float bias, std::span<const float, 4> by_country) {
    lib::PlanBuilder builder;
    auto numbers = builder.input(lib::DType::float32, static_cast<int64_t>(weights.size()));
    auto country = builder.input(lib::DType::int64, 1, 1);
    auto weighed = builder.linear(numbers, weights, std::span<const float>(&bias, 1));
    auto logit = builder.add(weighed, builder.embedding(country, by_country, 1));
    builder.output(logit);
    builder.output(logit);
    auto plan = builder.build();
    if (!plan) throw std::runtime_error(plan.status().message);
    auto bytes = lib::write_plan(**plan);
    if (!bytes) throw std::runtime_error(bytes.status().message);
    return *std::move(bytes);
}

}  // namespace weighbridge::test
