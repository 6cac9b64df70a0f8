// SPDX-License-Identifier: Apache-2.0
// tests/parity/manifest_cases.json edits the README's example; tests/parity/test_manifest_schema.py asks the JSON
// Schema about the same cases.
#include "bundle/manifest_reader.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

Json edited(const Json &edits) {
    Json document = example();
    if (edits.contains("set"))
        for (const auto &[pointer, value] : edits["set"].items()) document[Json::json_pointer(pointer)] = value;
    if (edits.contains("remove"))
        for (const auto &pointer : edits["remove"]) {
            const Json::json_pointer place(pointer.get<std::string>());
            Json &parent = document[place.parent_pointer()];
            if (parent.is_array())
                parent.erase(std::stoul(place.back()));
            else
                parent.erase(place.back());
        }
    return document;
}

}  // namespace

TEST_CASE("every case of the table is judged as it says", "[one-thread]") {
    const Json cases = Json::parse(source_file("tests/parity/manifest_cases.json"));
    REQUIRE(cases.size() > 250);
    for (const Json &one : cases) {
        INFO(one.dump());
        auto read = read_manifest("manifest.json", edited(one).dump(), Completeness::complete);
        if (!one.contains("at")) {
            INFO(read.status().message);
            CHECK(read.ok());
            continue;
        }
        CHECK_FALSE(read.ok());
        const auto at = "manifest.json: " + one["at"].get<std::string>();
        CHECK(read.status().code == WB_INVALID_BUNDLE);
        CHECK(std::string(read.status().message).substr(0, at.size()) == at);
        CHECK(std::strlen(read.status().message) < 255);
    }
}

TEST_CASE("a fallback score that is no probability, and a calibration that inverts, are warned of") {
    const auto warnings = [](double score, double a) {
        Json manifest = example();
        manifest["fallback"]["score"] = score;
        for (Json &output : manifest["outputs"])
            if (output.value("primary", false)) output["calibration"] = {{"kind", "platt"}, {"a", a}, {"b", 0.0}};
        auto read = read_manifest("manifest.json", manifest.dump(), Completeness::complete);
        INFO(read.status().message);
        REQUIRE(read);
        return read->manifest.warnings;
    };
    using Lines = std::vector<std::string>;
    CHECK(warnings(0.5, 1.0).empty());
    CHECK(warnings(1.5, 1.0) == Lines{"fallback.score: 1.5, where output 'fraud' is a probability"});
    CHECK(warnings(0.5, -1.0) == Lines{"output 'fraud': Platt's a is -1: a higher score gives no higher probability"});
}
