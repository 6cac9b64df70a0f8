// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"

namespace weighbridge::lib {

// What the fake engine answers; c/model.h has the text that says it. The default: every row's score is by its hash, at
// once.
struct FakeScript {
    struct Failure {
        int32_t status = WB_OK;  // below zero, where there is one
        std::string message;
    };
    // What a run of one row comes to, where its row says so.
    struct Row {
        std::string json;  // the row, as wb_row_set_json takes it
        std::optional<float> score;
        std::optional<int64_t> latency_ns;
        Failure failure;
    };
    // Of each `every`-th run, but at most `times` of them.
    struct Periodic {
        Failure failure;
        int64_t every = 1;
        int64_t times = std::numeric_limits<int64_t>::max();

        bool is_due(int64_t run) const { return run % every == 0 && run / every <= times; }  // runs count from 1
    };

    std::vector<float> scores;          // in turn; empty: by hash
    std::vector<int64_t> latencies_ns;  // in turn; empty: none
    std::vector<Row> rows;
    std::vector<Periodic> failures;  // the first that is due
    Failure load_failure;
    int64_t load_latency_ns = 0;
};

// Reads the text, "" for the default. WB_INVALID_ARGUMENT names the place in the JSON with what was expected and found.
Expected<FakeScript> read_fake_script(std::string_view text);

}  // namespace weighbridge::lib
