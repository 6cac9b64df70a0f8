// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>

#include "support/catch.hpp"
#include "weighbridge/c/batch.h"

namespace weighbridge::test {

// That a batch's result counts what its status column says, row by row.
[[gnu::noinline]] inline void require_counts(const wb_batch_result &result, std::span<const int32_t> statuses) {
    auto count = [&](auto is) { return std::count_if(statuses.begin(), statuses.end(), is); };
    const auto first = std::find_if(statuses.begin(), statuses.end(), [](int32_t code) { return code < 0; });
    REQUIRE(result.rows == static_cast<int64_t>(statuses.size()));
    REQUIRE(result.scored == count([](int32_t code) { return code == WB_OK; }));
    REQUIRE(result.fallbacks == count([](int32_t code) { return code == WB_OK_FALLBACK; }));
    REQUIRE(result.invalid == count([](int32_t code) { return code == WB_INVALID_INPUT; }));
    REQUIRE(result.failed == count([](int32_t code) { return code < 0 && code != WB_INVALID_INPUT; }));
    REQUIRE(result.first_error == (first == statuses.end() ? -1 : first - statuses.begin()));
    REQUIRE((result.reason != WB_REASON_NONE) == (result.fallbacks > 0));
    REQUIRE((result.backend != WB_BACKEND_NONE) == (result.scored > 0));
    REQUIRE(result.device == (result.scored > 0 ? 0 : -1));
    REQUIRE(result.queue_ns >= 0);
    REQUIRE(result.run_ns >= 0);
}

}  // namespace weighbridge::test
