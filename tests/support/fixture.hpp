// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/bytes.hpp"

namespace weighbridge::test {

// What a fixture bundle should be like.
struct FixtureOptions {
    std::string version = "1.0.0";
    double bias = 0.0;           // added to the logit: two versions give different scores
    bool extra_feature = false;  // a feature more, with a default
    bool renamed = false;        // 'age_days' is called otherwise: a changed schema
    bool planned = true;         // has model.plan
    bool wrong_golden = false;   // golden vectors that the plan does not reproduce
    double steep = 1.0;          // times the weights of age_days and extra: from 64 on, large values overflow
    std::string fallback_slot;   // of the manifest, "" for none
    // Changes the plan and the golden lines before their digests go into the manifest, and that as it is written.
    std::function<lib::Bytes(lib::Bytes)> plan;
    std::function<std::string(std::string)> golden;
    std::function<std::string(std::string)> manifest;
};

// Writes a bundle with a hand-written plan, digests and golden vectors into `directory`, which must not exist. Its
// model:
//   features: amount_minor (int64 EUR, range [0, 10000000], private), age_days (float32, default 0, NaN missing),
//             country (category FR, DE, IT; unknown is index 0), online (bool)
//   logit = 0.5 * log1p(amount_minor / 100) - 0.25 * age_days + [0.125, 0.5, -0.5, 0.25][country] + 1.0 * online + bias
//   outputs: fraud (sigmoid, by the library; bands approve < 0.5, review < 0.9, decline) and logit
// so that a test can compute every score. `model.ts` holds a line of text: only plans can serve it.
void write_fixture(const std::string &directory, const FixtureOptions &options = {});

}  // namespace weighbridge::test
