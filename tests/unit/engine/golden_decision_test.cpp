// SPDX-License-Identifier: Apache-2.0
// A bundle whose calibration or bands are others than those that its golden vectors were made with was verified: 0.4 %
// became 96 %.
#include <regex>

#include "unit/engine/engine_support.hpp"

using namespace weighbridge;
using namespace weighbridge::test;

namespace {

const std::string kPrimary = "\"primary\": true,";

// With the calibration put into the manifest.
FixtureOptions calibrated(const std::string &calibration) {
    FixtureOptions options;
    options.manifest = replacing(kPrimary, kPrimary + " \"calibration\": " + calibration + ",");
    return options;
}

std::string without_decision(const std::string &golden) {
    return std::regex_replace(golden, std::regex(", \"probability\": [^}]*"), "");
}

std::string refusal(const FixtureOptions &options, int32_t code) {
    EngineWithLog log;
    const auto model = log.load(options);
    REQUIRE_FALSE(model);
    CHECK(model.status().code == code);
    return model.status().message;
}

}  // namespace

TEST_CASE("golden vectors hold probability and band, and a load compares them", "[golden]") {
    EngineWithLog log;
    const auto model = log.load();
    INFO(model.status().message);
    REQUIRE(model);
    const auto report = verify(**model);
    REQUIRE(report);
    CHECK(report->vectors == 16);
    CHECK(report->probabilities == 16);
    CHECK(report->bands == 16);
    CHECK(report->largest_probability_difference < 1e-6);
    CHECK(report->verdict((*model)->bundle().manifest()).ok());
}

TEST_CASE("another calibration or other bands do not verify", "[golden]") {
    const std::string probability = "golden.jsonl: line 1: probability of output 'fraud': expected 0.";
    for (const char *calibration :
         {R"({"kind": "platt", "a": 1, "b": 8.7})", R"({"kind": "platt", "a": 1, "b": 0.001})",
          R"({"kind": "platt", "a": 1.01, "b": 0})", R"({"kind": "platt", "a": 5000, "b": 0})",
          R"({"kind": "isotonic", "x": [0, 1], "y": [0.5, 1]})"}) {
        INFO(calibration);
        CHECK(refusal(calibrated(calibration), WB_VERIFY_FAILED).starts_with(probability));
    }
    FixtureOptions options;
    options.manifest = replacing("\"below\": 0.9", "\"below\": 0.97");
    CHECK(refusal(options, WB_VERIFY_FAILED).find(": band: expected decline for a probability of 0.9") !=
          std::string::npos);
    options.manifest = replacing("\"below\": 0.5", "\"below\": 0.8");
    CHECK(refusal(options, WB_VERIFY_FAILED).find(": band: expected review for a probability of 0.7") !=
          std::string::npos);
    options.manifest = replacing("\"review\"", "\"look\"");
    const std::string renamed = "band: expected the name of a band in manifest.json, got \"review\"";
    CHECK(refusal(options, WB_INVALID_BUNDLE).find(renamed) != std::string::npos);
}

TEST_CASE("golden lines without probability and band stay readable, and are counted", "[golden]") {
    EngineWithLog log;
    FixtureOptions options = calibrated(R"({"kind": "platt", "a": 1, "b": 8.7})");
    options.golden = without_decision;
    const auto model = log.load(options);
    INFO(model.status().message);
    REQUIRE(model);
    const auto report = verify(**model);
    REQUIRE(report);
    CHECK(report->vectors == 16);
    CHECK(report->probabilities == 0);
    CHECK(report->bands == 0);
}

TEST_CASE("a band beside no probability, and a probability that is no number, are refused", "[golden]") {
    FixtureOptions options;
    options.golden = [](const std::string &golden) {
        return std::regex_replace(golden, std::regex("\"probability\": [^,]*, "), "");
    };
    CHECK(refusal(options, WB_INVALID_BUNDLE) ==
          "golden.jsonl: line 1: band: expected a probability beside it, got none");
    options.golden = [](const std::string &golden) {
        return std::regex_replace(golden, std::regex("\"probability\": [^,]*"), "\"probability\": \"x\"");
    };
    CHECK(refusal(options, WB_INVALID_BUNDLE) == "golden.jsonl: line 1: probability: expected a number, got \"x\"");
}
